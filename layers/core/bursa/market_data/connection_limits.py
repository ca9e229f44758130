"""How many WebSocket connections an account and a tenant have, and what they may send.

A connection is written before it is counted: of several that come at once, the ones that were
first stay, and never more than there may be. What a lost disconnect left behind is counted until
its row expires, or until the account has no room and the gateway says that it is gone.

Messages are counted twice: of a connection, each as one; of its account, over all connections that
it has or had and over all containers, each for the channels that it names. So whoever connects
again and again, or names fifty channels in each message, gets no more than who does not.

Visitors, who have not signed in, are held by their address in the place of an account, from the
handshake on: nothing is written for one that has used up what it may send. All of a tenant's
visitors together ask for so many channels a second, so that many addresses get no more of the read
models than few.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from bursa.intake.budgets import ACCOUNT_SHARE, TENANT_SHARE, Report, SharedBudget, patient
from bursa.intake.shared_buckets import SharedBuckets
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import TenantId
from bursa.kernel.rates import Rate
from bursa.kernel.visitors import VisitorId
from bursa.market_data.clients import Client, Quota, quota_of
from bursa.read_models.rows import ConnectionRow
from bursa.tenants.limits import TenantLimits

# How many of an account's oldest connections are looked at when it has no room.
LOOKED_AT_MAX = 3
_RETRY_AFTER_S = 60
_OF_ACCOUNT = "messages"
_CHANNELS = "channels"


class Connections(Protocol):
    """Who is connected."""

    def of_account(self, account: str) -> Sequence[ConnectionRow]:
        """Read all connections of an account or a visitor; what was written before is there."""

    def count_of_tenant(self, tenant: str, now_s: int) -> int:
        """Return how many connections a tenant has, as far as they were closed properly."""

    def forget(self, account: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions."""


class ConnectionLimits:
    """Holds accounts, visitors and tenants to their connections, and to what is sent on them.

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
        reached = patient(shared, report)
        self._messages = SharedBudget(reached, ACCOUNT_SHARE, restrains=frozenset({_OF_ACCOUNT}))
        self._visitors = SharedBudget(reached, TENANT_SHARE, takes_ahead=True)

    def admits_handshake(self, client: Client) -> bool:
        """Return whether a connection may be opened now, before anything is written of it."""
        quota = self._quota(client)
        if not quota.handshake or self._take(
            client, _OF_ACCOUNT, quota.handshake, quota.all_messages
        ):
            return True
        self._report.refused(client.tenant_id, "too_many_messages")
        return False

    def require_room(self, client: Client) -> None:
        """Return when a connection that has been written may stay.

        Raises
        ------
        TooManyRequests
            ``too_many_connections``: the account, or the address, has as many as it may.
            ``tenant_over_budget``: its tenant has.

        """
        quota = self._quota(client)
        if not self._is_among_first(client, quota.connections):
            whose = "An account" if client.account else "One address"
            self._refuse(
                client.tenant_id,
                "too_many_connections",
                f"{whose} has at most {quota.connections} connections; close one.",
            )
        now_s = self._clock.now_ms() // 1_000
        if self._connections.count_of_tenant(client.tenant, now_s) > quota.tenant_connections:
            self._refuse(client.tenant_id, "tenant_over_budget", "Connect again in a while.")

    def _quota(self, client: Client) -> Quota:
        return quota_of(client, self._limits_of(client.tenant_id))

    def _is_among_first(self, client: Client, most: int) -> bool:
        others = self._before(client)
        if len(others) < most:
            return True
        gone = [one for one in islice(others, LOOKED_AT_MAX) if not self._is_open(one)]
        for connection_id in gone:
            self._connections.forget(str(client.holder), connection_id)
        return len(others) - len(gone) < most

    def _before(self, client: Client) -> list[str]:
        """Return the account's connections that were there before this one, oldest first."""
        now_s = self._clock.now_ms() // 1_000
        rows = sorted(
            (row.connected_at_ms, row.connection_id)
            for row in self._connections.of_account(str(client.holder))
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
        quota = self._quota(client)
        admitted = self._take(
            client, f"{_OF_ACCOUNT}/{client.connection_id}", 1, quota.messages
        ) and self._take(client, _OF_ACCOUNT, channels, quota.all_messages)
        if not admitted:
            self._report.refused(client.tenant_id, "too_many_messages")
        return admitted

    def require_share(self, client: Client, channels: int) -> None:
        """Return when all of the client's kind may ask for so many channels more; counted then.

        Raises
        ------
        TooManyRequests
            ``tenant_over_budget``: the tenant's visitors together ask for too much.

        """
        rate = self._quota(client).tenant_channels
        if rate is None:
            return
        holder, now_us = str(VisitorId.everyone(client.tenant_id)), self._clock.now_ms() * 1_000
        if self._visitors.take_own(holder, _CHANNELS, channels, rate, now_us):
            return
        if self._visitors.take_shared(holder, _CHANNELS, channels, rate, now_us) is not None:
            self._refuse(
                client.tenant_id,
                "tenant_over_budget",
                "Ask again in a while, or connect with a ticket, which this does not bound.",
            )

    def _take(self, client: Client, budget: str, count: int, rate: Rate) -> bool:
        holder, now_us = str(client.holder.owner), self._clock.now_ms() * 1_000
        bucket = self._messages.bucket(holder, budget, now_us)
        if not bucket.is_restrained and bucket.take_own(count, rate, now_us):
            return True
        return self._messages.take_shared(holder, budget, count, rate, now_us) is None
