"""How many WebSocket connections an account and a tenant have, and what they may send.

A connection is written before it is counted: of several that come at once, the ones that were
first stay, and never more than there may be. What a lost disconnect left behind is counted until
its row expires, or until the account has no room and the gateway says that it is gone.

Messages are counted twice: of a connection, each as one; of its account, over all connections that
it has or had and over all containers, each for the channels that it names. So whoever connects
again and again, or names fifty channels in each message, gets no more than who does not.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from bursa.intake.budgets import ACCOUNT_SHARE, Report, SharedBudget, patient
from bursa.intake.shared_buckets import SharedBuckets
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import TenantId
from bursa.kernel.rates import Rate
from bursa.market_data.subscriptions import Client
from bursa.read_models.rows import ConnectionRow
from bursa.tenants.account_limits import limits_with_own
from bursa.tenants.limits import TenantLimits

# How many of an account's oldest connections are looked at when it has no room.
LOOKED_AT_MAX = 3
_RETRY_AFTER_S = 60
_OF_ACCOUNT = "messages"


class Connections(Protocol):
    """Who is connected."""

    def of_account(self, account: str) -> Sequence[ConnectionRow]:
        """Read all connections of an account; what was written before is among them."""

    def count_of_tenant(self, tenant: str, now_s: int) -> int:
        """Return how many connections a tenant has, as far as they were closed properly."""

    def forget(self, account: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class ConnectionLimits:
    """Holds accounts and tenants to their connections, and accounts to what they send on them.

    Parameters
    ----------
    limits_of
        Returns a tenant's limits.
    is_open
        Whether the gateway still has a connection.

    """

    def __init__(
        self,
        connections: Connections,
        limits_of: Callable[[TenantId], TenantLimits],
        is_open: Callable[[str], bool],
        *,
        shared: SharedBuckets,
        clock: WallClock,
        report: Report,
    ) -> None:
        self._connections = connections
        self._limits_of = limits_of
        self._is_open = is_open
        self._clock = clock
        self._report = report
        self._messages = SharedBudget(
            patient(shared, report), ACCOUNT_SHARE, restrains=frozenset({_OF_ACCOUNT})
        )

    def require_room(self, client: Client) -> None:
        """Return when a connection that has been written may stay.

        Raises
        ------
        TooManyRequests
            ``too_many_connections``: the account has as many as it may.
            ``tenant_over_budget``: its tenant has.

        """
        tenant, limits = client.account.tenant, self._limits(client)
        if not self._is_among_first(client, limits.account_connections):
            self._refuse(
                tenant,
                "too_many_connections",
                f"An account has at most {limits.account_connections} connections; close one.",
            )
        now_s = self._clock.now_ms() // 1_000
        if self._connections.count_of_tenant(client.tenant, now_s) > limits.tenant_connections:
            self._refuse(tenant, "tenant_over_budget", "Connect again in a while.")

    def _is_among_first(self, client: Client, most: int) -> bool:
        others = self._before(client)
        if len(others) < most:
            return True
        gone = [one for one in islice(others, LOOKED_AT_MAX) if not self._is_open(one)]
        for connection_id in gone:
            self._connections.forget(str(client.account), connection_id)
        return len(others) - len(gone) < most

    def _before(self, client: Client) -> list[str]:
        """Return the account's connections that were there before this one, oldest first."""
        now_s = self._clock.now_ms() // 1_000
        rows = sorted(
            (row.connected_at_ms, row.connection_id)
            for row in self._connections.of_account(str(client.account))
            if row.expires_at > now_s
        )
        names = [name for _, name in rows]
        return (
            names[: names.index(client.connection_id)] if client.connection_id in names else names
        )

    def _refuse(self, tenant: TenantId, code: str, detail: str) -> None:
        self._report.refused(tenant, code)
        raise TooManyRequests(code, detail, retry_after_s=_RETRY_AFTER_S)

    def admits_message(self, client: Client, channels: int = 1) -> bool:
        """Return whether a connection may send another message now; if so, it is counted.

        Parameters
        ----------
        channels
            How many channels it names, which is what it costs its account; at least 1.

        """
        limits = self._limits(client)
        each = limits.connection_messages
        most = limits.account_connections
        admitted = self._take(client, f"{_OF_ACCOUNT}/{client.connection_id}", 1, each) and (
            self._take(client, _OF_ACCOUNT, channels, Rate(each.per_s * most, each.burst * most))
        )
        if not admitted:
            self._report.refused(client.account.tenant, "too_many_messages")
        return admitted

    def _limits(self, client: Client) -> TenantLimits:
        return limits_with_own(self._limits_of(client.account.tenant), client.own_limits)

    def _take(self, client: Client, budget: str, count: int, rate: Rate) -> bool:
        holder, now_us = str(client.account.owner), self._clock.now_ms() * 1_000
        bucket = self._messages.bucket(holder, budget, now_us)
        if not bucket.is_restrained and bucket.take_own(count, rate, now_us):
            return True
        return self._messages.take_shared(holder, budget, count, rate, now_us) is None
