"""The changes of a back office, each as one object that can be made again.

What a change is about begins with its kind (``user:…``), as the audit log has it. An effect finds
what it is about itself, in the tenant that it was built for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bursa.accounts.sub_accounts import SubAccountRecords
from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent, Note
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.roles import Action
from bursa.back_office.users import FoundUser
from bursa.fees.schedule import Rates
from bursa.identity.api_keys import ApiKey, split_id
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, NotFound
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Asset, Market, MarketState
from bursa.tenants.life import TenantState
from bursa.tenants.profile import TenantProfile
from wire import codec
from wire import layout as w

USER: Final = "user:"
API_KEY: Final = "api-key:"
MARKET: Final = "market:"
STATES: Final[Mapping[str, int]] = {
    MarketState.OPEN: w.STATE_OPEN,
    MarketState.POST_ONLY: w.STATE_POST_ONLY,
    MarketState.CANCEL_ONLY: w.STATE_CANCEL_ONLY,
    MarketState.HALTED: w.STATE_HALTED,
    MarketState.AUCTION: w.STATE_AUCTION,
}
# What a tenant that stands still may not be brought to.
_TAKES_ORDERS: Final = frozenset({MarketState.OPEN, MarketState.POST_ONLY, MarketState.AUCTION})


class Users(Protocol):
    """Finds users of a tenant; see `bursa.back_office.users.Users`."""

    def get(self, tenant: TenantId, subject: str) -> FoundUser:
        """Return a user; raises `NotFound` ``unknown_user``."""

    def account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account; raises `NotFound` ``unknown_user``, ``no_account``."""


class Sessions(Protocol):
    """Ends sessions."""

    def end(self, account: AccountId, subject: str, at_ms: int) -> int:
        """End what began at this time or before; return how many connections were closed."""


class Keys(Protocol):
    """API keys of accounts."""

    def find(self, account: AccountId, name: str) -> ApiKey | None:
        """Return a key; None for none."""

    def revoke(self, key: ApiKey, event: SecurityEvent) -> None:
        """Write that a key is over; safe to repeat."""


class Connections(Protocol):
    """WebSockets."""

    def close(self, account: AccountId, opener: str) -> int:
        """Close what a user or a key has opened; return how many."""


class Markets(Protocol):
    """A tenant's markets and assets."""

    def asset(self, tenant: TenantId, symbol: str) -> Asset | None:
        """Return an asset; None for none."""

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """List the markets by name."""

    def find(self, tenant: TenantId, symbol: str) -> Market | None:
        """Return a market; None for none."""

    def fee_rates(self, tenant: TenantId) -> Mapping[int, Rates]:
        """Return the rates of the fee tiers that are set, by tier."""


class Profiles(Protocol):
    """The settings of tenants."""

    def public_profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings. Raises `Unavailable`."""


class Pools(Protocol):
    """The user pools of tenants."""

    def set_groups(self, issuer: str, subject: str, leave: Sequence[str], join: str) -> None:
        """Take a user out of groups, and put it into one unless that is empty."""


class Notes(Protocol):
    """What lies in the audit table beside the entries."""

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return so many notes by name, the last first."""


class Commands(Protocol):
    """What the engine is asked to do in a person's name."""

    def submit(
        self,
        intent: Intent,
        account: AccountId,
        commands: Sequence[CommandBuilder],
        step: str = "",
    ) -> None:
        """Have commands carried out, once for a request. Raises `Refused`, `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What changes are made with."""

    users: Users
    sessions: Sessions
    keys: Keys
    connections: Connections
    markets: Markets
    profiles: Profiles
    commands: Commands
    pools: Pools
    notes: Notes
    sub_accounts: SubAccountRecords
    clock: WallClock


class WithoutNotes:
    """A change of which nothing but its entries is kept."""

    __slots__ = ()

    def notes(self, _intent: Intent) -> Sequence[Note]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class SessionsEnd(WithoutNotes):
    """Ends all sessions of a user, and its WebSockets."""

    tools: Tools
    tenant: TenantId
    subject: str

    def before(self) -> Facts:
        """Return when its sessions ended last, in seconds since 1970."""
        self.tools.users.account(self.tenant, self.subject)
        return {"signed_out_at": self.tools.users.get(self.tenant, self.subject).signed_out_at}

    def carry_out(self, intent: Intent) -> Facts:
        """End what began before it was asked for."""
        account = self.tools.users.account(self.tenant, self.subject)
        closed = self.tools.sessions.end(account, self.subject, intent.at_ms)
        return {"ended_at_ms": intent.at_ms, "connections_closed": closed}


@dataclass(frozen=True, slots=True)
class KeyRevocation(WithoutNotes):
    """Revokes an API key, and closes its WebSockets."""

    tools: Tools
    tenant: TenantId
    key_id: str

    def before(self) -> Facts:
        """Return when it was revoked; raises `NotFound` ``unknown_api_key``."""
        return {"revoked_at_ms": self._key().revoked_at_ms}

    def carry_out(self, intent: Intent) -> Facts:
        """Write that it is over; one that is already stays as it is."""
        key = self._key()
        if not key.revoked_at_ms:
            event = SecurityEvent(
                SecurityEventKind.API_KEY_REVOKED,
                key.account,
                key.user,
                intent.at_ms,
                intent.deed.address,
                key.id,
            )
            self.tools.keys.revoke(key, event)
        closed = self.tools.connections.close(key.account, key.id)
        return {"revoked_at_ms": self._key().revoked_at_ms, "connections_closed": closed}

    def _key(self) -> ApiKey:
        named = split_id(self.key_id)
        key = None
        if named is not None and named[0].tenant == self.tenant:
            key = self.tools.keys.find(*named)
        if key is None:
            raise NotFound("unknown_api_key", "Choose one of the user's keys.")
        return key


@dataclass(frozen=True, slots=True)
class StateOfMarket(WithoutNotes):
    """Sets which orders a market takes."""

    tools: Tools
    tenant: TenantId
    symbol: str
    state: str

    def before(self) -> Facts:
        """Return its state.

        Raises `NotFound` ``unknown_market``; `Conflict` ``wrong_tenant_state``: a market of a
        tenant that stands still takes no orders.
        """
        market = self._market()
        profile = self.tools.profiles.public_profile(self.tenant)
        is_active = profile is not None and profile.state is TenantState.ACTIVE
        if self.state in _TAKES_ORDERS and not is_active:
            raise Conflict("wrong_tenant_state", "Ask the operator to resume the exchange first.")
        return {"state": market.state.value}

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine set it."""
        number, state, account = self._market().number, STATES[self.state], self.tenant.fee_account

        def build(header: CommandHeader) -> bytes:
            return codec.encode(
                w.COMMAND_SET_MARKET_STATE, account.number, number, state, 0, **header.words()
            )

        self.tools.commands.submit(intent, account, [build])
        return {"state": self.state}

    def _market(self) -> Market:
        market = self.tools.markets.find(self.tenant, self.symbol)
        if market is None:
            raise NotFound("unknown_market", "Choose one of the exchange's markets.")
        return market


def effects(tools: Tools) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""
    return {
        Action.END_SESSIONS: lambda tenant, about, _: SessionsEnd(
            tools, tenant, about.removeprefix(USER)
        ),
        Action.REVOKE_API_KEYS: lambda tenant, about, _: KeyRevocation(
            tools, tenant, about.removeprefix(API_KEY)
        ),
        Action.SET_MARKET_STATE: lambda tenant, about, asked: StateOfMarket(
            tools, tenant, about.removeprefix(MARKET), asked["state"]
        ),
    }
