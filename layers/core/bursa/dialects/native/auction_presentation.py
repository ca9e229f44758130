"""An auction on the wire: what it would trade if it ended now."""

from bursa.dialects.native.responses import Auction
from bursa.kernel.markets import MarketState, MarketUnits
from bursa.market_data.trading_state import TradingState


def auction(trading: TradingState, units: MarketUnits) -> Auction | None:
    """Return the auction that a market is in; None while it is in none."""
    if trading.state is not MarketState.AUCTION:
        return None
    price, lots = trading.indicative_price, trading.indicative_quantity
    return Auction(
        indicative_price=units.price_text(price) if price else None,
        indicative_quantity=units.quantity_text(lots),
    )
