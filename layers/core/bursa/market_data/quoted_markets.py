"""Markets as a dry run looks at them; apart, because books need a decompressor."""

from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.market_data.queries import MarketData
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import unpack_levels
from bursa.read_models.rows import BookRow
from bursa.trading.dry_run_rules import MarketView
from wire import layout as w

# As many levels as the engine measures an order against, and one that tells of more.
DEPTH = w.MEASURED_MAX + 1


class QuotedMarkets:
    """What the read models know of markets, by their books."""

    def __init__(self, data: MarketData) -> None:
        self._data = data

    def __call__(self, tenant: TenantId, market: Market) -> MarketView:
        """Return what the read models know of a market now; raises `Unavailable`."""
        return view_of(self._data.book(tenant, market.symbol, DEPTH), market)


def view_of(row: BookRow | None, market: Market) -> MarketView:
    """Return what a book's row tells of a market; None where nothing has happened yet."""
    state = TradingState.of_row(row, market.state).state
    if row is None:
        return MarketView(state, 0, 0, (), ())
    return MarketView(
        state,
        row.reference_price,
        row.last_price,
        unpack_levels(row.bids)[:DEPTH],
        unpack_levels(row.asks)[:DEPTH],
        row.time_ms,
    )
