"""The shapes of a user's keys, second factor and security events in JSON; see `responses`."""

from typing import Literal

from typing_extensions import TypedDict


class ApiKeyRate(TypedDict):
    """How many requests a key may send: so many a second, and so many at once after a pause."""

    per_s: int
    burst: int


class ApiKeyState(TypedDict):
    """An API key; no secret is ever part of it. A time that is null has not come.

    ``used_at_ms`` may be some minutes behind, and so may ``state`` be some seconds ahead of what
    the gateway lets through.
    """

    key_id: str
    label: str
    state: Literal["active", "expired", "revoked"]
    algorithm: Literal["ed25519", "hmac-sha256"]
    public_key: str | None
    scopes: list[Literal["read", "trade", "transfer", "withdraw"]]
    addresses: list[str]
    rate: ApiKeyRate | None
    created_at_ms: int
    expires_at_ms: int | None
    revoked_at_ms: int | None
    used_at_ms: int | None


class MadeApiKey(TypedDict):
    """A new key. The secret of one that signs by HMAC is shown here and never again."""

    key: ApiKeyState
    secret: str | None


class ApiKeyList(TypedDict):
    """All keys of the account, newest first; next_cursor is always null."""

    items: list[ApiKeyState]
    next_cursor: None


class SecondFactorSetup(TypedDict):
    """What an authenticator is set up with: the secret in base 32, and as an address to scan."""

    secret: str
    uri: str


class SecondFactorState(TypedDict):
    """Since when a code is asked for; null while it is not."""

    required_since_ms: int | None


class SecurityEvent(TypedDict):
    """Something that happened to the security of your account."""

    kind: Literal[
        "account_closed",
        "api_key_made",
        "api_key_revoked",
        "email_changed",
        "identity_linked",
        "identity_unlinked",
        "new_device",
        "password_changed",
        "second_factor_added",
        "second_factor_removed",
        "session_ended",
        "sign_in_factor_changed",
        "signed_out_everywhere",
    ]
    at_ms: int
    address: str
    about: str | None


class SecurityEventList(TypedDict):
    """The latest events, newest first; withdrawals wait until the time given, if any is."""

    items: list[SecurityEvent]
    next_cursor: None
    withdrawals_paused_until_ms: int | None
