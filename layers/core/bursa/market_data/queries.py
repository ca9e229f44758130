"""What anybody may read: markets, books, trades, tickers, and how the exchange is."""

from dataclasses import dataclass
from typing import Protocol

from bursa.dialects.native.cursors import read_cursor, write_cursor
from bursa.dialects.native.market_presentation import book_answer, market_definition, ticker_answer
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.presentation import trade_from_row
from bursa.dialects.native.responses import (
    Book,
    Health,
    JournalPosition,
    MarketDefinition,
    MarketPage,
    Ticker,
    TradePage,
)
from bursa.kernel.identifiers import TenantId
from bursa.kernel.pages import Page
from bursa.read_models import book_format as books
from bursa.read_models.hourly_statistics import last_day
from bursa.read_models.rows import BookRow, TradeRow
from bursa.trading.catalogue import MarketCatalogue, named_market

DEPTH_DEFAULT = 100
DEPTH_MAX = 1_000
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


class MarketData(Protocol):
    """The market data read models."""

    def book(self, tenant: TenantId, market: str) -> BookRow | None:
        """Read a market's book; None before anything happened in it."""

    def newest_trades(
        self, tenant: TenantId, market: str, *, before: str | None, limit: int
    ) -> Page[TradeRow]:
        """List public trades, newest first."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the journal: last sequence, number and time of a record; zeros for none."""

    sequence: int = 0
    number: int = 0
    time_ms: int = 0


class JournalHead(Protocol):
    """Where the journal and its followers are."""

    def read_models(self) -> Position:
        """Read how far the read models have got."""

    def newest(self, known: Position) -> Position:
        """Find the newest record; `known` is one that is not newer."""


class Now(Protocol):
    """The edge's clock."""

    def now_ms(self) -> int:
        """Read UTC in milliseconds."""


class MarketQueries:
    """Answers questions about one tenant's markets."""

    def __init__(
        self, tenant: TenantId, catalogue: MarketCatalogue, data: MarketData, clock: Now
    ) -> None:
        self._tenant = tenant
        self._catalogue = catalogue
        self._data = data
        self._clock = clock

    def markets(self) -> MarketPage:
        """List the markets."""
        items = [market_definition(market) for market in self._catalogue.all(self._tenant)]
        return MarketPage(items=items, next_cursor=None)

    def market(self, symbol: str) -> MarketDefinition:
        """Say one market; raises `NotFound` ``unknown_market``."""
        return market_definition(named_market(self._catalogue, self._tenant, symbol))

    def book(self, symbol: str, depth: str | None) -> Book:
        """Say the best levels of a book.

        Raises
        ------
        NotFound
            ``unknown_market``.
        InvalidInput
            ``invalid_depth``.

        """
        levels = read_number(depth, "depth", default=DEPTH_DEFAULT, most=DEPTH_MAX)
        market = named_market(self._catalogue, self._tenant, symbol)
        row = self._book_row(symbol)
        bids = books.unpack_levels(row.bids)[:levels]
        asks = books.unpack_levels(row.asks)[:levels]
        return book_answer(row, bids, asks, market)

    def trades(self, symbol: str, limit: str | None, cursor: str | None) -> TradePage:
        """List public trades, newest first.

        Raises
        ------
        NotFound
            ``unknown_market``.
        InvalidInput
            ``invalid_limit``, ``invalid_cursor``.

        """
        most = read_number(limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        scope = f"trades {self._tenant} {symbol}"
        before = read_cursor(cursor, scope)
        market = named_market(self._catalogue, self._tenant, symbol)
        page = self._data.newest_trades(self._tenant, symbol, before=before, limit=most)
        position = page.next_position
        return TradePage(
            items=[trade_from_row(row, market) for row in page.items],
            next_cursor=None if position is None else write_cursor(position, scope),
        )

    def ticker(self, symbol: str) -> Ticker:
        """Say the last trade, the best prices and the last day; raises `NotFound`."""
        market = named_market(self._catalogue, self._tenant, symbol)
        row = self._book_row(symbol)
        bids, asks = books.unpack_levels(row.bids), books.unpack_levels(row.asks)
        day = last_day(books.unpack_hours(row.hours), self._clock.now_ms())
        best = (bids[0][0] if bids else 0, asks[0][0] if asks else 0)
        return ticker_answer(row, day, best, market)

    def _book_row(self, symbol: str) -> BookRow:
        row = self._data.book(self._tenant, symbol)
        if row is not None:
            return row
        empty = books.pack_levels([])
        return BookRow(str(self._tenant), symbol, 0, 0, empty, empty, books.pack_hours([]))


class ReadHealth:
    """Compares the read models with the journal."""

    def __init__(self, head: JournalHead, version: str) -> None:
        self._head = head
        self._version = version

    def __call__(self) -> Health:
        """Say how far the read models are behind."""
        # In this order: the journal can only be further when it is read second.
        models = self._head.read_models()
        newest = self._head.newest(models)
        lag = newest.number - models.number
        return Health(
            status="behind" if lag else "ok",
            version=self._version,
            journal=_position(newest),
            read_models=_position(models),
            lag_records=lag,
            lag_ms=newest.time_ms - models.time_ms if lag else 0,
        )


def _position(position: Position) -> JournalPosition:
    return JournalPosition(
        sequence=position.sequence, number=position.number, time_ms=position.time_ms
    )
