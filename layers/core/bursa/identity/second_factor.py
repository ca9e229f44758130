"""A user's second factor: time-based codes (RFC 6238), for sign-in and again for what matters most.

Cognito asks for a code at each sign-in once it is set up, but an access token does not say that it
did; and who holds a token may set up another authenticator there. So the secret that Cognito makes
is also sealed here, and what matters most (API keys, withdrawals) needs a fresh code that is
verified against it (docs/adr/0048). A code is good once, for the half minute it is shown and one
before and after; wrong ones are counted.
"""

import re
from base64 import b32decode
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote

from bursa.identity.principal import Principal, SignInMethod
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from bursa.kernel.identifiers import TenantId

STEP_S: Final = 30
# Steps before and after the present one whose codes are taken: clocks differ, people are slow.
STEPS_BESIDE: Final = 1
# Three in a million codes are right at any time: this leaves a guesser less than one chance in a
# thousand a day.
ATTEMPTS_MAX: Final = 10
ATTEMPTS_WINDOW_S: Final = 3_600
# Each asks Cognito for a secret, of whose calls all pools of a region have so many a second.
SETUPS_MAX: Final = 5
SETUPS_WINDOW_S: Final = 60

_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


class Enrolment(NamedTuple):
    """What an authenticator is set up with: the secret, as text and as an address."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A user's authenticator as it is stored.

    Attributes
    ----------
    sealed
        Its secret, which only KMS opens.
    since_ms
        Since when it is required, UTC; 0 while it is being set up.

    """

    sealed: bytes
    since_ms: int = 0


class Factors(Protocol):
    """Keeps authenticators; each method raises `Unavailable` ``identity_unavailable``."""

    def find(self, tenant: TenantId, user: str) -> Factor | None:
        """Return a user's authenticator, also one that is being set up; None for none."""

    def set_up(self, tenant: TenantId, user: str, now_s: int) -> bool:
        """Count that one is to be set up; return whether it may be."""

    def begin(self, tenant: TenantId, user: str, sealed: bytes) -> bool:
        """Keep one that is being set up; return whether there was no other that is required."""

    def confirm(self, event: SecurityEvent, pause_until_ms: int, sealed: bytes) -> bool:
        """Require it from now on, and keep the event; return whether it was still this one."""

    def remove(self, event: SecurityEvent, pause_until_ms: int) -> None:
        """Forget it, and keep the event."""

    def attempt(self, tenant: TenantId, user: str, now_s: int) -> bool:
        """Count an attempt; return whether it may be made."""

    def use(self, tenant: TenantId, user: str, step: int) -> bool:
        """Use up the codes of a step and those before; return whether they were not, before."""


class Authenticators(Protocol):
    """The user pool's side, by the user's own access token."""

    def associate(self, token: str) -> str:
        """Return a new secret in base 32; nothing is required yet. Raises `Unavailable`."""

    def verify(self, token: str, code: str) -> bool:
        """Hand the pool a first code; return whether it was right. Raises `Unavailable`."""

    def prefer(self, token: str, *, is_on: bool) -> None:
        """Ask for a code at each sign-in from now on, or no longer. Raises `Unavailable`."""


class Codes(Protocol):
    """Makes codes."""

    def __call__(self, secret: bytes, step: int) -> str:
        """Return the code of a step."""


class Seals(Protocol):
    """Seals and opens secrets; raises `Unavailable`."""

    def seal(self, secret: bytes, context: dict[str, str]) -> bytes:
        """Return a secret as it may be stored."""

    def open(self, sealed: bytes, context: dict[str, str]) -> bytes:
        """Return a secret that was sealed in this context."""


class Pauses(Protocol):
    """Until when an event pauses withdrawals."""

    def pause_until_ms(self, event: SecurityEvent) -> int:
        """Return the time, UTC; 0 for not at all."""


