"""What a client missed on its channels since a moment, from the end of the journal.

Most connections are lost for seconds. What was committed meanwhile costs less to tell than the
snapshots of all channels. Where the moment is longer ago, where a channel is told of a market as a
whole, or where too much happened on it, nothing is returned for it, and the client begins with a
snapshot. How long is a time and no count of commands: that would tell a client how much the shard's
other tenants do.

A record never changes, so what it changed is kept: whoever comes back, however often, has a process
read and open each record once. Otherwise one account could use up the journal's reads by asking.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Protocol

from bursa.journal.record import EncodedRecord, RecordError, decode_record
from bursa.kernel.identifiers import TenantId
from bursa.market_data import channels
from bursa.market_data.channel_changes import ChannelChange, channel_changes
from bursa.market_data.channels import Channel
from bursa.market_data.conflation import conflated
from bursa.market_data.messages import (
    AccountBalances,
    AccountFills,
    AccountOrders,
    BookLevels,
    ChannelMessage,
    Facts,
    MarketStates,
    Missed,
    PublicTrades,
)
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import Definitions, UnprojectableRecord, fold

REPLAYED_MS_MAX = 10_000
# How far back is looked for the moment at once, in sequences; then so far again.
_LOOK_BACK: Final = 500
# More than are written in that time; beyond them nothing is replayed.
_RECORDS_MAX: Final = 2_000
_BYTES_MAX: Final = 4 * 1024 * 1024

Messages = Mapping[Channel, Sequence[ChannelMessage]]


class RecentRecords(Protocol):
    """The end of a shard's journal."""

    def definitions(self, shard: int) -> Definitions:
        """Read what has been defined in a shard."""

    def records(
        self, shard: int, first_sequence: int, last_sequence: int
    ) -> Iterator[EncodedRecord]:
        """Read the records that begin between two sequences, in order."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What one record changed on all channels; ``moments`` has the tenants it concerns."""

    first_sequence: int
    last_sequence: int
    time_ms: int
    epoch: int
    size: int
    moments: Mapping[int, int]
    changes: Sequence[ChannelChange]


class _End:
    """The last records of a shard's journal, without a gap, as far as they were asked for."""

    def __init__(self, journal: RecentRecords, shard: int) -> None:
        self._journal = journal
        self._shard = shard
        self._definitions = Definitions()
        self._records: deque[_Record] = deque()

    @property
    def definitions(self) -> Definitions:
        """What is defined in the shard, as of the records."""
        return self._definitions

    def since(self, moment: int, end: int) -> Sequence[_Record] | None:
        """Return the records after a moment; None where that is too many, or one is unreadable."""
        if not self._extend(end) or not self._reach(moment):
            self._records.clear()
            return None
        if not self._records:
            return None if end else []  # the last one is longer than what was looked for
        kept_ms = min(moment, self._records[-1].time_ms - 2 * REPLAYED_MS_MAX)
        while len(self._records) > 1 and self._records[1].time_ms < kept_ms:
            self._records.popleft()
        return [record for record in self._records if record.time_ms > moment]

    def _extend(self, end: int) -> bool:
        """Add what has been committed since."""
        last = self._records[-1].last_sequence if self._records else end
        if last + _LOOK_BACK < end:
            self._records.clear()  # nobody came for long
        if not self._records:
            self._definitions = self._journal.definitions(self._shard)
            last = max(0, end - _LOOK_BACK)
        if last >= end:
            return True
        later = self._opened(last + 1, end)
        if later is not None:
            self._records.extend(later)
        return later is not None and self._fits()

    def _reach(self, moment: int) -> bool:
        """Add earlier ones until one is not after a moment."""
        while self._records and self._records[0].time_ms > moment:
            first = self._records[0].first_sequence
            if first == 1:
                return True
            earlier = self._opened(max(1, first - _LOOK_BACK), first - 1)
            if not earlier:
                return False
            self._records.extendleft(reversed(earlier))
            if not self._fits():
                return False
        return True

    def _fits(self) -> bool:
        records = self._records
        return len(records) <= _RECORDS_MAX and sum(one.size for one in records) <= _BYTES_MAX

    def _opened(self, first: int, last: int) -> list[_Record] | None:
        found: list[_Record] = []
        size = 0
        for record in islice(self._journal.records(self._shard, first, last), _RECORDS_MAX + 1):
            size += len(record.body)
            try:
                changes = fold([decode_record(record)], self._definitions)
            except (RecordError, UnprojectableRecord):
                return None
            if size > _BYTES_MAX:
                return None
            self._definitions = changes.definitions
            found.append(
                _Record(
                    record.first_sequence,
                    record.last_sequence,
                    record.time_ms,
                    record.epoch,
                    len(record.body),
                    changes.moments,
                    tuple(channel_changes(changes)),
                )
            )
        return found


