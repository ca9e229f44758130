"""How a user closes its account: for good, with a fresh code, and only when nothing is in it.

That it is closed is written with the user, where every sign-in and every look at a key reads it;
from then on nobody is let in, whatever becomes of the rest. The rest may be repeated, and is by who
asks again while the gateway still lets it. Nothing is deleted: what the law wants kept stays, and
erasing personal data is compliance's (docs/compliance.md).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from bursa.accounts.sub_accounts import SubAccountList
from bursa.identity.api_keys import ApiKey
from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotFound, Refused
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import BalanceRow


class Balances(Protocol):
    """What accounts have; each open order holds some of it."""

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """List balances by asset; raises `Unavailable`."""


class SubAccounts(Protocol):
    """A user's other accounts."""

    def read(self, owner: AccountId) -> SubAccountList:
        """Return them, the latest; raises `Unavailable`."""


class Directory(Protocol):
    """Keeps who is closed; each method raises `Unavailable` ``directory_unavailable``."""

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""

    def close_user(self, tenant: TenantId, subject: str, at_ms: int) -> None:
        """Write that a user is closed, unless it is already."""


class Factor(Protocol):
    """Asks for the second factor."""

    def require(self, principal: Principal, code: str) -> None:
        """Return when the caller's second factor has just made this code."""


class Keys(Protocol):
    """The account's API keys; see `bursa.identity.key_custody.KeyCustody`."""

    def of(self, principal: Principal) -> Sequence[ApiKey]:
        """Return the account's keys, also those that are over."""

    def revoke(self, principal: Principal, key_id: str, address: str) -> ApiKey:
        """Revoke a key and close its connections; a key that is revoked stays as it is."""


class Connections(Protocol):
    """Closes WebSockets; see `bursa.identity.sessions.SessionEnd`."""

    def close_connections(self, account: AccountId, user: str, session: str = "") -> int:
        """Close those of a user; return how many."""


class SessionBooks(Protocol):
    """What is noted of users' sessions and devices."""

    def empty(self, tenant: TenantId, user: str) -> None:
        """Forget what is noted of a user; safe to repeat. Raises `Unavailable`."""


class Events(Protocol):
    """Keeps security events."""

    def record(self, event: SecurityEvent) -> None:
        """Keep an event; raises `Unavailable`."""


class ClosingTools(NamedTuple):
    """What an account is closed with."""

    balances: Balances
    sub_accounts: SubAccounts
    directory: Directory
    factor: Factor
    keys: Keys
    connections: Connections
    events: Events
    books: SessionBooks


class AccountClosing:
    """Closes accounts."""

    def __init__(self, tools: ClosingTools, clock: WallClock) -> None:
        self._tools = tools
        self._clock = clock

    def __call__(self, principal: Principal, code: str, address: str) -> int:
        """Close the caller's account; return since when it is closed, UTC. Safe to repeat.

        Raises
        ------
        NotAllowed, InvalidInput, TooManyRequests
            As `SecondFactor.require`; an account that is closed asks for no code.
        Refused
            ``sub_accounts_left``, ``open_orders_left``, ``balances_left``.

        """
        require_token(principal)
        # The user's, whichever of its accounts the request is about.
        principal = replace(principal, account=principal.account.owner)
        tenant, name = principal.tenant, principal.user
        closed_at_ms = self._closed_at_ms(principal)
        if not closed_at_ms:
            self._require_empty(principal.account)
            self._tools.factor.require(principal, code)
            # What moves from one account to another while they are read one by one is perhaps seen
            # in neither: it is in the other by now.
            self._require_empty(principal.account)
            now_ms = self._clock.now_ms()
            self._tools.directory.close_user(tenant, name, now_ms)
            closed_at_ms = self._closed_at_ms(principal)
            kind = SecurityEventKind.ACCOUNT_CLOSED
            self._tools.events.record(SecurityEvent(kind, principal.account, name, now_ms, address))
        self._tools.connections.close_connections(principal.account, name)
        # Nobody signs in any more, and where from is of no use; the events are kept.
        self._tools.books.empty(tenant, name)
        for key in self._tools.keys.of(principal):
            if not key.revoked_at_ms:
                self._tools.keys.revoke(principal, key.id, address)
        return closed_at_ms

    def _closed_at_ms(self, principal: Principal) -> int:
        user = self._tools.directory.known_user(principal.tenant, principal.user)
        if user is None:
            raise NotFound("unknown_user", "There is no such account.")
        return user.closed_at_ms

    def _require_empty(self, account: AccountId) -> None:
        others = self._tools.sub_accounts.read(account).by_seat.values()
        # What was closed may have got a transfer that was on its way.
        if any(one.is_open or self._has_any(one.account) for one in others):
            raise Refused(
                "sub_accounts_left",
                "Empty and close your sub-accounts first: DELETE /v1/sub-accounts/{account}.",
            )
        balances = self._tools.balances.all(account)
        if any(one.held for one in balances):
            raise Refused("open_orders_left", "Cancel your open orders first: DELETE /v1/orders.")
        left = sorted(one.asset for one in balances if one.available)
        if left:
            raise Refused("balances_left", f"Take out what you have first: {', '.join(left[:10])}.")

    def _has_any(self, account: AccountId) -> bool:
        return any(one.held or one.available for one in self._tools.balances.all(account))