class SecondFactor:
    """Sets a user's second factor up, asks for it, and removes it."""

    def __init__(  # noqa: PLR0917 - where things are kept, and what makes them
        self,
        factors: Factors,
        authenticators: Authenticators,
        codes: Codes,
        seals: Seals,
        pauses: Pauses,
        clock: WallClock,
    ) -> None:
        self._factors = factors
        self._authenticators = authenticators
        self._codes = codes
        self._seals = seals
        self._pauses = pauses
        self._clock = clock

    def begin(self, principal: Principal, token: str, issuer_name: str) -> Enrolment:
        """Return what a new authenticator is set up with; it is required once it is confirmed.

        Raises
        ------
        NotAllowed
            ``token_required``: an API key asks.
        Conflict
            ``second_factor_exists``
        TooManyRequests
            ``too_many_setups``

        """
        require_token(principal)
        tenant, user = principal.tenant, principal.user
        known = self._factors.find(tenant, user)
        if known is not None and known.since_ms:
            raise _exists()
        if not self._factors.set_up(tenant, user, self._clock.now_ms() // 1_000):
            raise TooManyRequests(
                "too_many_setups",
                "Wait a minute, then begin again.",
                retry_after_s=SETUPS_WINDOW_S,
            )
        secret = self._authenticators.associate(token)
        sealed = self._seals.seal(secret.encode(), _context(principal))
        if not self._factors.begin(tenant, user, sealed):
            raise _exists()
        name = quote(issuer_name, safe="")
        uri = f"otpauth://totp/{name}:{principal.account}?secret={secret}&issuer={name}"
        return Enrolment(secret, uri)

    def confirm(self, principal: Principal, token: str, code: str, address: str) -> int:
        """Require the authenticator from now on; return since when, UTC in milliseconds.

        Raises
        ------
        NotAllowed
            ``token_required``, ``wrong_code``, ``no_second_factor``: begin first.
        Conflict
            ``second_factor_exists``; ``second_factor_changed``: another was begun meanwhile.
        InvalidInput, TooManyRequests
            As `require`.

        """
        require_token(principal)
        known = self._factors.find(principal.tenant, principal.user)
        if known is not None and known.since_ms:
            raise _exists()
        known = self._check(principal, known, code)
        if not self._authenticators.verify(token, code):
            raise _wrong_code()
        self._authenticators.prefer(token, is_on=True)
        event = self._event(principal, SecurityEventKind.SECOND_FACTOR_ADDED, address)
        until_ms = self._pauses.pause_until_ms(event)
        if not self._factors.confirm(event, until_ms, known.sealed):
            # Whoever holds a token may have begun another one since: never require that instead.
            raise Conflict("second_factor_changed", "Begin again with POST /v1/second-factor.")
        return event.at_ms

    def require(self, principal: Principal, code: str) -> None:
        """Return when the caller's second factor has just made this code.

        Raises
        ------
        NotAllowed
            ``token_required``, ``second_factor_required``: none is set up; ``wrong_code``,
            ``code_used``.
        InvalidInput
            ``invalid_code``
        TooManyRequests
            ``too_many_codes``

        """
        require_token(principal)
        known = self._factors.find(principal.tenant, principal.user)
        if known is None or not known.since_ms:
            raise NotAllowed(
                "second_factor_required",
                "Set up a second factor first: POST /v1/second-factor.",
            )
        self._check(principal, known, code)

    def remove(self, principal: Principal, token: str, code: str, address: str) -> None:
        """Require it no longer; raises as `require` does."""
        self.require(principal, code)
        event = self._event(principal, SecurityEventKind.SECOND_FACTOR_REMOVED, address)
        self._authenticators.prefer(token, is_on=False)
        self._factors.remove(event, self._pauses.pause_until_ms(event))

    def since_ms(self, principal: Principal) -> int:
        """Return since when the caller's second factor is required, UTC; 0 for not at all."""
        known = self._factors.find(principal.tenant, principal.user)
        return 0 if known is None else known.since_ms

    def _check(self, principal: Principal, known: Factor | None, code: str) -> Factor:
        if not _CODE.fullmatch(code):
            raise InvalidInput("invalid_code", "Send code as six digits.", field="code")
        if known is None:
            raise NotAllowed("no_second_factor", "Begin with POST /v1/second-factor.")
        tenant, user = principal.tenant, principal.user
        now_s = self._clock.now_ms() // 1_000
        if not self._factors.attempt(tenant, user, now_s):
            raise TooManyRequests(
                "too_many_codes",
                "Wait an hour, or ask the exchange's support: too many codes were wrong.",
                retry_after_s=ATTEMPTS_WINDOW_S,
            )
        step = self._step_of(known, principal, code, now_s // STEP_S)
        if step is None:
            raise _wrong_code()
        if not self._factors.use(tenant, user, step):
            raise NotAllowed("code_used", "Wait for the authenticator's next code.")
        return known

    def _step_of(self, known: Factor, principal: Principal, code: str, now_step: int) -> int | None:
        """Return the step of a code; every step is tried, so that the time says nothing."""
        text = self._seals.open(known.sealed, _context(principal)).decode()
        secret = b32decode(text + "=" * (-len(text) % 8), casefold=True)
        found = None
        for step in range(now_step - STEPS_BESIDE, now_step + STEPS_BESIDE + 1):
            if compare_digest(self._codes(secret, step), code):
                found = step
        return found

    def _event(self, principal: Principal, kind: SecurityEventKind, address: str) -> SecurityEvent:
        now_ms = self._clock.now_ms()
        return SecurityEvent(kind, principal.account, principal.user, now_ms, address)


def require_token(principal: Principal) -> None:
    """Return for a user who has signed in; raises `NotAllowed` ``token_required``."""
    if principal.method is not SignInMethod.USER_POOL:
        raise NotAllowed("token_required", "Sign in as a user: an API key may not do this.")


def _context(principal: Principal) -> dict[str, str]:
    return {
        "purpose": "second-factor",
        "tenant": str(principal.tenant),
        "user": principal.user,
    }


def _exists() -> Conflict:
    return Conflict("second_factor_exists", "Remove the one you have first.")


def _wrong_code() -> NotAllowed:
    return NotAllowed("wrong_code", "Send the code that the authenticator shows now.")
