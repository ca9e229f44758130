"""What users are told, and what it is made of. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId

KEPT_S: Final = 90 * 86_400
# What happens more often on a day (UTC) is in the account alone: whoever makes it happen again and
# again must not fill a mailbox, or cost the deployment its good name with SES. It counts by kind,
# so that a thief can't use up what tells of a new key by signing out.
MAILS_OF_A_KIND_MAX: Final = 10
TIME_DIGITS: Final = 15
_NOTICE_ID: Final = re.compile(rf"[0-9]{{{TIME_DIGITS}}}-[0-9a-f]{{16}}", re.ASCII)
SECURITY, KYC, FEE_TIER, TRANSFER = "security", "kyc", "fee_tier", "transfer"
EMAIL_CHANGED, ACCOUNT_CLOSED = f"{SECURITY}.email_changed", f"{SECURITY}.account_closed"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a user is told.

    Attributes
    ----------
    id
        Equal whenever the same comes again.
    account
        Whose it is, or None where only the user is known.
    user
        The subject of its tokens; empty where only the account is known: nobody is mailed then.
    kind
        What happened, such as ``security.new_device``.
    at_ms
        When, UTC.
    facts
        What its text names.

    """

    id: str
    tenant: TenantId
    account: AccountId | None
    user: str
    kind: str
    at_ms: int
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """An entry of the list in a user's account, which all its sub-accounts share.

    It begins with the time at which it came into the list, because what happened may be known
    minutes later, when the user has read what was told of since.
    """

    account: AccountId
    id: str
    kind: str
    at_ms: int
    facts: Mapping[str, str]

    @property
    def told_at_ms(self) -> int:
        """When it came into the list, UTC."""
        return int(self.id.partition("-")[0])


class Notices(NamedTuple):
    """Some of a user's notices, newest first.

    Attributes
    ----------
    next_id
        Before which there are more; None for the end.
    read_until_ms
        Up to when the user has read them.

    """

    items: Sequence[Notice]
    next_id: str | None
    read_until_ms: int


class NoticeList(Protocol):
    """Keeps notices; each method raises `Unavailable` ``notices_unavailable``."""

    def keep(self, notice: Notice) -> bool:
        """Keep a notice, once; return whether nobody has mailed it yet. Safe to repeat."""

    def may_mail(self, notice: Notice) -> bool:
        """Return whether it is one of the mails that a user gets of its kind today.

        Safe to repeat: the same notice is counted once.
        """

    def set_mailed(self, notice: Notice) -> None:
        """Remember that it was mailed."""

    def mailed_to(self, account: AccountId) -> str:
        """Return where the last mail of an account went; empty while there was none."""

    def set_mailed_to(self, account: AccountId, address: str) -> None:
        """Remember where a mail went, or forget it where it is empty."""

    def newest(self, account: AccountId, before: str | None, limit: int) -> Notices:
        """Return notices before one of them, or the newest."""

    def set_read(self, account: AccountId, until_ms: int) -> int:
        """Remember up to when notices were read, never less; return up to when.

        Nothing is read that is not there yet, so a time that is to come is now.
        """


def notice_of(happening: Happening, account: AccountId, now_ms: int) -> Notice:
    """Return what a user is told, now, of something that happened to it."""
    digest = sha256(happening.id.encode()).hexdigest()[:16]
    name = f"{now_ms:0{TIME_DIGITS}d}-{digest}"
    return Notice(account.owner, name, happening.kind, happening.at_ms, happening.facts)


def check_notice_id(text: str) -> str:
    """Return a notice's id; raises `InvalidInput` ``invalid_cursor``."""
    if not _NOTICE_ID.fullmatch(text):
        raise InvalidInput(
            "invalid_cursor", "Send the next_cursor of a response, as it came.", field="cursor"
        )
    return text
