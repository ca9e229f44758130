"""From a request's shape to the typed command: decimals become ticks, lots and units here."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.requests import (
    AmendOperation,
    BatchRequest,
    CancelAllAfterRequest,
    CancelOperation,
    ChangeRequest,
    OrderListRequest,
    OrderRequest,
    PlaceOperation,
    ReplaceOperation,
)
from bursa.dialects.native.requests import Operation as OperationRequest
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError, InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.trading.batch import operation_field
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.commands import (
    AmendOrder,
    Batch,
    CancelAllAfter,
    CancelOrder,
    Operation,
    OrderChange,
    PlaceOrder,
    ReplaceOrder,
)
from bursa.trading.order_checks import check_combination, default_time_in_force
from bursa.trading.order_lists import PlaceList, field_of
from bursa.trading.orders import (
    MARKETABLE,
    STOPS,
    TRAILING,
    Conditions,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from wire import layout as w

# The conditions that clients know by another name.
_CONDITIONS = {"expires_at_ms": "expire_ms", "trail_amount": "trail", "trail_ppm": "trail"}


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
        given={_CONDITIONS.get(name, name) for name, value in request if value is not None},
    )
    quantity = Lots(0)
    if request.quote_amount is None:
        quantity = market.quantity_lots(_given(request.quantity, "quantity"))
    return PlaceOrder(
        market=market,
        side=side,
        type=order_type,
        time_in_force=time_in_force or default_time_in_force(order_type),
        price=_price(market, request, order_type),
        quantity=quantity,
        conditions=_conditions(market, request, order_type),
        post_only=request.post_only,
        self_trade_prevention=SelfTradePrevention.from_word(request.self_trade_prevention),
        client_order_id=request.client_order_id,
    )


def _price(market: Market, request: OrderRequest, order_type: OrderType) -> Ticks:
    if request.price is None and (order_type in MARKETABLE or request.limit_offset is not None):
        return Ticks(0)
    return market.price_ticks(_given(request.price, "price"))


def _conditions(market: Market, request: OrderRequest, order_type: OrderType) -> Conditions:
    quote_amount, trigger_price, display_quantity = Units(0), Ticks(0), Lots(0)
    limit_offset, activation_price = (
        Ticks(0) if text is None else market.price_ticks(text, field)
        for text, field in (
            (request.limit_offset, "limit_offset"),
            (request.activation_price, "activation_price"),
        )
    )
    if request.quote_amount is not None:
        quote_amount = market.units.quote_units(request.quote_amount)
    if order_type in STOPS and order_type not in TRAILING:
        wanted = _given(request.trigger_price, "trigger_price")
        trigger_price = market.price_ticks(wanted, "trigger_price")
    if request.display_quantity is not None:
        display_quantity = market.quantity_lots(request.display_quantity, "display_quantity")
    return Conditions(
        quote_amount,
        trigger_price,
        display_quantity,
        read_expiry(request.expires_at_ms),
        read_trail(request.trail_amount, request.trail_ppm, market),
        limit_offset,
        activation_price,
    )


def read_trail(amount: str | None, ppm: int | None, market: Market) -> int:
    """Return a trail as `Conditions` has it, 0 for none.

    Raises
    ------
    InvalidInput
        ``two_trails``, ``invalid_trail_ppm``, and what `Market.price_ticks` raises.

    """
    if ppm is None:
        return 0 if amount is None else market.price_ticks(amount, "trail_amount")
    if amount is not None:
        raise InvalidInput(
            "two_trails", "Send either trail_amount or trail_ppm.", field="trail_ppm"
        )
    if not 0 < ppm <= w.TRAIL_PPM_MAX:
        nearest = min(max(ppm, 1), w.TRAIL_PPM_MAX)
        raise InvalidInput(
            "invalid_trail_ppm",
            f"Send trail_ppm as a whole number from 1 to {w.TRAIL_PPM_MAX}: {nearest}.",
            field="trail_ppm",
        )
    return w.TRAIL_PPM + ppm


def read_expiry(expires_at_ms: int | None) -> int:
    """Return an order's expiry, 0 for none; raises `InvalidInput` ``invalid_expires_at_ms``."""
    if expires_at_ms is None:
        return 0
    if not 0 < expires_at_ms <= w.TIME_MS_MAX:
        raise InvalidInput(
            "invalid_expires_at_ms",
            "Send expires_at_ms as a time to come, in milliseconds since 1970 (UTC).",
            field="expires_at_ms",
        )
    return expires_at_ms


def read_change(request: ChangeRequest, market: Market) -> OrderChange:
    """Return what a request changes of an order in a market.

    Raises
    ------
    InvalidInput
        What `Market.price_ticks` and `Market.quantity_lots` raise.

    """
    price, trigger_price = (
        Ticks(0) if text is None else market.price_ticks(text, field)
        for text, field in ((request.price, "price"), (request.trigger_price, "trigger_price"))
    )
    quantity, display_quantity = (
        Lots(0) if text is None else market.quantity_lots(text, field)
        for text, field in (
            (request.quantity, "quantity"),
            (request.display_quantity, "display_quantity"),
        )
    )
    trail = read_trail(request.trail_amount, request.trail_ppm, market)
    return OrderChange(price, quantity, trigger_price, display_quantity, trail)


