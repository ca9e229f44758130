"""Notices, as they are sent. Times are UTC milliseconds."""

from typing_extensions import TypedDict


class NoticeState(TypedDict):
    """Something that happened to your account, in your language.

    kind and facts are for programs, title and text for people. at_ms is when it happened,
    told_at_ms when it came into this list. is_read says whether that was before the time up to
    which you have read.
    """

    notice_id: str
    kind: str
    at_ms: int
    told_at_ms: int
    facts: dict[str, str]
    title: str
    text: str
    is_read: bool


class NoticeList(TypedDict):
    """Your notices, newest first; they are kept for 90 days."""

    items: list[NoticeState]
    next_cursor: str | None
    read_until_ms: int


class NoticesRead(TypedDict):
    """Up to when you have read your notices."""

    read_until_ms: int
