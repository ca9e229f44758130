"""Books in memory, in step with the stream: what a listener is told of a market as a whole.

Most channels tell what a record changed, and need nothing but the record. A book of some depth, a
ticker and candles do not: which level comes into view, or what the last day traded, only the whole
book says. So the books of markets that somebody follows like that are read once and kept up, record
by record; a market that nobody follows any more is let go, and after a record that was missed all
of them are, and are read again.

A view of a book is told as the difference between two of its states, so it holds for who has the
first of them and for nobody else. Whoever begins to listen is therefore sent the whole view when
the market's next record comes, and from then on the differences that all others get.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import nlargest, nsmallest
from itertools import islice
from typing import NamedTuple, Protocol

from bursa.journal.record import EncodedRecord
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.market_data import channels
from bursa.market_data.candles import live_candle, newest_part, put_together
from bursa.market_data.channels import Channel
from bursa.market_data.intervals import INTERVALS
from bursa.market_data.messages import (
    CHECKED_LEVELS,
    BookLevels,
    CandleChanges,
    ChannelMessage,
    Facts,
)
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import Level
from bursa.read_models.book_parts import BookTorn
from bursa.read_models.books import Book
from bursa.read_models.candles import Candle, EndedCandle
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import BookFact, Definitions, ReadModelChanges
from bursa.read_models.rows import MarketRow, ProgressRow
from wire import events as e

# How far the read models may be behind the stream for a book to be brought up from the journal.
RECORDS_READ_MAX = 2_000
# How long what could not be opened is left alone: it may cost as many reads again.
OPENED_AGAIN_MS = 5_000
# More than end between two messages of a channel: those of a round of the feed, of six intervals.
ENDED_CANDLES_KEPT = 600

MarketKey = tuple[str, str]  # tenant, market
_Connections = Mapping[str, object]
# What weeks are put together of.
_DAY = INTERVALS["1w"].stored


class ShardState(Protocol):
    """A shard's read models, and the journal behind them."""

    def definitions(self) -> Definitions:
        """Read what has been defined in the shard."""

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""

    def book(self, tenant: str, market: str) -> Book | None:
        """Read a market's book; raises `BookTorn` when a part of it is lost."""

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""

    def records(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Read records in order from a sequence on, up to a sequence."""


class Addressed(NamedTuple):
    """A message, and the connections it is for."""

    message: ChannelMessage
    connections: Collection[str]


class _View(NamedTuple):
    """The best levels of a book, and the market's state."""

    bids: Mapping[int, int]
    asks: Mapping[int, int]
    trading: TradingState


@dataclass(slots=True)
class _Told:
    """What the listeners of a channel were told last, who they are, and which view they hold."""

    moment: int
    connections: frozenset[str] = frozenset()
    view: _View | None = None
    candle: Candle | None = None


@dataclass(slots=True)
class _Followed:
    """A market that somebody follows.

    Attributes
    ----------
    levels_at
        A sequence since which no level has changed.
    ended
        The candles that ended last.
    days, days_before
        Days that ended since the book was read; those of the week before that, once they are asked
        for.
    is_changed
        Whether anything has happened since it was told of.
    told
        By key of the channel.

    """

    market: Market
    book: Book
    epoch: int
    levels_at: int
    ended: deque[EndedCandle] = field(default_factory=lambda: deque(maxlen=ENDED_CANDLES_KEPT))
    days: deque[Candle] = field(default_factory=lambda: deque(maxlen=ENDED_CANDLES_KEPT))
    days_before: Sequence[Candle] | None = None
    is_changed: bool = False
    ticker: MarketTicker | None = None
    told: dict[str, _Told] = field(default_factory=dict)

    def apply(self, facts: Sequence[tuple[int, BookFact]], epoch: int) -> None:
        # Told also where the book was read with these facts in it: nobody has been told of them.
        self.is_changed, self.epoch = True, epoch
        if not self.book.apply(facts):
            return
        levels = (fact.sequence for _, fact in facts if not isinstance(fact, e.Trade))
        self.levels_at = max(self.levels_at, *levels, 0)
        self.ended += self.book.ended_candles
        self.days += (one.candle for one in self.book.ended_candles if one.interval == _DAY)
        self.book.ended_candles.clear()
        self.book.changed_bids.clear()
        self.book.changed_asks.clear()

    def ended_since(self, told: Candle, interval: str) -> list[Candle]:
        """Return the candles of an interval that ended since one of it was told that went on."""
        stored = INTERVALS[interval].stored
        if stored == interval:
            ended = [one.candle for one in self.ended if one.interval == interval]
        else:
            days = {one.start_ms: one for one in (*(self.days_before or ()), *self.days)}
            ended = [*put_together(INTERVALS[interval], days).values()]
        newest_ms = INTERVALS[interval].start_of(newest_part(interval, self.book.candles).start_ms)
        return [one for one in ended if told.start_ms <= one.start_ms < newest_ms]

    def best(self, count: int) -> tuple[list[Level], list[Level]]:
        book = self.book
        return nlargest(count, book.bids.items()), nsmallest(count, book.asks.items())

    def view(self, depth: int) -> _View:
        bids, asks = self.best(depth)
        return _View(dict(bids), dict(asks), TradingState.of_row(self.book, self.market.state))


class LiveMarkets:
    """The markets of a shard that somebody follows as a whole.

    Parameters
    ----------
    unfold
        Opens a record; None for one that can't be read.

    """

    def __init__(
        self,
        source: ShardState,
        unfold: Callable[[EncodedRecord], ReadModelChanges | None],
        now_ms: Callable[[], int],
    ) -> None:
        self._source = source
        self._unfold = unfold
        self._now_ms = now_ms
        self._position = 0
        self._opens_at_ms = 0
        self._followed: dict[MarketKey, _Followed] = {}

    # --- keeping up -------------------------------------------------------------------------------

    def lose(self) -> None:
        """Let all markets go: what came meanwhile is not in their books."""
        self._followed.clear()

    def follow(
        self,
        wanted: Collection[MarketKey],
        definitions: Definitions,
        position: int,
        recent: Sequence[EncodedRecord],
    ) -> None:
        """Follow these markets and no others, from a sequence on.

        Parameters
        ----------
        position
            Where the stream is: the last sequence that was seen.
        recent
            Records up to that one, in order, as far as they are kept.

        """
        if position != self._position:
            self.lose()
        self._position = position
        self._followed = {key: one for key, one in self._followed.items() if key in wanted}
        rows = {(row.tenant, row.symbol): row for row in definitions.markets.values()}
        missing = {key: rows[key] for key in wanted if key in rows and key not in self._followed}
        now_ms = self._now_ms()
        if missing and now_ms >= self._opens_at_ms:
            self._followed |= self._open(missing, recent)
            if any(key not in self._followed for key in missing):
                self._opens_at_ms = now_ms + OPENED_AGAIN_MS

    def _open(
        self, missing: Mapping[MarketKey, MarketRow], recent: Sequence[EncodedRecord]
    ) -> Mapping[MarketKey, _Followed]:
        """Return those of some markets whose books can be brought up to where the stream is."""
        # The progress first: what is read after it holds all that it says.
        progress = self._source.progress()
        opened: dict[MarketKey, _Followed] = {}
        held = self._position
        for key, row in missing.items():
            try:
                book = self._source.book(*key) or Book(*key)
            except BookTorn:
                continue
            owner = keys.market_data(TenantId.parse(row.tenant), row.symbol)
            read = 0 if progress is None else progress.position_of(owner)[0]
            held = min(held, max(book.sequence, read))
            epoch = 0 if progress is None else progress.epoch
            market = market_from_row(row)
            opened[key] = _Followed(market, book, epoch, book.sequence)
        for record in self._between(held, recent) if opened else ():
            changes = self._unfold(record)
            if changes is None:
                return {}
            _apply(changes, opened)
            held = record.last_sequence
        for one in opened.values():
            one.is_changed = False
        return opened if held >= self._position else {}

    def _between(self, held: int, recent: Sequence[EncodedRecord]) -> Iterator[EncodedRecord]:
        """Yield the records after a sequence up to where the stream is; not more than some."""
        later = [record for record in recent if record.last_sequence > held]
        ends = [held, *(record.last_sequence for record in later)]
        if held >= self._position or (
            all(record.first_sequence <= end + 1 for record, end in zip(later, ends, strict=False))
            and ends[-1] == self._position
        ):
            yield from later
            return
        yield from islice(self._source.records(held + 1, self._position), RECORDS_READ_MAX)

    def apply(self, changes: ReadModelChanges) -> None:
        """Take the next record."""
        if changes.first_sequence != self._position + 1:
            self.lose()
        self._position = changes.last_sequence
        _apply(changes, self._followed)

    # --- what is told -----------------------------------------------------------------------------

    def best_levels(
        self, key: MarketKey, sequence: int
    ) -> tuple[Sequence[Level], Sequence[Level]] | None:
        """Return a book's best bids and asks as of a sequence; None where they are not known."""
        followed = self._followed.get(key)
        if followed is None or followed.levels_at > sequence:
            return None
        return followed.best(CHECKED_LEVELS)

    def messages(
        self,
        listeners: Mapping[str, Mapping[str, _Connections]],
        added: Mapping[str, Mapping[str, _Connections]],
    ) -> Iterator[Addressed]:
        """Yield what the listeners of whole markets are to be told now.

        Parameters
        ----------
        listeners
            Connections by tenant and key of the channel.
        added
            Those of them that have just begun, or begun anew, to listen.

        """
        for tenant, by_channel in listeners.items():
            new = added.get(tenant, {})
            for key, connections in by_channel.items():
                channel = Channel.of_key(key)
                followed = self._followed.get((tenant, channel.subject))
                if connections and followed is not None:
                    yield from self._told(followed, channel, connections, new.get(key, {}))
        for followed in self._followed.values():
            followed.is_changed = False

    def _told(
        self,
        followed: _Followed,
        channel: Channel,
        connections: _Connections,
        new: _Connections,
    ) -> Iterator[Addressed]:
        match channel.kind:
            case channels.BOOK if channel.depth:
                yield from _of_view(followed, channel, connections, new)
            case channels.TICKER if followed.is_changed:
                yield from self._of_ticker(followed, channel, connections)
            case channels.CANDLES if followed.is_changed:
                yield from self._of_candles(followed, channel, connections)

    def _of_ticker(
        self, followed: _Followed, channel: Channel, connections: _Connections
    ) -> Iterator[Addressed]:
        book, before = followed.book, followed.ticker
        ticker = MarketTicker.of_book(followed.market, book, *followed.best(1), self._now_ms())
        followed.ticker = ticker
        if before is not None and ticker.tells_the_same(before):
            return
        # It tells all there is, so the first one needs nothing before it.
        told = followed.told.setdefault(channel.key, _Told(0))
        yield Addressed(_message(followed, channel, told, ticker), connections)
        told.moment = book.time_ms

    def _of_candles(
        self, followed: _Followed, channel: Channel, connections: _Connections
    ) -> Iterator[Addressed]:
        """Yield the candles that have changed since this was told: all but the last have ended."""
        if not followed.book.candles:
            return
        # At first, this process does not know which have ended: who lacks them sees a loss.
        told = followed.told.setdefault(channel.key, _Told(followed.book.time_ms - 1))
        going_on = live_candle(
            channel.detail, followed.book.candles, partial(self._ended_days, followed)
        )
        if going_on == told.candle:
            return
        candles = [going_on]
        if told.candle is not None:
            candles = [*followed.ended_since(told.candle, channel.detail), going_on]
        facts = CandleChanges(followed.market, candles)
        yield Addressed(_message(followed, channel, told, facts), connections)
        told.moment, told.candle = followed.book.time_ms, going_on

    def _ended_days(
        self, followed: _Followed, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Return the ended days of a week; those from before the book was read are rows by now."""
        if followed.days_before is None:
            key = followed.book.tenant, followed.book.market
            followed.days_before = self._source.candles(*key, interval, first_ms, end_ms)
        days = (*followed.days_before, *followed.days)
        return [one for one in days if first_ms <= one.start_ms < end_ms]


def _of_view(
    followed: _Followed, channel: Channel, connections: _Connections, new: _Connections
) -> Iterator[Addressed]:
    """Yield the difference for those who hold the view, and the view for all others.

    Nothing unless something happened in the market: when it is sent would say that somebody else,
    of another tenant perhaps, did something.
    """
    told = followed.told.setdefault(channel.key, _Told(followed.book.time_ms))
    told.connections -= new.keys()
    if not followed.is_changed:
        return
    before, told.view = told.view, followed.view(channel.depth)
    holding = told.connections & connections.keys()
    told.connections = frozenset(connections)
    difference = None if before is None else _difference(followed, before, told.view)
    if difference is not None and holding:
        yield Addressed(_message(followed, channel, told, difference), holding)
    if difference is not None or before is None:
        told.moment = followed.book.time_ms
    if beginning := told.connections - holding:
        view = _levels(followed, told.view, told.view.bids, told.view.asks, told.view.trading)
        message = _message(followed, channel, told, view)
        whole = replace(message, moment=told.moment, previous_moment=0, is_snapshot=True)
        yield Addressed(whole, beginning)


def _difference(followed: _Followed, before: _View, after: _View) -> BookLevels | None:
    """Return what makes one view of the other; None where they are the same."""
    bids, asks = _changed(before.bids, after.bids), _changed(before.asks, after.asks)
    trading = after.trading if after.trading != before.trading else None
    if not bids and not asks and trading is None:
        return None
    return _levels(followed, after, bids, asks, trading)


def _changed(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    gone = dict.fromkeys(before.keys() - after.keys(), 0)
    return gone | {price: lots for price, lots in after.items() if before.get(price) != lots}


def _levels(
    followed: _Followed,
    view: _View,
    bids: Mapping[int, int],
    asks: Mapping[int, int],
    trading: TradingState | None,
) -> BookLevels:
    best = (
        tuple(islice(view.bids.items(), CHECKED_LEVELS)),
        tuple(islice(view.asks.items(), CHECKED_LEVELS)),
    )
    return BookLevels(
        followed.market, sorted(bids.items(), reverse=True), sorted(asks.items()), trading, best
    )


def _message(followed: _Followed, channel: Channel, told: _Told, facts: Facts) -> ChannelMessage:
    book = followed.book
    return ChannelMessage(
        book.tenant, channel, book.sequence, book.time_ms, told.moment, followed.epoch, facts
    )


def _apply(changes: ReadModelChanges, followed: Mapping[MarketKey, _Followed]) -> None:
    for change in changes.books.values():
        one = followed.get((change.tenant, change.market))
        if one is not None:
            one.apply(change.facts, changes.epoch)
