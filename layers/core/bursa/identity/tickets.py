"""One-use tickets: what a WebSocket is opened with, because its URL may end up in logs.

A ticket stands for the principal that asked for it, lives for half a minute and is good for one
connection. Its text is its tenant and 128 random bits; what is stored is a digest of them, so that
whoever reads the table can't connect.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from bursa.identity.principal import Principal
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput, Unauthenticated
from bursa.kernel.identifiers import TenantId

TICKET_LIFE_MS: Final = 30_000

_TICKET: Final = re.compile(r"(t[1-9][0-9]{0,9})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as its owner gets it."""

    text: str
    expires_at_ms: int


class TicketStore(Protocol):
    """Keeps what tickets stand for."""

    def keep(self, tenant: TenantId, digest: str, principal: Principal, expires_at_ms: int) -> None:
        """Remember whom a ticket stands for."""

    def take(self, tenant: TenantId, digest: str, now_ms: int) -> Principal | None:
        """Return whom a ticket stands for, at most once; None for one that is not good."""


class Tickets:
    """Issues and redeems tickets.

    Parameters
    ----------
    random_key
        Returns 32 hexadecimal digits that can't be guessed.

    """

    def __init__(self, store: TicketStore, clock: WallClock, random_key: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._random_key = random_key

    def issue(self, principal: Principal) -> Ticket:
        """Return a new ticket of a principal; it ends with the session if that is earlier."""
        key = self._random_key()
        expires_at_ms = min(self._clock.now_ms() + TICKET_LIFE_MS, principal.expires_at * 1_000)
        self._store.keep(principal.tenant, _digest(key), principal, expires_at_ms)
        return Ticket(f"{principal.tenant}.{key}", expires_at_ms)

    def redeem(self, text: str) -> Principal:
        """Return whom a ticket stands for; it is used up.

        Raises
        ------
        Unauthenticated
            ``invalid_ticket``: forged, used, expired, or another tenant's; which is not said.

        """
        match = _TICKET.fullmatch(text)
        if match is None:
            raise _invalid()
        try:
            tenant = TenantId.parse(match[1])
        except InvalidInput:
            raise _invalid() from None
        principal = self._store.take(tenant, _digest(match[2]), self._clock.now_ms())
        if principal is None or principal.tenant != tenant:
            raise _invalid()
        return principal


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _invalid() -> Unauthenticated:
    return Unauthenticated("invalid_ticket", "Get a new ticket from POST /v1/ws-ticket.")
