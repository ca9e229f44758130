"""From a request to the engine's command, or to a refusal before anything is sent."""

from dataclasses import dataclass

from bursa.dialects.native.requests import OrderRequest
from bursa.kernel.errors import InvalidInput, Refused
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.kernel.markets import Market
from wire import codec
from wire import layout as w
from wire.events import Order, OrderConditions

_SIDES = {name: value for value, name in w.SIDE_NAMES.items()}
_TYPES = {name: value for value, name in w.TYPE_NAMES.items()}
_TIMES_IN_FORCE = {name: value for value, name in w.TIF_NAMES.items()}
_SELF_TRADE_PREVENTIONS = {name: value for value, name in w.STP_NAMES.items()}
_FLAGS_MASK = (1 << w.FLAGS_BITS) - 1


@dataclass(frozen=True, slots=True)
class PreparedOrder:
    """An order in the engine's units, within all that its market's definition demands."""

    market: Market
    side: int
    order_type: int
    time_in_force: int
    post_only: bool
    self_trade_prevention: int
    price: int
    quantity: int
    quote_amount: int
    client_order_id: str | None

    def encode(self, account: AccountId, command_id: CommandId, now_ms: int) -> bytes:
        """Write the command."""
        return codec.encode_place(
            account.number,
            self.market.number,
            self.side,
            self.price,
            self.quantity,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            post_only=self.post_only,
            stp=self.self_trade_prevention,
            quote_amount=self.quote_amount,
            command_id=(command_id.high, command_id.low),
            time_ms=now_ms,
        )

    def is_same_as(self, order: Order, terms: OrderConditions | None) -> bool:
        """Tell whether the engine's order is this one; for requests that come twice."""
        own_flags = w.pack_flags(
            self.side,
            self.order_type,
            self.time_in_force,
            post_only=self.post_only,
            stp=self.self_trade_prevention,
        )
        return (
            order.market == self.market.number
            and order.flags & _FLAGS_MASK == own_flags
            and order.price == self.price
            # What a buy by quote amount got is the quantity that its order ends with.
            and (order.quantity == self.quantity or self.quote_amount > 0)
            and (terms.quote_amount if terms else 0) == self.quote_amount
        )


def prepare_order(request: OrderRequest, market: Market) -> PreparedOrder:
    """Check an order against its market and convert it.

    Raises
    ------
    InvalidInput
        ``missing_<field>``, ``<field>_not_allowed``, ``invalid_time_in_force``,
        ``invalid_post_only``, and what `Market.price_ticks`, `Market.quantity_lots` and
        `MarketUnits.quote_units` raise.
    Refused
        ``notional_too_small``, ``notional_too_large``: as the engine would.

    """
    _require_fitting_fields(request)
    limit = request.type == "limit"
    price = market.price_ticks(_given(request.price, "price")) if limit else 0
    if request.quote_amount is None:
        lots = market.quantity_lots(_given(request.quantity, "quantity"))
        spend = 0
        value = market.units.notional(price, lots)
    else:
        lots = 0
        value = spend = market.units.quote_units(request.quote_amount)
    if limit or spend:
        market.require_notional(value, "quantity" if limit else "quote_amount")
    if value > w.AMOUNT_MAX:
        raise Refused("notional_too_large", "Send a smaller order.", field="quantity")
    return PreparedOrder(
        market=market,
        side=_SIDES[request.side],
        order_type=_TYPES[request.type],
        time_in_force=_TIMES_IN_FORCE[request.time_in_force or ("gtc" if limit else "ioc")],
        post_only=request.post_only,
        self_trade_prevention=_SELF_TRADE_PREVENTIONS[request.self_trade_prevention],
        price=price,
        quantity=lots,
        quote_amount=spend,
        client_order_id=request.client_order_id,
    )


def _given(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidInput(f"missing_{field}", f"Send {field} with this order.", field=field)
    return value


def _require_fitting_fields(request: OrderRequest) -> None:
    """Refuse fields that contradict each other."""
    market_order = request.type == "market"
    if market_order and request.price is not None:
        _refuse("price_not_allowed", "price", "Leave price out of a market order.")
    if market_order and request.time_in_force == "gtc":
        _refuse("invalid_time_in_force", "time_in_force", "Send ioc or fok with a market order.")
    if request.post_only and (market_order or request.time_in_force in ("ioc", "fok")):
        _refuse("invalid_post_only", "post_only", "Send post_only with gtc limit orders only.")
    if request.quote_amount is not None:
        if not market_order or request.side != "buy":
            _refuse(
                "quote_amount_not_allowed",
                "quote_amount",
                "Send quote_amount with market buys only; use quantity.",
            )
        if request.quantity is not None:
            _refuse("quantity_not_allowed", "quantity", "Send either quantity or quote_amount.")


def _refuse(code: str, field: str, detail: str) -> None:
    raise InvalidInput(code, detail, field=field)
