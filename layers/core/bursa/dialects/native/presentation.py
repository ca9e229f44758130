"""Outcomes, orders, fills, balances and trades in the native form: decimal strings, text ids."""

from collections.abc import Sequence
from typing import NamedTuple

from bursa.dialects.native.problems import detail_of
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.responses import (
    Balance,
    BatchResults,
    CancelledOrders,
    Fill,
    OperationError,
    OperationResult,
    Order,
    OrderState,
    PendingOrder,
    PlacedOrder,
    PublicTrade,
)
from bursa.intake.submission import Pending
from bursa.kernel.amounts import format_units
from bursa.kernel.errors import BursaError
from bursa.kernel.markets import Market
from bursa.read_models.rows import BalanceRow, FillRow, TradeRow
from bursa.trading import outcomes as trading
from bursa.trading.commands import Batch, Operation, PlaceOrder
from bursa.trading.orders import CloseReason, OrderView
from bursa.trading.outcomes import (
    OperationFailed,
    OperationOutcome,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrdersCancelled,
)

ORDERS_PATH = "/v1/orders"


class PendingResponse(NamedTuple):
    """What a client gets that can't or won't wait.

    ``location`` is where the order will be readable; None when only a repeat can tell.
    """

    body: PendingOrder
    location: str | None


# --- orders ---------------------------------------------------------------------------------------


def present_order(order: OrderView) -> Order:
    """Return an order with all that is known of it; what does not apply is null."""
    return Order(
        **present_order_state(order),
        client_order_id=order.client_order_id,
        created_at_ms=order.created_at_ms,
    )


def present_order_state(order: OrderView) -> OrderState:
    """Return an order without what only its beginning tells."""
    units = order.market.units
    closed = order.close_reason is not CloseReason.NONE
    return OrderState(
        order_id=str(order.order_id),
        market=units.symbol,
        side=order.side.word,
        type=order.type.word,
        time_in_force=order.time_in_force.word,
        post_only=order.post_only,
        self_trade_prevention=order.self_trade_prevention.word,
        price=None if order.price is None else units.price_text(order.price),
        quantity=None if order.quantity is None else units.quantity_text(order.quantity),
        quote_amount=None if order.quote_amount is None else units.quote_text(order.quote_amount),
        filled_quantity=units.quantity_text(order.filled_quantity),
        remaining_quantity=units.quantity_text(order.remaining_quantity),
        filled_quote=units.quote_text(order.filled_quote),
        status=order.status.word,
        close_reason=order.close_reason.word if closed else None,
        updated_at_ms=order.updated_at_ms,
        sequence=order.sequence,
    )


def placed_order(outcome: OrderPlaced) -> PlacedOrder:
    """Return a new order with the first of what it traded at once."""
    market = outcome.order.market
    return PlacedOrder(
        **present_order(outcome.order),
        fills=[fill_from_row(fill, market) for fill in outcome.fills],
    )


def cancelled_orders(outcome: OrdersCancelled) -> CancelledOrders:
    """Return how many orders were closed, and which."""
    return CancelledOrders(
        cancelled=outcome.count,
        order_ids=[str(order_id) for order_id in outcome.order_ids],
        sequence=outcome.sequence,
    )


def batch_results(batch: Batch, outcomes: Sequence[OperationOutcome]) -> BatchResults:
    """Return one result an operation."""
    pairs = zip(batch.operations, outcomes, strict=True)
    return BatchResults(results=[_result(index, *pair) for index, pair in enumerate(pairs)])


def _result(index: int, operation: Operation, outcome: OperationOutcome) -> OperationResult:
    result = OperationResult(
        index=index, op="place" if isinstance(operation, PlaceOrder) else "cancel"
    )
    match outcome:
        case OrderPlaced():
            result["order"] = placed_order(outcome)
        case OrderCancelled():
            result["order"] = present_order_state(outcome.order)
        case OrderRejected():
            result["error"] = _operation_error(refusal(outcome.reason))
        case OperationFailed():
            result["error"] = _operation_error(outcome.error)
    return result


def _operation_error(error: BursaError) -> OperationError:
    return OperationError(code=error.code, detail=detail_of(error))


def pending_response(pending: Pending) -> PendingResponse:
    """Return how to ask again for what is not decided yet."""
    body = PendingOrder(
        status="pending",
        detail="Repeat this request with the header Idempotency-Key to get its answer; "
        "it is never carried out twice.",
    )
    location = None
    if isinstance(pending, trading.PendingOrder):
        location = _order_location(pending)
        body["location"] = location
        body["detail"] = f"Ask GET {location} for the order."
        if pending.client_order_id is not None:
            body["detail"] = f"Ask GET {location} for the order, or repeat this request."
            body["client_order_id"] = pending.client_order_id
        else:
            body["order_id"] = str(pending.order_id)
    if pending.request_key is not None:
        body["idempotency_key"] = pending.request_key
    return PendingResponse(body, location)


def _order_location(pending: trading.PendingOrder) -> str:
    if pending.client_order_id is not None:
        return f"{ORDERS_PATH}/by-client-id/{pending.client_order_id}"
    return f"{ORDERS_PATH}/{pending.order_id}"


# --- fills, balances, trades ----------------------------------------------------------------------


def fill_from_row(row: FillRow, market: Market) -> Fill:
    """Return the account's side of a trade."""
    units = market.units
    return Fill(
        trade_id=str(row.trade_id),
        order_id=str(row.order_id),
        market=row.market,
        side=row.side,
        role=row.role,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        fee=units.amount_text(row.fee, row.fee_asset),
        fee_asset=row.fee_asset,
        time_ms=row.time_ms,
        sequence=row.sequence,
    )


def balance_from_row(row: BalanceRow, scale: int) -> Balance:
    """Return a balance; `scale` is the asset's."""
    return Balance(
        asset=row.asset,
        available=format_units(row.available, scale),
        held=format_units(row.held, scale),
        total=format_units(row.available + row.held, scale),
        updated_at_ms=row.updated_at_ms,
        sequence=row.sequence,
    )


def trade_from_row(row: TradeRow, market: Market) -> PublicTrade:
    """Return a public trade."""
    units = market.units
    return PublicTrade(
        trade_id=str(row.trade_id),
        market=row.market,
        price=units.price_text(row.price),
        quantity=units.quantity_text(row.quantity),
        quote_amount=units.quote_text(row.quote_amount),
        side=row.taker_side,
        time_ms=row.time_ms,
        sequence=row.sequence,
    )
