"""Fees as this wire has them: those of an account's own tier."""

from typing import Any

from bursa.dialects.binance.decimals import ZERO, rate_text
from bursa.dialects.binance.symbols import symbol_of
from bursa.fees.schedule import Rates
from bursa.kernel.markets import Market

Json = dict[str, Any]


def commission_rates(market: Market, rates: Rates) -> Json:
    """Return what an order in a market is charged."""
    nothing = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
    return {
        "symbol": symbol_of(market),
        "standardCommission": nothing
        | {"maker": rate_text(rates.maker_ppm), "taker": rate_text(rates.taker_ppm)},
        "specialCommission": dict(nothing),
        "taxCommission": dict(nothing),
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": None,
            "discount": ZERO,
        },
    }


def trade_fee(market: Market, rates: Rates) -> Json:
    """Return a market's fees."""
    return {
        "symbol": symbol_of(market),
        "makerCommission": rate_text(rates.maker_ppm),
        "takerCommission": rate_text(rates.taker_ppm),
    }
