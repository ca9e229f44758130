"""Endpoints that place, change and cancel orders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.binance import client_order_ids as ids
from bursa.dialects.binance import order_presentation as present
from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Json
from bursa.dialects.binance.client_order_ids import ClientOrderIds
from bursa.dialects.binance.decimals import ZERO
from bursa.dialects.binance.errors import (
    BAD_REQUEST,
    NO_SUCH_ORDER,
    PARTLY_DONE,
    TIMED_OUT,
    UNKNOWN_ORDER,
    BinanceError,
    error,
    error_of,
)
from bursa.dialects.binance.fee_presentation import commission_rates
from bursa.dialects.binance.ids import NUMBER_MAX, order_id_of, order_number
from bursa.dialects.binance.orders import NEW_ORDER, read_order
from bursa.dialects.binance.parameters import Parameters, known
from bursa.dialects.binance.rejections import rejection
from bursa.dialects.binance.symbols import Symbols
from bursa.fees.queries import FeeQueries
from bursa.identity.principal import Scope
from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError, NotFound, TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.trading.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    OrderChange,
    PlaceOrder,
)
from bursa.trading.order_checks import check_order
from bursa.trading.orders import OrderType, OrderView
from bursa.trading.outcomes import OrderAlreadyClosed, OrderPlaced, OrderRejected, OrdersCancelled
from bursa.trading.use_cases import TradingUseCases
from wire import layout as w

_ORDER_NAMES: Final = known(("symbol", "orderId", "origClientOrderId"))
_CANCEL_NAMES: Final = known(_ORDER_NAMES, ("newClientOrderId",))
_CANCEL_OF_REPLACE: Final[Mapping[str, str]] = {
    "symbol": "symbol",
    "cancelOrderId": "orderId",
    "cancelOrigClientOrderId": "origClientOrderId",
    "cancelNewClientOrderId": "newClientOrderId",
}
_REPLACE_NAMES: Final = known(NEW_ORDER, _CANCEL_OF_REPLACE, ("cancelReplaceMode",))
_MODES: Final = {"STOP_ON_FAILURE": True, "ALLOW_FAILURE": False}
_RESPONSES: Final = {one: one for one in ("ACK", "RESULT", "FULL")}
_SHOWN_WHOLE: Final = frozenset({OrderType.LIMIT, OrderType.MARKET})
_AMEND_INVALID: Final = "Invalid newQty: it must be less than the order's quantity."


class TradingRoutes:
    """What changes an account's orders.

    Parameters
    ----------
    random_key
        Makes ids for orders whose clients have sent none.

    """

    def __init__(  # noqa: PLR0917 - one for each thing that is asked
        self,
        use_cases: TradingUseCases,
        symbols: Symbols,
        client_ids: ClientOrderIds,
        require_level: LevelCheck,
        random_key: Callable[[], str],
        fees: FeeQueries,
    ) -> None:
        self._use_cases = use_cases
        self._symbols = symbols
        self._client_ids = client_ids
        self._require_level = require_level
        self._random_key = random_key
        self._fees = fees

    def endpoints(self) -> Endpoints:
        """Return the endpoints by method and path."""

        def change(
            run: Callable[[Call], object],
            takes: frozenset[str],
            *,
            places: bool = False,
            reads: int = 0,
        ) -> Endpoint:
            return Endpoint(run, takes, Scope.TRADE, changes=True, places=places, reads=reads)

        test = known(NEW_ORDER, ("computeCommissionRates",))
        amend = known(_ORDER_NAMES, ("newClientOrderId", "newQty"))
        return {
            ("POST", "/api/v3/order"): change(self.place, NEW_ORDER, places=True),
            ("POST", "/api/v3/order/test"): Endpoint(self.test, test, Scope.TRADE, reads=1),
            ("DELETE", "/api/v3/order"): change(self.cancel, _CANCEL_NAMES),
            ("DELETE", "/api/v3/openOrders"): change(self.cancel_all, frozenset({"symbol"})),
            ("POST", "/api/v3/order/cancelReplace"): change(
                self.cancel_replace, _REPLACE_NAMES, places=True
            ),
            ("PUT", "/api/v3/order/amend/keepPriority"): change(self.amend, amend, reads=1),
            ("GET", "/api/v3/order"): Endpoint(self.order, _ORDER_NAMES, Scope.READ, reads=1),
        }

    # --- one new order ----------------------------------------------------------------------------

    def place(self, call: Call) -> Json:
        """Place an order."""
        return self._place(call, self._read_order(call, call.parameters), call.parameters)

    def test(self, call: Call) -> Json:
        """Check an order as it would be before it is sent; nothing is."""
        order = self._read_order(call, call.parameters)
        if not call.parameters.flag("computeCommissionRates"):
            return {}
        rates = commission_rates(order.market, self._fees.charged(call.account))
        rates.pop("symbol")
        return {
            "standardCommissionForOrder": {
                name: rates["standardCommission"][name] for name in ("maker", "taker")
            },
            "taxCommissionForOrder": {"maker": ZERO, "taker": ZERO},
            "discount": rates["discount"],
        }

    def _read_order(self, call: Call, parameters: Parameters) -> PlaceOrder:
        parameters.choice("newOrderRespType", _RESPONSES)
        order = read_order(parameters, self._market(call))
        check_order(order)
        self._require_level(call.tenant, call.principal.level, Operation.TRADE)
        return order

    def _place(self, call: Call, order: PlaceOrder, parameters: Parameters) -> Json:
        named = order.client_order_id
        if named is None:
            stored = ids.generated_id(self._random_key)
        else:
            stored = self._client_ids.free(call.account, named)
        command = replace(order, client_order_id=stored)
        allow = self._require_level.of(call.principal)
        outcome = self._use_cases.place(call.account, command, call.options, allow)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, OrderRejected):
            raise rejection(outcome.reason)
        wanted = parameters.choice("newOrderRespType", _RESPONSES)
        return _placed(outcome, wanted or ("FULL" if order.type in _SHOWN_WHOLE else "ACK"))

    # --- orders that are there --------------------------------------------------------------------

    def order(self, call: Call) -> Json:
        """Return one order."""
        found = self._find(call, call.parameters)
        if found is None:
            raise error(NO_SUCH_ORDER)
        return present.listed_order(found)

    def cancel(self, call: Call) -> Json:
        """Cancel one order."""
        return self._cancel(call, call.parameters)

    def cancel_all(self, call: Call) -> list[Json]:
        """Cancel all open orders of a symbol."""
        market = self._market(call)
        outcome = self._use_cases.cancel_all(call.account, CancelAllOrders(market), call.options)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, OrderRejected):
            raise rejection(outcome.reason)
        if not outcome.count:
            raise error(UNKNOWN_ORDER)
        return self._cancelled(call, market, outcome)

    def cancel_replace(self, call: Call) -> Json:
        """Cancel an order and then place another one, each by itself, as Binance does."""
        parameters = call.parameters
        parameters.required("cancelReplaceMode")
        stops = parameters.choice("cancelReplaceMode", _MODES)
        order = self._read_order(call, parameters)
        cancel = parameters.renamed(_CANCEL_OF_REPLACE)
        cancelled = _outcome(lambda: self._cancel(call, cancel))
        placed: Json | BinanceError | None = None
        if stops is not True or not isinstance(cancelled, BinanceError):
            placed = _outcome(lambda: self._place(call, order, parameters))
        return _both(cancelled, placed)

    def amend(self, call: Call) -> Json:
        """Reduce an order's quantity; it keeps its place and its client order id."""
        parameters = call.parameters
        wanted = parameters.required("newQty")
        found = self._find(call, parameters)
        if found is None:
            raise error(NO_SUCH_ORDER)
        renamed = parameters.text("newClientOrderId")
        if renamed not in (None, ids.shown_id(found.client_order_id)):
            raise BinanceError(-2038, "An amended order keeps its clientOrderId.")
        quantity = found.market.quantity_lots(wanted)
        if found.quantity is None or quantity >= found.quantity:
            raise BinanceError(-2038, _AMEND_INVALID)
        command = AmendOrder(found, OrderChange(quantity=quantity))
        outcome = self._use_cases.amend(call.account, command, call.options)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, OrderAlreadyClosed):
            raise error(NO_SUCH_ORDER)
        if isinstance(outcome, OrderRejected):
            raise rejection(outcome.reason)
        return present.amended_order(outcome.order)

    def _find(self, call: Call, parameters: Parameters) -> OrderView | None:
        """Return the order that is named, of the symbol that is named."""
        market = self._market(call)
        number = parameters.number("orderId", most=NUMBER_MAX)
        client_id = parameters.text("origClientOrderId")
        if number is None and client_id is None:
            raise BinanceError(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        if number is not None:
            found = self._use_cases.queries.order(call.account, order_id_of(number))
            if client_id is not None and found is not None:
                found = found if ids.shown_id(found.client_order_id) == client_id else None
        else:
            found = self._client_ids.order(call.account, client_id or "")
        return found if found is not None and found.market.number == market.number else None

    def _cancel(self, call: Call, parameters: Parameters) -> Json:
        """Cancel the order that is named, whether or not it can be read.

        A row that is late, or a table that can't be read, keeps nobody from cancelling: then the
        order is cancelled by what the request calls it. Of an id that was used again that may not
        be the newest order, so "unknown" would be untrue then.
        """
        found, unsure = None, None
        try:
            found = self._find(call, parameters)
        except (NotFound, Unavailable, TooManyRequests) as failure:
            unsure = failure
        if found is None and unsure is None:
            raise error(UNKNOWN_ORDER)
        command = _cancel_of(found, parameters)
        outcome = self._use_cases.cancel(call.account, command, call.options)
        is_unknown = isinstance(outcome, OrderAlreadyClosed) or outcome == _UNKNOWN
        if unsure is not None and is_unknown and command.client_order_id is not None:
            raise unsure if isinstance(unsure, TooManyRequests) else error(TIMED_OUT)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, OrderAlreadyClosed):
            raise error(UNKNOWN_ORDER)
        if isinstance(outcome, OrderRejected):
            raise rejection(outcome.reason)
        request_id = parameters.text("newClientOrderId") or ids.generated_id(self._random_key)
        return present.cancelled_order(present.with_beginning(outcome.order, found), request_id)

    def _cancelled(self, call: Call, market: Market, outcome: OrdersCancelled) -> list[Json]:
        """Return the orders that a cancel of all has closed, as they are then."""
        request_id = ids.generated_id(self._random_key)
        rows = self._rows(call.account, outcome)
        return [
            {
                "symbol": call.parameters.required("symbol"),
                "orderId": order_number(order_id),
                "orderListId": present.NO_LIST,
                "status": "CANCELED",
            }
            if row is None
            else present.cancelled_order(row, request_id)
            for order_id, row in rows
            if row is None or row.market.number == market.number
        ]

    def _rows(
        self, account: AccountId, outcome: OrdersCancelled
    ) -> Sequence[tuple[int, OrderView | None]]:
        queries = self._use_cases.queries
        try:
            # Nothing is listed; but each row is then as the cancel left it.
            queries.balances(account, outcome.time_ms)
            return [(one, queries.order(account, one)) for one in outcome.order_ids]
        except (NotFound, Unavailable):
            return [(one, None) for one in outcome.order_ids]

    def _market(self, call: Call) -> Market:
        return self._symbols.market(call.tenant, call.parameters.required("symbol"))


