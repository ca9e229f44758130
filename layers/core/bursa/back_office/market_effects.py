"""Changes of markets beside their state: what orders they take, and how far prices may move.

All limits of a market are set together, as the engine takes them: what is approved is what holds,
whatever was there before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import MARKET, Tools, WithoutNotes
from bursa.back_office.roles import Action
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import format_units, parse_units
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market, MarketUnits
from wire import codec
from wire import layout as w

_NONE = "0"


@dataclass(frozen=True, slots=True)
class LimitsOfMarket(WithoutNotes):
    """Sets all limits of a market; open orders are not judged again."""

    tools: Tools
    tenant: TenantId
    symbol: str
    asked: Facts

    def before(self) -> Facts:
        """Return what holds, but for the two windows of the reference price.

        Raises `NotFound` ``unknown_market``, and `InvalidInput` for what is no limit of it.
        """
        market = self._market()
        units = market.units
        limit_words(self.asked, units)
        return {
            "min_notional": format_units(market.min_notional, units.quote_scale),
            "max_quantity": units.quantity_text(market.max_quantity),
            "max_price": units.price_text(market.max_price),
            "collar_ppm": market.collar_ppm,
            "market_collar_ppm": market.market_collar_ppm,
            "breaker_ppm": market.breaker_ppm,
            "auction_ms": market.auction_ms,
        }

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine set them; it refuses what is beyond its own."""
        market, account = self._market(), self.tenant.fee_account
        words = limit_words(self.asked, market.units)

        def build(header: CommandHeader) -> bytes:
            return codec.encode(
                w.COMMAND_SET_MARKET_LIMITS,
                account.number,
                market.number,
                *words,
                **header.words(),
            )

        self.tools.commands.submit(intent, account, [build])
        return dict(self.asked)

    def _market(self) -> Market:
        market = self.tools.markets.find(self.tenant, self.symbol)
        if market is None:
            raise NotFound("unknown_market", "Choose one of the exchange's markets.")
        return market


def limit_words(asked: Facts, units: MarketUnits) -> tuple[int, ...]:
    """Return what was asked for as the engine takes it, but for the market.

    Raises `InvalidInput` for what is no limit of a market with these units.
    """
    least = parse_units(asked["min_notional"], units.quote_scale, "min_notional")
    value = least * asked["least_orders"]
    largest = highest = 0
    if asked["max_quantity"] != _NONE:
        largest = units.quantity_lots(asked["max_quantity"], "max_quantity")
    if asked["max_price"] != _NONE:
        highest = units.price_ticks(asked["max_price"], "max_price")
    # As the engine bounds them.
    for field, word, most in (
        ("min_notional", least, w.AMOUNT_MAX),
        ("least_orders", value, w.AMOUNT_MAX),
        ("max_quantity", largest, min(w.QUANTITY_MAX, w.AMOUNT_MAX // units.lot_units)),
        ("max_price", highest, min(w.PRICE_MAX, w.AMOUNT_MAX // units.tick_units)),
    ):
        if word > most:
            raise InvalidInput(f"{field}_too_large", f"Send a smaller {field}.", field=field)
    return (
        least,
        largest,
        highest,
        asked["collar_ppm"],
        asked["market_collar_ppm"],
        asked["breaker_ppm"],
        asked["reference_interval_ms"],
        value,
        asked["auction_ms"],
    )


def market_effects(tools: Tools) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""
    return {
        Action.SET_MARKET_LIMITS: lambda tenant, about, asked: LimitsOfMarket(
            tools, tenant, about.removeprefix(MARKET), asked
        )
    }
