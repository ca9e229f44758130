"""Markets as the rest of the code knows them, from the rows that define them. Pure."""

from functools import lru_cache

from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.read_models.rows import MarketRow
from wire import layout as w

# Deriving a market's price step takes some ten microseconds, which a feed would spend on every
# record; units never change, and a row changes only with its limits and its state.
_MARKETS_KEPT_MAX = 4_096


@lru_cache(maxsize=_MARKETS_KEPT_MAX)
def market_from_row(row: MarketRow, maker_ppm: int = 0, taker_ppm: int = 0) -> Market:
    """Return a market's definition; limits it leaves open become the engine's own."""
    units = MarketUnits(
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        base_scale=row.base_scale,
        quote_scale=row.quote_scale,
        lot_units=row.lot_units,
        tick_units=row.tick_units,
    )
    return Market(
        number=row.number,
        units=units,
        state=MarketState(row.state),
        min_notional=row.min_notional,
        max_price=row.max_price or Ticks(w.PRICE_MAX),
        max_quantity=row.max_quantity or Lots(w.QUANTITY_MAX),
        maker_ppm=maker_ppm,
        taker_ppm=taker_ppm,
        collar_ppm=row.collar_ppm,
        market_collar_ppm=row.market_collar_ppm or row.collar_ppm,
        breaker_ppm=row.breaker_ppm,
        auction_ms=row.auction_ms or w.AUCTION_MS_DEFAULT,
    )
