"""A user's password, changed by our own route.

The pool would take it from the client as well; but it tells nobody, and leaves every session as it
was (`bursa.identity.pool_changes` follows that, minutes later). This way the event is kept and all
sessions have ended when the client is answered.
"""

from enum import StrEnum
from typing import Final, Protocol

from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput, NotAllowed, TooManyRequests

_RETRY_S: Final = 900


class PasswordOutcome(StrEnum):
    """What a pool makes of a wish for another password."""

    CHANGED = "changed"
    WRONG = "wrong"
    TOO_WEAK = "too_weak"
    USED_BEFORE = "used_before"
    TOO_MANY = "too_many"


class Pool(Protocol):
    """The user pool, by the user's own access token."""

    def change(self, token: str, old: str, new: str) -> PasswordOutcome:
        """Change a password; raises `Unauthenticated` ``token_expired`` and `Unavailable`."""


class Events(Protocol):
    """Keeps security events."""

    def record(self, event: SecurityEvent) -> None:
        """Keep an event, and pause withdrawals if it does; raises `Unavailable`."""


class Passwords:
    """Changes passwords."""

    def __init__(self, pool: Pool, events: Events, clock: WallClock) -> None:
        self._pool = pool
        self._events = events
        self._clock = clock

    def change(self, principal: Principal, token: str, old: str, new: str, address: str) -> None:
        """Change the caller's password and keep that as an event; its sessions go on.

        Raises
        ------
        NotAllowed
            ``token_required``, ``wrong_password``
        InvalidInput
            ``invalid_new_password``, ``password_used_before``
        TooManyRequests
            ``too_many_passwords``
        Unauthenticated, Unavailable
            ``token_expired``; ``user_pool_unavailable``, ``identity_unavailable``.

        """
        require_token(principal)
        outcome = self._pool.change(token, old, new)
        if outcome is PasswordOutcome.WRONG:
            raise NotAllowed(
                "wrong_password",
                "Send the password that you sign in with; if you have none, set one by mail.",
            )
        if outcome is PasswordOutcome.TOO_MANY:
            raise TooManyRequests(
                "too_many_passwords", "Wait a while, then try again.", retry_after_s=_RETRY_S
            )
        if outcome is PasswordOutcome.TOO_WEAK:
            raise InvalidInput(
                "invalid_new_password",
                "Send new_password with 12 characters or more: lower and upper case, and digits.",
                field="new_password",
            )
        if outcome is PasswordOutcome.USED_BEFORE:
            raise InvalidInput(
                "password_used_before",
                "Send a new_password that you have not had lately.",
                field="new_password",
            )
        kind, now_ms = SecurityEventKind.PASSWORD_CHANGED, self._clock.now_ms()
        self._events.record(SecurityEvent(kind, principal.account, principal.user, now_ms, address))
