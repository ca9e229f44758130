"""From a request's shape to the typed command: decimals become ticks, lots and units here."""

from bursa.dialects.native.requests import (
    BatchRequest,
    CancelOperation,
    OrderRequest,
    PlaceOperation,
    read_order_id,
)
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError, InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.trading.batch import operation_field
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.commands import Batch, CancelOrder, Operation, PlaceOrder
from bursa.trading.order_checks import check_combination
from bursa.trading.orders import (
    Conditions,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)


def read_order(request: OrderRequest, catalogue: MarketCatalogue, tenant: TenantId) -> PlaceOrder:
    """Return the command that a request asks for.

    Raises
    ------
    NotFound
        ``unknown_market``.
    InvalidInput
        ``missing_<field>``, and what `check_combination`, `Market.price_ticks`,
        `Market.quantity_lots` and `MarketUnits.quote_units` raise.

    """
    market = named_market(catalogue, tenant, request.market)
    side, order_type = Side.from_word(request.side), OrderType.from_word(request.type)
    wanted = request.time_in_force
    time_in_force = None if wanted is None else TimeInForce.from_word(wanted)
    check_combination(
        side,
        order_type,
        time_in_force,
        post_only=request.post_only,
        given={name for name, value in request if value is not None},
    )
    limit = order_type is OrderType.LIMIT
    price = market.price_ticks(_given(request.price, "price")) if limit else Ticks(0)
    quantity, quote_amount = Lots(0), Units(0)
    if request.quote_amount is None:
        quantity = market.quantity_lots(_given(request.quantity, "quantity"))
    else:
        quote_amount = market.units.quote_units(request.quote_amount)
    return PlaceOrder(
        market=market,
        side=side,
        type=order_type,
        time_in_force=time_in_force or (TimeInForce.GTC if limit else TimeInForce.IOC),
        price=price,
        quantity=quantity,
        conditions=Conditions(quote_amount=quote_amount),
        post_only=request.post_only,
        self_trade_prevention=SelfTradePrevention.from_word(request.self_trade_prevention),
        client_order_id=request.client_order_id,
    )


def read_cancel(request: CancelOperation) -> CancelOrder:
    """Return the command of a cancel in a batch.

    Raises
    ------
    InvalidInput
        ``missing_order_id``, ``two_order_ids``, ``invalid_order_id``.

    """
    if request.order_id is None:
        if request.client_order_id is None:
            raise InvalidInput(
                "missing_order_id", "Send order_id or client_order_id.", field="order_id"
            )
        return CancelOrder(client_order_id=request.client_order_id)
    if request.client_order_id is not None:
        raise InvalidInput(
            "two_order_ids", "Send either order_id or client_order_id.", field="order_id"
        )
    return CancelOrder(order_id=read_order_id(request.order_id))


def read_batch(request: BatchRequest, catalogue: MarketCatalogue, tenant: TenantId) -> Batch:
    """Return the command of a batch; raises as `read_order` and `read_cancel` do.

    The error's field names the operation, as ``operations[<index>].<field>``.
    """
    return Batch(
        tuple(
            _operation(index, operation, catalogue, tenant)
            for index, operation in enumerate(request.operations)
        )
    )


def _operation(
    index: int,
    request: PlaceOperation | CancelOperation,
    catalogue: MarketCatalogue,
    tenant: TenantId,
) -> Operation:
    try:
        if isinstance(request, CancelOperation):
            return read_cancel(request)
        return read_order(request, catalogue, tenant)
    except BursaError as error:
        error.field = operation_field(index, error)
        raise


def _given(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidInput(f"missing_{field}", f"Send {field} with this order.", field=field)
    return value