def read_amendment(request: ChangeRequest, order: OrderView) -> AmendOrder:
    """Return the command that amends an order.

    Raises
    ------
    InvalidInput
        ``nothing_to_change``, and what `read_change` raises.

    """
    change = read_change(request, order.market)
    if change == OrderChange():
        raise InvalidInput(
            "nothing_to_change",
            "Send at least one of price, quantity, trigger_price, display_quantity,"
            " trail_amount and trail_ppm.",
        )
    return AmendOrder(order, change)


def read_countdown(request: CancelAllAfterRequest) -> CancelAllAfter:
    """Return the command of a countdown; raises `InvalidInput` ``invalid_timeout_ms``."""
    if not 0 <= request.timeout_ms <= w.TIMEOUT_MS_MAX:
        raise InvalidInput(
            "invalid_timeout_ms",
            f"Send timeout_ms as a whole number from 0 to {w.TIMEOUT_MS_MAX}.",
            field="timeout_ms",
        )
    return CancelAllAfter(request.timeout_ms)


class OrderName(NamedTuple):
    """What a request calls an order: exactly one of its two ids."""

    order_id: int | None
    client_order_id: str | None


# Returns an order of the caller's by a name; raises `NotFound`.
FindOrder: TypeAlias = Callable[[OrderName], OrderView]


def read_name(
    order_id: str | None,
    client_order_id: str | None,
    ids: TenantIds,
    other: str = "client_order_id",
) -> OrderName:
    """Return the name of an order in an operation of a batch.

    Raises
    ------
    InvalidInput
        ``missing_order_id``, ``two_order_ids``, ``invalid_order_id``.

    """
    if order_id is None:
        if client_order_id is None:
            raise InvalidInput("missing_order_id", f"Send order_id or {other}.", field="order_id")
        return OrderName(None, client_order_id)
    if client_order_id is not None:
        raise InvalidInput("two_order_ids", f"Send either order_id or {other}.", field="order_id")
    return OrderName(ids.read_order(order_id), None)


def changes_in(request: BatchRequest) -> int:
    """Return how many orders have to be looked up for a batch: those that it changes."""
    return sum(isinstance(one, AmendOperation | ReplaceOperation) for one in request.operations)


def read_batch(
    request: BatchRequest,
    catalogue: MarketCatalogue,
    tenant: TenantId,
    ids: TenantIds,
    find: FindOrder,
) -> Batch:
    """Return the command of a batch.

    Raises what `read_order`, `read_name`, `read_change` and ``find`` raise; the error's field names
    the operation, as ``operations[<index>].<field>``.
    """

    def read(operation: OperationRequest) -> Operation:
        match operation:
            case PlaceOperation():
                return read_order(operation, catalogue, tenant)
            case CancelOperation():
                return CancelOrder(*read_name(operation.order_id, operation.client_order_id, ids))
            case AmendOperation():
                name = read_name(operation.order_id, operation.client_order_id, ids)
                return read_amendment(operation, find(name))
            case ReplaceOperation():
                other = "replaced_client_order_id"
                name = read_name(operation.order_id, getattr(operation, other), ids, other)
                order, new_id = find(name), operation.client_order_id
                return ReplaceOrder(order, read_change(operation, order.market), new_id)

    operations = []
    for index, operation in enumerate(request.operations):
        try:
            operations.append(read(operation))
        except BursaError as error:
            error.field = operation_field(index, error)
            raise
    return Batch(tuple(operations))


def read_list(request: OrderListRequest, catalogue: MarketCatalogue, tenant: TenantId) -> PlaceList:
    """Return the command of a list.

    Raises what `read_order` raises, the error's field names the order; and `InvalidInput`
    ``missing_<field>``, ``<field>_not_allowed``, ``wrong_number_of_orders``.
    """

    def read(order: OrderRequest, field: str) -> PlaceOrder:
        try:
            return read_order(order, catalogue, tenant)
        except BursaError as error:
            error.field = field_of(field, error)
            raise

    is_bracket = request.type == "bracket"
    name = "exits" if is_bracket else "orders"
    for field in ("entry", "exits", "orders"):
        is_wanted = (field != "orders") is is_bracket
        if is_wanted and getattr(request, field) is None:
            raise InvalidInput(f"missing_{field}", f"Send {field} with this list.", field=field)
        if not is_wanted and getattr(request, field) is not None:
            detail = f"Leave {field} out of a list of type {request.type}."
            raise InvalidInput(f"{field}_not_allowed", detail, field=field)
    pair = getattr(request, name)
    if len(pair) != w.STAGED_MAX:
        raise InvalidInput("wrong_number_of_orders", f"Send two orders in {name}.", field=name)
    first, second = (read(order, f"{name}[{at}]") for at, order in enumerate(pair))
    entry = None if request.entry is None else read(request.entry, "entry")
    return PlaceList((first, second), entry)


def _given(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidInput(f"missing_{field}", f"Send {field} with this order.", field=field)
    return value