class Resumption:
    """Replays channels to clients that were there a moment ago."""

    def __init__(self, journal: RecentRecords) -> None:
        self._journal = journal
        self._ends: dict[int, _End] = {}

    def missed(
        self, shard: int, tenant: TenantId, positions: Mapping[Channel, int], end: int, epoch: int
    ) -> Messages:
        """Return what happened on channels since a moment each, up to a sequence of the journal.

        Moments that are longer ago than `REPLAYED_MS_MAX` are the caller's to leave out. Every
        channel that is in the result has at least one message. The last one also says that nothing
        else happened on it up to when its tenant was concerned last.
        """
        wanted = {channel: moment for channel, moment in positions.items() if channel.is_replayed}
        if not wanted:
            return {}
        known = self._ends.setdefault(shard, _End(self._journal, shard))
        records = known.since(min(wanted.values()), end)
        if records is None:
            return {}
        return _Replay(tenant, wanted, known.definitions, epoch).of(records)


class _Replay:
    """What one client is told of the records it missed."""

    def __init__(
        self, tenant: TenantId, wanted: Mapping[Channel, int], known: Definitions, epoch: int
    ) -> None:
        self._tenant = tenant
        self._wanted = wanted
        self._definitions = known
        self._epoch = epoch
        self._concerned_ms = 0
        self._found: dict[Channel, list[ChannelMessage]] = {channel: [] for channel in wanted}

    def of(self, records: Sequence[_Record]) -> Messages:
        for record in records:
            self._epoch = record.epoch
            if self._tenant.number in record.moments:
                self._concerned_ms = record.time_ms
                self._add(record)
        together = {channel: self._together(channel) for channel in self._wanted}
        return {channel: messages for channel, messages in together.items() if messages}

    def _add(self, record: _Record) -> None:
        for change in record.changes:
            since = self._wanted.get(change.channel)
            is_own = change.tenant == str(self._tenant)
            if since is not None and is_own and record.time_ms > since:
                message = self._message(
                    change.channel, record.time_ms, change.facts, change.sequence
                )
                self._found[change.channel].append(message)

    def _message(
        self, channel: Channel, moment: int, facts: Facts, sequence: int = 0
    ) -> ChannelMessage:
        since = self._wanted[channel]
        return ChannelMessage(
            str(self._tenant), channel, sequence, moment, since, self._epoch, facts
        )

    def _together(self, channel: Channel) -> list[ChannelMessage]:
        """Return a channel's messages, each after the one before; none where it was too much."""
        messages = conflated(self._found[channel])
        since = self._wanted[channel]
        if not messages and (nothing := self._nothing(channel)) is not None:
            messages = [self._message(channel, since, nothing)]
        if any(isinstance(one.facts, Missed) for one in messages):
            return []
        for position, one in enumerate(messages):
            messages[position] = replace(one, previous_moment=since)
            since = one.moment
        if messages:
            moment = max(since, self._concerned_ms)
            messages[-1] = replace(messages[-1], moment=moment, epoch=self._epoch)
        return messages

    def _nothing(self, channel: Channel) -> Facts | None:
        """Return that nothing happened on a channel; None where there is no such market."""
        match channel.kind:
            case channels.MARKETS:
                return MarketStates(())
            case channels.ORDERS:
                return AccountOrders(())
            case channels.FILLS:
                return AccountFills(())
            case channels.BALANCES:
                return AccountBalances(())
        for row in self._definitions.markets.values():
            if (row.tenant, row.symbol) == (str(self._tenant), channel.subject):
                market = market_from_row(row)
                is_book = channel.kind == channels.BOOK
                return BookLevels(market, (), ()) if is_book else PublicTrades(market, ())
        return None
