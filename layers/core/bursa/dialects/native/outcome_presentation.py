"""Outcomes in the native form; apart, because only who trades needs the use cases' words."""

from collections.abc import Sequence

from bursa.dialects.native.order_presentation import present_order, present_order_state
from bursa.dialects.native.problems import detail_of
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.responses import (
    BatchResults,
    CancelledOrders,
    OperationError,
    OperationResult,
    PendingOrder,
    PendingResponse,
    PlacedOrder,
)
from bursa.dialects.native.row_presentation import fill_from_row
from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError
from bursa.trading import outcomes as trading
from bursa.trading.commands import Batch, Operation, PlaceOrder
from bursa.trading.outcomes import (
    OperationFailed,
    OperationOutcome,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrdersCancelled,
)

ORDERS_PATH = "/v1/orders"


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
        detail="Repeat this request with the header Idempotency-Key to get its response; "
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
