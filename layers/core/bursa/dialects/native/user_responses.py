"""The shapes of responses about a user's own sessions and data, beside those of `responses`."""

from typing_extensions import TypedDict

from bursa.dialects.native.responses import Me, UserPreferencesState
from bursa.dialects.native.security_responses import ApiKeyState, SecurityEvent


class SessionState(TypedDict):
    """A session of yours that goes on.

    ``last_seen_at_ms`` is some minutes coarse; ``user_agent`` and ``address`` are of then.
    """

    session_id: str
    is_current: bool
    signed_in_at_ms: int
    last_seen_at_ms: int
    user_agent: str
    address: str


class SessionList(TypedDict):
    """Your sessions, the one seen last first; next_cursor is always null.

    ``is_complete`` is false when there were more lately than are listed: one that is not here is
    listed as soon as it is used, and signing out everywhere ends it, too.
    """

    items: list[SessionState]
    next_cursor: None
    is_complete: bool


class EndedSession(TypedDict):
    """A session that is over, and how many of its WebSockets were closed."""

    session_id: str
    connections_closed: int


class LinkedIdentityState(TypedDict):
    """Another provider's sign-in of yours.

    ``linked_at_ms`` is null while it is not linked; until ``allowed_until_ms`` the next sign-in
    with the provider is linked.
    """

    provider: str
    linked_at_ms: int | None
    allowed_until_ms: int | None


class LinkedIdentityList(TypedDict):
    """Those that are linked, or allowed at the moment; next_cursor is always null."""

    items: list[LinkedIdentityState]
    next_cursor: None


class ClosedAccount(TypedDict):
    """Since when your account is closed; every session and API key is over."""

    account: str
    closed_at_ms: int
    refresh_tokens_revoked: bool


class ExportedLists(TypedDict):
    """Where to read, by pages, what is too long for one response.

    All but the last three are of one account; X-Account names another of yours.
    """

    orders: str
    fills: str
    balances: str
    transfers: str
    sub_accounts: str
    kyc: str
    notices: str


class DataExport(TypedDict):
    """All that is known of you beside what ``elsewhere`` lists; no secret is part of it."""

    user: Me
    preferences: UserPreferencesState
    sessions: list[SessionState]
    identities: list[LinkedIdentityState]
    api_keys: list[ApiKeyState]
    security_events: list[SecurityEvent]
    elsewhere: ExportedLists