_UNKNOWN = OrderRejected(w.REASON_UNKNOWN_ORDER)


def _placed(outcome: OrderPlaced, wanted: str) -> Json:
    if wanted == "ACK":
        return present.acknowledged_order(outcome.order)
    if wanted == "RESULT":
        return present.resulting_order(outcome.order)
    return present.full_order(outcome)


def _cancel_of(found: OrderView | None, parameters: Parameters) -> CancelOrder:
    if found is not None:
        return CancelOrder(order_id=found.order_id)
    number = parameters.number("orderId", most=NUMBER_MAX)
    if number is not None:
        return CancelOrder(order_id=order_id_of(number))
    return CancelOrder(client_order_id=parameters.required("origClientOrderId"))


def _outcome(run: Callable[[], Json]) -> Json | BinanceError:
    """Return what a half of a cancel-replace came to; raises where that is not known."""
    try:
        return run()
    except TooManyRequests as refusal:
        return BinanceError(-1003, refusal.detail)
    except BursaError as fault:
        known_fault = error_of(fault)
    except BinanceError as fault:
        known_fault = fault
    if known_fault.code == TIMED_OUT.code:
        raise known_fault
    return known_fault


def _both(cancelled: Json | BinanceError, placed: Json | BinanceError | None) -> Json:
    """Return both halves; raises `BinanceError` -2021 or -2022 unless both came to something."""
    data: dict[str, Any] = {
        "cancelResult": _word(cancelled),
        "newOrderResult": _word(placed),
        "cancelResponse": _half(cancelled),
        "newOrderResponse": _half(placed),
    }
    words = {data["cancelResult"], data["newOrderResult"]}
    if words == {"SUCCESS"}:
        return data
    if "SUCCESS" in words:
        raise BinanceError(-2021, "Order cancel-replace partially failed.", PARTLY_DONE, data=data)
    raise BinanceError(-2022, "Order cancel-replace failed.", BAD_REQUEST, data=data)


def _word(half: Json | BinanceError | None) -> str:
    if half is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(half, BinanceError) else "SUCCESS"


def _half(half: Json | BinanceError | None) -> Json | None:
    return half.body if isinstance(half, BinanceError) else half
