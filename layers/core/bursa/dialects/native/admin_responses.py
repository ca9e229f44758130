"""What a tenant's back office is answered. Times are UTC milliseconds, null while there is none."""

from typing import Any, Literal

from typing_extensions import TypedDict

from bursa.dialects.native.security_responses import ApiKeyState

StaffRole = Literal["owner", "compliance", "finance", "support", "auditor", "regulator"]


class OwnRole(TypedDict):
    """What you are in the back office, and what you may do; until when, for a regulator."""

    user_id: str
    role: StaffRole
    actions: list[str]
    until_ms: int | None


class StaffSubAccount(TypedDict):
    """A sub-account of a user, which is open or was."""

    account: str
    label: str
    open: bool


class StaffUser(TypedDict):
    """A user; state is the user pool's own word. account is null before the first sign-in."""

    user_id: str
    email: str
    email_verified: bool
    state: str
    enabled: bool
    account: str | None
    sub_accounts: list[StaffSubAccount]
    created_at_ms: int
    signed_out_at_ms: int | None
    role: StaffRole | None
    frozen: bool


class StaffUserList(TypedDict):
    """The users that were asked for: one or none; next_cursor is always null."""

    items: list[StaffUser]
    next_cursor: None


class StaffApiKeyList(TypedDict):
    """All keys of a user's account, newest first; next_cursor is always null."""

    items: list[ApiKeyState]
    next_cursor: None


class SessionsEnded(TypedDict):
    """What became of a user's sessions: those that began before this time are over."""

    ended_at_ms: int
    connections_closed: int


class KeyRevoked(TypedDict):
    """What became of a key."""

    revoked_at_ms: int
    connections_closed: int


class MarketStateSet(TypedDict):
    """The state of a market since."""

    state: Literal["open", "post_only", "cancel_only", "halted", "auction"]


class StaffMarket(TypedDict):
    """A market as the back office sees it; rates are parts per million, 0 for no such limit."""

    market: str
    state: Literal["open", "post_only", "cancel_only", "halted", "auction"]
    maker_ppm: int
    taker_ppm: int
    collar_ppm: int
    market_collar_ppm: int
    breaker_ppm: int
    auction_ms: int


class StaffMarketList(TypedDict):
    """All markets by name; next_cursor is always null."""

    items: list[StaffMarket]
    next_cursor: None


class ProposalState(TypedDict):
    """A change that takes a second person, and what became of it."""

    proposal_id: str
    action: str
    about: str
    asked: dict[str, Any]
    reason: str
    asker: str
    at_ms: int
    expires_at_ms: int
    digest: str
    state: Literal["open", "approved", "rejected", "expired"]
    decided_by: str | None


class ProposalList(TypedDict):
    """The latest hundred proposals, newest first; next_cursor is always null."""

    items: list[ProposalState]
    next_cursor: None


class StaffChange(TypedDict):
    """A change: done, with what is there now; or proposed, until another person approves it."""

    state: Literal["done", "proposed"]
    after: dict[str, Any]
    proposal: ProposalState | None


class AuditEntryState(TypedDict):
    """An entry of the audit log (docs/back-office.md); hash is that of its line in an export."""

    number: int
    at_ms: int
    kind: Literal["intent", "outcome", "proposal", "approval", "rejection", "read"]
    request: str
    actor: str
    role: str
    action: str
    about: str
    asked: dict[str, Any]
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    result: str
    address: str
    request_id: str
    previous: str
    hash: str


class AuditPage(TypedDict):
    """Entries, newest first; next_cursor is null on the last page."""

    items: list[AuditEntryState]
    next_cursor: str | None
