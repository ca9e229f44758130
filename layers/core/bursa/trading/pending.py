"""What a client gets who can't or won't wait: how to ask again."""

from dataclasses import dataclass

from bursa.dialects.native.responses import PendingOrder
from bursa.intake.submission import RequestIdentity

ORDERS_PATH = "/v1/orders"


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted for delivery and not decided yet.

    Attributes
    ----------
    body
        What the client is told.
    location
        Where the order will be readable; None when only a repeat can tell.

    """

    body: PendingOrder
    location: str | None = None


def pending_order(identity: RequestIdentity, client_order_id: str | None) -> Pending:
    """Say how to ask for an order that was placed."""
    if client_order_id is None:
        return pending_request(identity)
    location = f"{ORDERS_PATH}/by-client-id/{client_order_id}"
    return Pending(
        PendingOrder(
            status="pending",
            detail=f"Ask GET {location} for the order, or repeat this request.",
            client_order_id=client_order_id,
            location=location,
        ),
        location,
    )


def pending_cancel(identity: RequestIdentity, order_id: str) -> Pending:
    """Say how to ask for an order that is to be cancelled."""
    location = f"{ORDERS_PATH}/{order_id}"
    body = PendingOrder(
        status="pending",
        detail=f"Ask GET {location} for the order.",
        order_id=order_id,
        location=location,
    )
    if identity.idempotency_key is not None:
        body["idempotency_key"] = identity.idempotency_key
    return Pending(body, location)


def pending_request(identity: RequestIdentity) -> Pending:
    """Say how to ask for the answer of a request that has no place of its own."""
    body = PendingOrder(
        status="pending",
        detail="Repeat this request with the header Idempotency-Key to get its answer; "
        "it is never carried out twice.",
    )
    if identity.idempotency_key is not None:
        body["idempotency_key"] = identity.idempotency_key
    return Pending(body)
