"""Outcomes in the native form; apart, because only who trades needs the use cases' words."""

from collections.abc import Sequence

from bursa.dialects.native.order_presentation import present_order, present_order_state
from bursa.dialects.native.problems import detail_of
from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.responses import (
    BatchResults,
    CancelledOrders,
    Countdown,
    OperationError,
    OperationResult,
    PendingOrder,
    PendingResponse,
    PlacedOrder,
    ReplacedOrder,
)
from bursa.dialects.native.row_presentation import fill_from_row
from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError, Conflict
from bursa.kernel.markets import Market
from bursa.trading import outcomes as trading
from bursa.trading.commands import (
    AmendOrder,
    Batch,
    CancelOrder,
    Operation,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.outcomes import (
    OperationFailed,
    OperationOutcome,
    OrderAlreadyClosed,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrdersCancelled,
)

ORDERS_PATH = "/v1/orders"
OPERATIONS = {
    PlaceOrder: "place",
    AmendOrder: "amend",
    ReplaceOrder: "replace",
    CancelOrder: "cancel",
}


def placed_order(outcome: OrderPlaced, ids: TenantIds) -> PlacedOrder:
    """Return a new order with the first of what it traded at once."""
    market = outcome.order.market
    return PlacedOrder(
        **present_order(outcome.order, ids),
        fills=[fill_from_row(fill, market, ids) for fill in outcome.fills],
    )


def replaced_order(outcome: OrderPlaced, replaced: int, ids: TenantIds) -> ReplacedOrder:
    """Return a new order with what it traded at once, and the one that it replaces."""
    return ReplacedOrder(**placed_order(outcome, ids), replaced_order_id=ids.order(replaced))


def countdown(outcome: trading.Countdown) -> Countdown:
    """Return when the orders end."""
    return Countdown(cancels_at_ms=outcome.ends_at_ms, sequence=outcome.time_ms)


def cancelled_orders(outcome: OrdersCancelled, ids: TenantIds) -> CancelledOrders:
    """Return how many orders were closed, and which."""
    return CancelledOrders(
        cancelled=outcome.count,
        order_ids=[ids.order(order_id) for order_id in outcome.order_ids],
        sequence=outcome.time_ms,
    )


def batch_results(
    batch: Batch, outcomes: Sequence[OperationOutcome], ids: TenantIds
) -> BatchResults:
    """Return one result an operation."""
    pairs = zip(batch.operations, outcomes, strict=True)
    return BatchResults(results=[_result(index, *pair, ids) for index, pair in enumerate(pairs)])


def _result(
    index: int, operation: Operation, outcome: OperationOutcome, ids: TenantIds
) -> OperationResult:
    result = OperationResult(index=index, op=OPERATIONS[type(operation)])
    match outcome:
        case OrderPlaced() if isinstance(operation, ReplaceOrder):
            result["order"] = replaced_order(outcome, operation.order.order_id, ids)
        case OrderPlaced():
            result["order"] = placed_order(outcome, ids)
        case OrderCancelled():
            result["order"] = present_order_state(outcome.order, ids)
        case OrderRejected():
            result["error"] = operation_error(refusal(outcome.reason, _market(operation)))
        case OrderAlreadyClosed():
            result["error"] = operation_error(closed(ids.order(outcome.order_id), "change"))
        case OperationFailed():
            result["error"] = operation_error(outcome.error)
    return result


def _market(operation: Operation) -> Market | None:
    match operation:
        case CancelOrder():
            return None
        case AmendOrder():
            return operation.order.market
        case new:
            return new.market


def closed(order_id: str, what: str) -> Conflict:
    """Return the error for an order that is closed already; ``what`` was to be done to it."""
    return Conflict("order_closed", f"Nothing is left to {what}; see GET {ORDERS_PATH}/{order_id}.")


def operation_error(error: BursaError) -> OperationError:
    """Return why one operation of a batch failed."""
    return OperationError(code=error.code, detail=detail_of(error))


def pending_response(pending: Pending, ids: TenantIds) -> PendingResponse:
    """Return how to ask again for what is not decided yet."""
    body = PendingOrder(
        status="pending",
        detail="Repeat this request with the header Idempotency-Key to get its response; "
        "it is never carried out twice.",
    )
    location = None
    if isinstance(pending, trading.PendingOrder):
        location = _order_location(pending, ids)
        body["location"] = location
        body["detail"] = f"Ask GET {location} for the order."
        if pending.client_order_id is not None:
            body["detail"] = f"Ask GET {location} for the order, or repeat this request."
            body["client_order_id"] = pending.client_order_id
        else:
            body["order_id"] = ids.order(pending.order_id or 0)
    if pending.request_key is not None:
        body["idempotency_key"] = pending.request_key
    return PendingResponse(body, location)


def _order_location(pending: trading.PendingOrder, ids: TenantIds) -> str:
    if pending.client_order_id is not None:
        return f"{ORDERS_PATH}/by-client-id/{pending.client_order_id}"
    return f"{ORDERS_PATH}/{ids.order(pending.order_id or 0)}"
