"""Making, listing and revoking API keys."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from bursa.identity.api_keys import (
    KEYS_MAX,
    REVOKED_KEPT_MAX,
    Algorithm,
    ApiKey,
    KeyRequest,
    check_request,
    split_id,
)
from bursa.identity.principal import Principal, Scope
from bursa.identity.second_factor import require_token
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.signed_requests import seal_context
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput, NotFound, Refused
from bursa.kernel.identifiers import AccountId

_NAME_LENGTH = 24


class Keys(Protocol):
    """Keeps keys; each method raises `Unavailable` ``identity_unavailable``."""

    def add(self, key: ApiKey, event: SecurityEvent, pause_until_ms: int) -> bool:
        """Keep a new key with its event; return whether there was room for it."""

    def find(self, account: AccountId, name: str) -> ApiKey | None:
        """Return a key, also one that is over; None for none."""

    def of_account(self, account: AccountId) -> Sequence[ApiKey]:
        """Return all keys of an account that are kept."""

    def revoke(self, key: ApiKey, event: SecurityEvent) -> None:
        """Write that a key is over from the event's time on; safe to repeat."""

    def forget(self, key: ApiKey) -> None:
        """Remove a key that was revoked; one that was not stays."""


class Factor(Protocol):
    """Asks for the second factor."""

    def require(self, principal: Principal, code: str) -> None:
        """Return when the caller's second factor has just made this code."""


class Seals(Protocol):
    """Seals secrets."""

    def seal(self, secret: bytes, context: dict[str, str]) -> bytes:
        """Return a secret as it may be stored; raises `Unavailable`."""


class Pauses(Protocol):
    """Until when an event pauses withdrawals."""

    def pause_until_ms(self, event: SecurityEvent) -> int:
        """Return the time, UTC; 0 for not at all."""


class MadeKey(NamedTuple):
    """A new key, and the secret of one that signs by HMAC; it is not shown again."""

    key: ApiKey
    secret: str | None


class KeyCustody:
    """The API keys of a user's account.

    Parameters
    ----------
    require_open
        Raises `NotFound` for a sub-account that is not open.
    close_connections
        Closes the WebSockets that a key has opened.
    random_key
        Returns 32 hexadecimal digits that can't be guessed.

    """

    def __init__(  # noqa: PLR0917 - where things are kept, and what makes them
        self,
        keys: Keys,
        factor: Factor,
        seals: Seals,
        pauses: Pauses,
        require_open: Callable[[AccountId], None],
        close_connections: Callable[[AccountId, str], int],
        clock: WallClock,
        random_key: Callable[[], str],
    ) -> None:
        self._keys = keys
        self._factor = factor
        self._seals = seals
        self._pauses = pauses
        self._require_open = require_open
        self._close_connections = close_connections
        self._clock = clock
        self._random_key = random_key

    def make(self, principal: Principal, request: KeyRequest, code: str, address: str) -> MadeKey:
        """Make a key.

        Raises
        ------
        InvalidInput
            As `check_request`; ``invalid_code``; ``main_account_required``: a sub-account's key
            would transfer.
        NotAllowed, TooManyRequests
            As `SecondFactor.require`.
        NotFound
            ``unknown_account``: a sub-account that is not open.
        Refused
            ``too_many_api_keys``

        """
        now_ms = self._clock.now_ms()
        checked = check_request(request, now_ms)
        if Scope.TRANSFER in checked.scopes and principal.account != principal.account.owner:
            # Whoever has a sub-account's key, a bot or another person, has that account only.
            raise InvalidInput(
                "main_account_required",
                "Make a key that transfers for your main account: leave out X-Account.",
                field="scopes",
            )
        self._require_open(principal.account)
        self._factor.require(principal, code)
        name = self._random_key()[:_NAME_LENGTH]
        material, secret = checked.public_key, None
        if checked.algorithm is Algorithm.HMAC_SHA256:
            secret = self._random_key() + self._random_key()
            context = seal_context(principal.account, name)
            material = self._seals.seal(secret.encode(), context)
        key = ApiKey(
            account=principal.account,
            name=name,
            user=principal.user,
            label=checked.label,
            scopes=checked.scopes,
            algorithm=checked.algorithm,
            material=material,
            created_at_ms=now_ms,
            addresses=checked.addresses,
            expires_at_ms=checked.expires_at_ms,
            rate=checked.rate,
        )
        self._forget_old(principal.account)
        event = _event(SecurityEventKind.API_KEY_MADE, principal, key, now_ms, address)
        if not self._keys.add(key, event, self._pauses.pause_until_ms(event)):
            raise Refused(
                "too_many_api_keys", f"Revoke a key first: an account has at most {KEYS_MAX}."
            )
        return MadeKey(key, secret)

    def _forget_old(self, account: AccountId) -> None:
        """Keep a bounded number of keys: a list of them is read as a whole."""
        revoked = [key for key in self._keys.of_account(account) if key.revoked_at_ms]
        revoked.sort(key=lambda key: key.revoked_at_ms, reverse=True)
        for key in revoked[REVOKED_KEPT_MAX:]:
            self._keys.forget(key)

    def of(self, principal: Principal) -> Sequence[ApiKey]:
        """Return the account's keys, also those that are over, newest first.

        Raises `NotAllowed` ``token_required``.
        """
        require_token(principal)
        keys = self._keys.of_account(principal.account)
        return sorted(keys, key=lambda key: (key.created_at_ms, key.name), reverse=True)

    def revoke(self, principal: Principal, key_id: str, address: str) -> ApiKey:
        """Revoke a key and close its connections; a key that is revoked stays as it is.

        No code is asked for: what takes a right away must be quick. The row is written before the
        connections are looked up, so that none outlives it.

        Raises
        ------
        NotAllowed
            ``token_required``
        NotFound
            ``unknown_api_key``; also for another account's.

        """
        require_token(principal)
        named = split_id(key_id)
        key = None
        if named is not None and named[0] == principal.account:
            key = self._keys.find(*named)
        if key is None:
            raise NotFound("unknown_api_key", "There is no such key; see GET /v1/api-keys.")
        if not key.revoked_at_ms:
            now_ms = self._clock.now_ms()
            event = _event(SecurityEventKind.API_KEY_REVOKED, principal, key, now_ms, address)
            self._keys.revoke(key, event)
            key = self._keys.find(key.account, key.name) or key
        self._close_connections(key.account, key.id)
        return key


def _event(
    kind: SecurityEventKind, principal: Principal, key: ApiKey, now_ms: int, address: str
) -> SecurityEvent:
    return SecurityEvent(kind, principal.account, principal.user, now_ms, address, key.id)
