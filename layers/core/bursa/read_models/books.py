"""A market's book and statistics in memory, and what its facts make of them. Pure.

Levels are absolute but volumes add up, so a book remembers the sequence it reflects and passes
over every fact up to that one: applying the same facts twice, or more than needed, changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from bursa.kernel import keys
from bursa.read_models.book_format import (
    Level,
    pack_going_on,
    pack_hours,
    pack_levels,
    pack_side,
    unpack_going_on,
    unpack_hours,
    unpack_levels,
)
from bursa.read_models.book_parts import (
    BEST_LEVELS,
    BookParts,
    base_rows,
    best,
    in_zone,
    with_zones,
    zones_of,
)
from bursa.read_models.book_zones import (
    NEAR,
    ZONES,
    Zone,
    Zones,
    edge_of,
    fits,
    zone_of,
)
from bursa.read_models.candles import Candle, EndedCandle, candles_with_trade
from bursa.read_models.fold import BookFact
from bursa.read_models.hourly_statistics import HourStatistics, with_trade
from bursa.read_models.rows import BookBaseRow, BookChangeRow, BookRow, with_values
from wire import events as e
from wire import layout as w


@dataclass(slots=True)
class Book:
    """One market's book: price -> quantity on each side, the last trade, a day of statistics."""

    tenant: str
    market: str
    sequence: int = 0
    time_ms: int = 0
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    hours: list[HourStatistics] = field(default_factory=list)
    last_price: int = 0
    last_quantity: int = 0
    last_trade_id: int = 0
    last_time_ms: int = 0
    reference_price: int = 0
    indicative_price: int = 0
    indicative_quantity: int = 0
    candles: list[Candle] = field(default_factory=list)
    state: str | None = None

    # Its row as stored, the prices at which something has changed since, and what has ended.
    stored: BookRow | None = None
    changed_bids: set[int] = field(default_factory=set)
    changed_asks: set[int] = field(default_factory=set)
    ended_candles: list[EndedCandle] = field(default_factory=list)

    @classmethod
    def from_row(
        cls, row: BookRow, bids: Iterable[Level] | None = None, asks: Iterable[Level] | None = None
    ) -> Self:
        """Make it of a stored row and, where the row does not hold them, all levels."""
        return cls(
            tenant=row.tenant,
            market=row.market,
            sequence=row.sequence,
            time_ms=row.time_ms,
            bids=dict(unpack_levels(row.bids) if bids is None else bids),
            asks=dict(unpack_levels(row.asks) if asks is None else asks),
            hours=unpack_hours(row.hours),
            last_price=row.last_price,
            last_quantity=row.last_quantity,
            last_trade_id=row.last_trade_id,
            last_time_ms=row.last_time_ms,
            reference_price=row.reference_price,
            indicative_price=row.indicative_price,
            indicative_quantity=row.indicative_quantity,
            candles=unpack_going_on(row.candles) if row.candles else [],
            state=row.state,
            stored=row,
        )

    def to_row(self) -> BookRow:
        """Return it with all levels, as the row of a book that needs no other parts."""
        bids = pack_side(self.bids, descending=True)
        return self._row(bids, pack_side(self.asks, descending=False))

    def _best_row(self) -> BookRow:
        bids = pack_levels(best(self.bids, descending=True))
        return self._row(bids, pack_levels(best(self.asks, descending=False)))

    def _row(self, bids: bytes, asks: bytes) -> BookRow:
        return BookRow(
            tenant=self.tenant,
            market=self.market,
            sequence=self.sequence,
            time_ms=self.time_ms,
            bids=bids,
            asks=asks,
            hours=pack_hours(self.hours),
            last_price=self.last_price,
            last_quantity=self.last_quantity,
            last_trade_id=self.last_trade_id,
            last_time_ms=self.last_time_ms,
            reference_price=self.reference_price,
            indicative_price=self.indicative_price,
            indicative_quantity=self.indicative_quantity,
            state=self.state,
            ring=0 if self.stored is None else self.stored.ring,
            candles=pack_going_on(self.candles) if self.candles else None,
        )

    def to_parts(self) -> BookParts:
        """Return what has to be written so that the stored book is this one."""
        return replace(self._level_parts(), candles=tuple(self.ended_candles))

    def _level_parts(self) -> BookParts:
        stored = self.stored
        divided = stored is not None and stored.zones is not None
        # Lower for a book that has zones, so that one of about this size is not moved each time.
        whole_max = BEST_LEVELS // 2 if divided else BEST_LEVELS
        if max(len(self.bids), len(self.asks)) <= whole_max:
            return BookParts(self.to_row(), replaces=(keys.BOOK_PARTS_PREFIX,) if divided else ())
        if stored is None or not divided:
            row = with_values(self._best_row(), ring=(stored.ring if stored else 0) + 1)
            none = Zone(0, 0, 0)
            zones = Zones(*self._edges(), none, none)
            return self._based(row, zones, ZONES, replaces=(keys.BOOK_PARTS_PREFIX,))
        zones = zones_of(stored)
        changed = {zone: self._changed_in(zone, zones) for zone in ZONES}
        due = [
            zone for zone in ZONES if zones.of(zone).needs_base(zone, sum(map(len, changed[zone])))
        ]
        may_divide = zones.may_divide(sum(map(len, changed[NEAR])), is_due=NEAR in due)
        if may_divide and not self._fits(zones, is_due=NEAR in due):
            due = list(ZONES)
            zones = Zones(*self._edges(), zones.near, zones.far)
        return self._changed(self._best_row(), zones, due, changed)

    def _edges(self) -> tuple[int, int]:
        bids, asks = sorted(self.bids, reverse=True), sorted(self.asks)
        return edge_of(bids, buys=True), edge_of(asks, buys=False)

    def _changed_in(self, zone: str, zones: Zones) -> tuple[list[int], list[int]]:
        """Return the prices at which something has changed in a zone, of bids and of asks."""
        return (
            sorted(p for p in self.changed_bids if zone_of(p, zones.bid_edge, buys=True) == zone),
            sorted(p for p in self.changed_asks if zone_of(p, zones.ask_edge, buys=False) == zone),
        )

    def _fits(self, zones: Zones, *, is_due: bool) -> bool:
        near_bids = sum(map(zones.bid_edge.__le__, self.bids))
        near_asks = sum(map(zones.ask_edge.__ge__, self.asks))
        return fits(near_bids, len(self.bids), is_due=is_due) and fits(
            near_asks, len(self.asks), is_due=is_due
        )

    def _changed(
        self,
        row: BookRow,
        zones: Zones,
        due: Sequence[str],
        changed: Mapping[str, tuple[list[int], list[int]]],
    ) -> BookParts:
        """Return a base for each zone that is due, and change rows for the others."""
        changes: list[BookChangeRow] = []
        for zone, (bids, asks) in changed.items():
            if zone in due or not (bids or asks):
                continue
            before = zones.of(zone)
            zones = zones.having(zone, before.with_change(len(bids) + len(asks)))
            changes.append(
                BookChangeRow(
                    self.tenant,
                    self.market,
                    self.sequence,
                    row.ring,
                    zone,
                    before.last_change + 1,
                    before.last_change,
                    _pack_changed(self.bids, bids),
                    _pack_changed(self.asks, asks),
                )
            )
        replaces = tuple(keys.book_base(zone) for zone in due)
        return self._based(row, zones, due, changes=tuple(changes), replaces=replaces)

    def _based(
        self,
        row: BookRow,
        zones: Zones,
        due: Iterable[str],
        *,
        replaces: tuple[str, ...],
        changes: tuple[BookChangeRow, ...] = (),
    ) -> BookParts:
        base: list[BookBaseRow] = []
        for zone in due:
            bids = in_zone(self.bids, zone, zones.bid_edge, buys=True)
            asks = in_zone(self.asks, zone, zones.ask_edge, buys=False)
            zones = zones.having(
                zone, zones.of(zone).with_base(self.sequence, len(bids), len(asks))
            )
            base += base_rows(row, zones, zone, bids, asks)
        return BookParts(with_zones(row, zones), tuple(base), changes, replaces)

    def has_been_stored(self, row: BookRow) -> None:
        """Remember that nothing has changed since a row."""
        self.stored = row
        self.changed_bids.clear()
        self.changed_asks.clear()
        self.ended_candles.clear()

    def apply(self, facts: Iterable[tuple[int, BookFact]]) -> bool:
        """Apply facts in order, passing over what the book reflects already.

        Returns
        -------
        bool
            Whether any was new.

        """
        reflected = self.sequence
        for time_ms, fact in facts:
            if fact.sequence <= reflected:
                continue
            self.sequence = fact.sequence
            self.time_ms = time_ms
            match fact:
                case e.Level():
                    self._level(fact)
                case e.Trade():
                    self._trade(fact, time_ms)
                case e.Market():
                    self.reference_price = fact.reference_price
                    self.indicative_price = fact.indicative_price
                    self.indicative_quantity = fact.indicative_quantity
                    self.state = w.MARKET_STATE_NAMES[fact.state]
        return self.sequence > reflected

    def _level(self, level: e.Level) -> None:
        buys = level.side == w.SIDE_BUY
        side = self.bids if buys else self.asks
        (self.changed_bids if buys else self.changed_asks).add(level.price)
        if level.quantity:
            side[level.price] = level.quantity
        else:
            side.pop(level.price, None)

    def _trade(self, trade: e.Trade, time_ms: int) -> None:
        self.last_price = trade.price
        self.last_quantity = trade.quantity
        self.last_trade_id = trade.trade_id
        self.last_time_ms = time_ms
        self.hours = with_trade(
            self.hours, time_ms, trade.price, trade.quantity, trade.quote_amount
        )
        self.candles, ended = candles_with_trade(self.candles, trade, time_ms)
        self.ended_candles += [EndedCandle(self.tenant, self.market, *one) for one in ended]


def _pack_changed(side: Mapping[int, int], prices: Iterable[int]) -> bytes:
    return pack_levels((price, side.get(price, 0)) for price in prices)
