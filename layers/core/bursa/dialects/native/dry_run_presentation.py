"""A dry run in the native form."""

from bursa.dialects.native.dry_run_responses import (
    AssetAmount,
    DryRunFees,
    DryRunRefusal,
    DryRunResult,
    DryRunTaking,
    NearestValue,
)
from bursa.dialects.native.problems import detail_of
from bursa.dialects.native.refusals import refusal
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError
from bursa.kernel.markets import Market
from bursa.trading.commands import PlaceOrder
from bursa.trading.dry_run import Assessment, MarketView, Taking
from bursa.trading.orders import Side
from wire import layout as w


def dry_run_result(
    order: PlaceOrder, found: Assessment, view: MarketView, refused: BursaError | None
) -> DryRunResult:
    """Return what would become of an order; ``refused`` is why it would not even be sent."""
    market = order.market
    if refused is None and found.reason != w.REASON_ACCEPTED:
        refused = refusal(found.reason, market)

    def amount(units: int, asset: str) -> AssetAmount:
        return AssetAmount(asset=asset, amount=market.units.amount_text(Units(units), asset))

    taking, at_most = None, None
    if refused is None and found.taking is not None:
        taking = _taking(order, found.taking, found.receives)
    if refused is None and found.waiting_fee is not None:
        taken = found.taking.fee if found.taking else 0
        at_most = amount(taken + found.waiting_fee, found.receives)
    held, waits = (0, 0) if refused else (found.held, found.waits)
    return DryRunResult(
        accepted=refused is None,
        refusal=None if refused is None else _refusal(refused, found, market),
        needed=amount(found.needed, found.pays),
        available=amount(found.available, found.pays),
        reserved=amount(held, found.pays),
        waiting_quantity=market.units.quantity_text(Lots(waits)),
        taking=taking,
        fees=DryRunFees(maker_ppm=market.maker_ppm, taker_ppm=market.taker_ppm, at_most=at_most),
        status=view.state.value,
        sequence=view.time_ms,
    )


def _refusal(error: BursaError, found: Assessment, market: Market) -> DryRunRefusal:
    nearest = None
    # What refuses it before it is sent may be another rule than the engine's first.
    if found.nearest is not None and error.code == w.REASON_NAMES[found.reason]:
        field, value = found.nearest
        text = {
            "price": lambda: market.units.price_text(Ticks(value)),
            "quantity": lambda: market.units.quantity_text(Lots(value)),
            "quote_amount": lambda: market.units.quote_text(Units(value)),
        }[field]()
        nearest = NearestValue(field=field, value=text)
    return DryRunRefusal(
        code=error.code, detail=detail_of(error), field=error.field, nearest=nearest
    )


def _taking(order: PlaceOrder, taking: Taking, receives: str) -> DryRunTaking:
    market = order.market
    return DryRunTaking(
        quantity=market.units.quantity_text(taking.lots),
        quote_amount=market.units.quote_text(taking.quote_units),
        average_price=market.units.price_text(_average(market, order.side, taking)),
        worst_price=market.units.price_text(taking.worst_price),
        fee=AssetAmount(asset=receives, amount=market.units.amount_text(taking.fee, receives)),
    )


def _average(market: Market, side: Side, taking: Taking) -> Ticks:
    """Return the average price, to the tick that is worse for the order."""
    ticks, rest = divmod(taking.quote_units, taking.lots * market.units.tick_units)
    return Ticks(ticks + (rest > 0 and side is Side.BUY))
