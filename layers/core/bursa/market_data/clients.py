"""Whose a WebSocket connection is, and how much whoever has connections may use.

Those of visitors are bounded apart from those of accounts: by numbers of their own, of one address
and of all of a tenant's visitors together. None of them takes what an account may have.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate
from bursa.kernel.visitors import Holder
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits, limits_with_own
from bursa.tenants.limits import TenantLimits

CHANNELS_PER_CONNECTION_MAX: Final = 50
VISITORS_CHANNELS_PER_CONNECTION_MAX: Final = 20
# As many connections' worth of channels and messages an address has, however many it opens.
_VISITORS_SHARE: Final = 10
# What a visitor's handshake counts as, in messages: it is written and counted before it is refused.
HANDSHAKE_MESSAGES: Final = 5
_NEVER: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Client:
    """Whose connection it is, and when its session ends in seconds, as the authorizer found out.

    A visitor has no session: its connection lasts as long as a gateway lets it. Limits of the
    account's own are those of when the connection was opened.
    """

    holder: Holder
    connection_id: str
    user: str = ""
    session_ends_at: int = _NEVER
    session: str = ""
    own_limits: AccountLimits = NO_OWN_LIMITS

    @property
    def account(self) -> AccountId | None:
        """The account that it has signed in to; None of a visitor."""
        return self.holder if isinstance(self.holder, AccountId) else None

    @property
    def tenant_id(self) -> TenantId:
        """The tenant of whoever it is."""
        return self.holder.tenant

    @property
    def tenant(self) -> str:
        """The tenant of whoever it is, as it is written."""
        return str(self.holder.tenant)


class Quota(NamedTuple):
    """How much one holder of connections may use.

    Attributes
    ----------
    connections
        Its connections.
    tenant_connections
        Those of all of its kind in the tenant.
    channels, all_channels
        What one connection listens to, and what all of the holder's do.
    messages, all_messages
        What one connection sends, and what all of the holder's do.
    handshake
        As how many messages opening a connection counts.
    tenant_channels
        Channels that all of its kind in the tenant ask for; None for as many as each may.

    """

    connections: int
    tenant_connections: int
    channels: int
    all_channels: int
    messages: Rate
    all_messages: Rate
    handshake: int = 0
    tenant_channels: Rate | None = None


def quota_of(client: Client, tenant: TenantLimits) -> Quota:
    """Return how much an account, or a visitor, may use by its tenant's limits and its own."""
    limits = limits_with_own(tenant, client.own_limits)
    each = limits.connection_messages
    if client.account:
        return Quota(
            limits.account_connections,
            limits.tenant_connections,
            CHANNELS_PER_CONNECTION_MAX,
            limits.account_subscriptions,
            each,
            _times(each, limits.account_connections),
        )
    return Quota(
        limits.visitor_connections,
        limits.tenant_visitor_connections,
        VISITORS_CHANNELS_PER_CONNECTION_MAX,
        VISITORS_CHANNELS_PER_CONNECTION_MAX * _VISITORS_SHARE,
        each,
        _times(each, _VISITORS_SHARE),
        HANDSHAKE_MESSAGES,
        limits.tenant_visitor_channels,
    )


def _times(rate: Rate, count: int) -> Rate:
    return Rate(rate.per_s * count, rate.burst * count)
