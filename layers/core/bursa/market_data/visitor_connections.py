"""Connections of accounts and of visitors as one feed has them: two tables, two gateways.

A feed opens a record once, and writes a channel's message once, for whoever listens. To it a
visitor's connection is one like any other, whose name begins with `PREFIX`; here it is told apart
again. Accounts come first: visitors are sent theirs when accounts have been, in a round that has an
end (`bursa.market_data.sockets`), and whatever fails with visitors' table changes nothing for
accounts. The whole list of a tenant's visitors, who may be many, is read once in ten seconds only:
what they subscribe to meanwhile is announced, and who has left or unsubscribed is noticed when it
is sent something, or with the next list.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from bursa.market_data.feed import Listener, Messages, Outbox, Sent, Subscribers
from bursa.market_data.listeners import TenantListeners
from bursa.read_models.rows import SubscriptionRow

# No gateway's connection id has a colon.
PREFIX: Final = "visitor:"
LIST_FRESH_MS: Final = 10_000
# After a failure visitors' table is left alone for so long: a feed waits for each attempt.
AWAY_MS: Final = 2_000
# Added to the numbers of visitors' rows of announcements; far more than there are of accounts.
_ROWS: Final = 1_000

_Found = TypeVar("_Found")


def is_visitors(connection_id: str) -> bool:
    """Return whether this is how a feed names a visitor's connection."""
    return connection_id.startswith(PREFIX)


class JoinedSubscribers:
    """Who listens to what, accounts and visitors.

    Parameters
    ----------
    now_ms
        Reads the time, UTC milliseconds.
    on_failure
        Told what went wrong with visitors' table; accounts are served all the same.

    """

    def __init__(
        self,
        accounts: Subscribers,
        visitors: Subscribers,
        now_ms: Callable[[], int],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._accounts = accounts
        self._visitors = visitors
        self._now_ms = now_ms
        self._on_failure = on_failure
        self._away_until_ms = 0
        # By shard, how often visitors of each tenant have announced.
        self._counted: dict[int, Mapping[str, Mapping[int, int]]] = {}
        # By tenant, when the list was read and what was announced since, and the list.
        self._read: dict[str, TenantListeners] = {}
        self._lists: dict[str, dict[tuple[str, str], SubscriptionRow]] = {}

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        """Read how often each tenant of a shard has announced subscriptions, by row."""
        joined = {
            tenant: dict(rows) for tenant, rows in self._accounts.announcements(shard).items()
        }
        known = self._counted.get(shard, {})
        counted = self._ask(lambda: self._visitors.announcements(shard), known)
        self._counted[shard] = counted
        for tenant, rows in counted.items():
            of_tenant = joined.setdefault(tenant, {})
            of_tenant |= {_ROWS + row: count for row, count in rows.items()}
        return joined

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        """Read what a tenant has announced, by number; one that was just counted may be missing."""
        if row < _ROWS:
            return self._accounts.announced(tenant, row, first, last)
        return self._announced(tenant, row - _ROWS, first, last)

    def _announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        """Read what visitors have announced, and add it to their list."""
        nothing: Mapping[int, Sequence[SubscriptionRow]] = {}
        found = self._ask(lambda: self._visitors.announced(tenant, row, first, last), nothing)
        named = {number: [_named(one) for one in found[number]] for number in sorted(found)}
        known = self._lists.setdefault(tenant, {})
        for rows in named.values():
            known |= {(one.connection_id, one.channel): one for one in rows}
        if tenant in self._read:
            self._read[tenant].saw(row, frozenset(range(first, last + 1)), named)
        return named

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        """Read all subscriptions of a tenant; visitors' as they were some seconds ago, or later."""
        of_accounts = self._accounts.subscriptions(tenant)
        counted: Mapping[int, int] = {}
        for of_shard in self._counted.values():
            counted = of_shard.get(tenant, counted)
        known, now_ms = self._read.get(tenant), self._now_ms()
        if known is not None and now_ms - known.read_at_ms < LIST_FRESH_MS:
            for row, numbers in list(known.unseen(counted)):
                self._announced(tenant, row, min(numbers), max(numbers))
        elif counted:
            read = self._ask(lambda: self._visitors.subscriptions(tenant), None)
            if read is not None:
                named = map(_named, read)
                self._lists[tenant] = {(one.connection_id, one.channel): one for one in named}
                # What was counted before the list was read is in it.
                self._read[tenant] = TenantListeners(now_ms, dict(counted))
        return [*of_accounts, *self._lists.get(tenant, {}).values()]

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        """Drop a connection that is gone, with its subscriptions and those that were heard of."""
        if not is_visitors(connection_id):
            self._accounts.forget(account, connection_id, heard)
            return
        for known in self._lists.values():
            for channel in heard:
                known.pop((connection_id, channel), None)
        name = connection_id.removeprefix(PREFIX)
        self._ask(lambda: self._visitors.forget(account, name, heard), None)

    def _ask(self, ask: Callable[[], _Found], otherwise: _Found) -> _Found:
        """Ask visitors' table, unless it failed a moment ago."""
        if self._now_ms() < self._away_until_ms:
            return otherwise
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, accounts are served
            self._away_until_ms = self._now_ms() + AWAY_MS
            self._on_failure(error)
            return otherwise


class JoinedOutbox:
    """Sends to connections of accounts, and then to those of visitors."""

    def __init__(self, accounts: Outbox, visitors: Outbox) -> None:
        self._accounts = accounts
        self._visitors = visitors
        self._behind: frozenset[Listener] = frozenset()

    def send(self, messages: Messages) -> Sent:
        """Send each listener the messages of each channel in order.

        Visitors that were left out last time, because time was up, come before the others.
        """
        of_accounts: dict[Listener, Mapping[str, Sequence[bytes]]] = {}
        of_visitors: dict[Listener, Mapping[str, Sequence[bytes]]] = {}
        for listener, channels in messages.items():
            (of_visitors if is_visitors(listener[1]) else of_accounts)[listener] = channels
        sent = self._accounts.send(of_accounts) if of_accounts else Sent()
        if not of_visitors:
            return sent
        turns = sorted(of_visitors, key=lambda listener: listener not in self._behind)
        names = {_told_apart(listener): listener for listener in turns}
        to_visitors = self._visitors.send(
            {name: of_visitors[listener] for name, listener in names.items()}
        )
        self._behind = frozenset(names[name] for name in to_visitors.left_out)
        return Sent(
            {*sent.gone, *(names[name] for name in to_visitors.gone)},
            {*sent.slow, *(names[name] for name in to_visitors.slow)},
            {*sent.left_out, *self._behind},
        )

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages; wait for none of them."""
        names = list(connection_ids)
        of_accounts = [name for name in names if not is_visitors(name)]
        of_visitors = [name.removeprefix(PREFIX) for name in names if is_visitors(name)]
        if of_accounts:
            self._accounts.end(of_accounts, bodies)
        if of_visitors:
            self._visitors.end(of_visitors, bodies)


def _told_apart(listener: Listener) -> Listener:
    return listener[0], listener[1].removeprefix(PREFIX)


def _named(row: SubscriptionRow) -> SubscriptionRow:
    return SubscriptionRow(
        row.tenant,
        row.channel,
        PREFIX + row.connection_id,
        row.since,
        row.expires_at,
        row.account,
        row.moment,
    )
