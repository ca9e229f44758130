"""Who listens to what in a tenant, as a feed knows it: read whole now and then, added to meanwhile.

All subscriptions of a tenant are read once a second at most. What is announced in between is read
by its number: that costs the feed what was announced, however many others listen. A number is
counted before what it stands for can be read; what is missing is looked for again. Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from bursa.read_models.rows import SubscriptionRow

SUBSCRIBERS_FRESH_MS = 1_000


@dataclass(slots=True)
class TenantListeners:
    """The listeners of one tenant.

    Attributes
    ----------
    read_at_ms
        When all were read.
    announced
        The last number that is known, by row of announcements.
    missing
        Numbers up to that one that could not be read yet, by row.
    by_channel
        The sequence after which a connection is to be sent messages, by channel and connection.
    accounts
        Of each connection.
    closed
        Connections whose session is over, until they are gone.

    """

    read_at_ms: int
    announced: dict[int, int]
    missing: dict[int, AbstractSet[int]] = field(default_factory=dict)
    by_channel: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def is_fresh(self, now_ms: int) -> bool:
        """Whether all were read a moment ago."""
        return now_ms - self.read_at_ms < SUBSCRIBERS_FRESH_MS

    def unseen(self, counted: Mapping[int, int]) -> Iterator[tuple[int, AbstractSet[int]]]:
        """Yield the numbers that have not been read, by row of announcements."""
        for row, last in counted.items():
            new = range(self.announced.get(row, 0) + 1, last + 1)
            numbers = self.missing.get(row, frozenset()) | frozenset(new)
            if numbers:
                yield row, numbers

    def saw(self, row: int, numbers: AbstractSet[int], found: Collection[int]) -> None:
        """Note which of some numbers of a row were there."""
        self.announced[row] = max(self.announced.get(row, 0), *numbers)
        self.missing[row] = numbers - frozenset(found)

    def knows(self, row: SubscriptionRow) -> bool:
        """Whether a subscription is known as it is."""
        return self.by_channel.get(row.channel, {}).get(row.connection_id) == row.since

    def remove(self, connection_id: str) -> None:
        """Take a connection out of all channels."""
        for connections in self.by_channel.values():
            connections.pop(connection_id, None)

    def add(self, row: SubscriptionRow) -> bool:
        """Add a subscription; return whether it was made, or made again, since it was known."""
        if self.knows(row):
            return False
        self.accounts[row.connection_id] = row.account
        self.by_channel.setdefault(row.channel, {})[row.connection_id] = row.since
        return True
