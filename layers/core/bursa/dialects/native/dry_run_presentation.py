"""Dry runs in the native form."""

from collections.abc import Mapping, Sequence
from typing import Final

from bursa.dialects.native.dry_run_responses import (
    AssetAmount,
    DryRunBatch,
    DryRunFees,
    DryRunList,
    DryRunListOrder,
    DryRunNotTold,
    DryRunOperation,
    DryRunRefusal,
    DryRunResult,
    DryRunTaking,
    NearestValue,
)
from bursa.dialects.native.outcome_presentation import OPERATIONS, closed, operation_error
from bursa.dialects.native.problems import detail_of
from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.refusals import refusal
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError
from bursa.kernel.markets import Market
from bursa.trading.commands import Batch, Operation, PlaceOrder
from bursa.trading.dry_run_batches import Assessed, Cancelled, NotTold, Told
from bursa.trading.dry_run_lists import ListAssessment
from bursa.trading.dry_run_rules import Assessment, MarketView, Taking
from bursa.trading.order_lists import PlaceList, field_of
from bursa.trading.orders import Side
from bursa.trading.outcomes import OrderAlreadyClosed, OrderRejected
from wire import layout as w

_NOT_TOLD: Final[Mapping[NotTold, str]] = {
    NotTold.AFTER_ANOTHER: "An operation before it is not told; send those before this one first.",
    NotTold.OWN_ORDER: "It may meet or trigger an order of your own; send what is before it first.",
    NotTold.PRICE_PROTECTION: "It would trade so far from the reference price that an auction may"
    " start.",
    NotTold.REPEATED_ID: "An operation before it has its client_order_id; send another with it.",
}
_EXIT_TRADES: Final = DryRunNotTold(
    code="exit_trades",
    detail="Its entry would trade at once, and an exit then may, too, or an auction may start.",
)


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


def refused_list(error: BursaError) -> DryRunList:
    """Return what would become of a list that would not even be sent."""
    refused = DryRunRefusal(
        code=error.code, detail=detail_of(error), field=error.field, nearest=None
    )
    return DryRunList(accepted=False, refusal=refused, orders=[])


def dry_run_list(wanted: PlaceList, found: ListAssessment, view: MarketView) -> DryRunList:
    """Return what would become of a list that would be sent."""
    refused = None
    if found.reason != w.REASON_ACCEPTED:
        error = list_refusal(wanted, found.reason, found.position)
        at = None if found.position is None else found.orders[found.position]
        refused = _refusal(error, at, wanted.last.market)
    orders = []
    for field, order, assessment in zip(wanted.fields, wanted.orders, found.orders, strict=True):
        told = DryRunListOrder(order=field)
        if assessment is None:
            told["not_told"] = _EXIT_TRADES
        else:
            told["dry_run"] = dry_run_result(order, assessment, view, None)
        orders.append(told)
    return DryRunList(accepted=refused is None, refusal=refused, orders=orders)


def list_refusal(wanted: PlaceList, reason: int, position: int | None) -> BursaError:
    """Return the error for a list that the engine rejects, about the order at a position if any."""
    error = refusal(reason, wanted.last.market)
    error.field = None if position is None else field_of(wanted.fields[position], error)
    return error


def dry_run_batch(batch: Batch, told: Sequence[Told], ids: TenantIds) -> DryRunBatch:
    """Return what would become of each operation of a batch."""
    pairs = zip(batch.operations, told, strict=True)
    return DryRunBatch(results=[_operation(index, *pair, ids) for index, pair in enumerate(pairs)])


def _operation(index: int, operation: Operation, told: Told, ids: TenantIds) -> DryRunOperation:
    result = DryRunOperation(index=index, op=OPERATIONS[type(operation)])
    match told:
        case Assessed():
            result["dry_run"] = dry_run_result(told.order, told.assessment, told.view, None)
        case Cancelled():
            result["available_again"] = _available_again(told)
        case OrderAlreadyClosed():
            result["error"] = operation_error(closed(ids.order(told.order_id), "change"))
        case OrderRejected():
            result["error"] = operation_error(refusal(told.reason))
        case NotTold():
            result["not_told"] = DryRunNotTold(code=told.value, detail=_NOT_TOLD[told])
    return result


def _available_again(told: Cancelled) -> AssetAmount | None:
    if told.amount is None:
        return None
    units = told.market.units
    return AssetAmount(asset=told.asset, amount=units.amount_text(told.amount, told.asset))


def _refusal(error: BursaError, found: Assessment | None, market: Market) -> DryRunRefusal:
    nearest = None
    # What refuses it before it is sent may be another rule than the engine's first.
    if found and found.nearest is not None and error.code == w.REASON_NAMES[found.reason]:
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
