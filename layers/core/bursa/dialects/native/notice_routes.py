"""The routes about the caller's notices."""

from typing import Final

from bursa.dialects.native.notice_responses import NoticeList, NoticesRead, NoticeState
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import NoticesReadRequest
from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.notifications.notices import check_notice_id
from bursa.notifications.notifier import OwnNotices

LIMIT_MAX: Final = 100


class NoticeRoutes:
    """What `functions/identity_api` serves of notices."""

    def __init__(self, notices: OwnNotices) -> None:
        self._notices = notices

    def newest(self, principal: Principal, limit: str | None, cursor: str | None) -> NoticeList:
        """Return the caller's notices; raises `NotAllowed` ``token_required`` for an API key."""
        require_token(principal)
        count = read_number(limit, "limit", default=LIMIT_MAX, most=LIMIT_MAX)
        before = None if cursor is None else check_notice_id(cursor)
        found = self._notices.newest(principal.account, before, count)
        items = [
            NoticeState(
                notice_id=notice.id,
                kind=notice.kind,
                at_ms=notice.at_ms,
                told_at_ms=notice.told_at_ms,
                facts=dict(notice.facts),
                title=text.title,
                text=text.body,
                is_read=notice.told_at_ms <= found.read_until_ms,
            )
            for notice, text in self._notices.worded(principal.user, found)
        ]
        return NoticeList(items=items, next_cursor=found.next_id, read_until_ms=found.read_until_ms)

    def read(self, principal: Principal, body: str | None) -> NoticesRead:
        """Remember up to when the caller has read; a time before that changes nothing."""
        require_token(principal)
        until_ms = read_body(body, NoticesReadRequest).until_ms
        return NoticesRead(read_until_ms=self._notices.set_read(principal.account, until_ms))
