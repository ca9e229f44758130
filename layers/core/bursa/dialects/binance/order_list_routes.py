"""Endpoints of lists of orders: one cancels the other, or an entry with a pair after it.

A list is known by its last order, and so is its name: ``listClientOrderId`` is that order's client
order id, unless that was sent with another one; then it is a name of `ListNames` (docs/adr/0094).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from bursa.compliance.level_check import LevelCheck
from bursa.compliance.levels import Operation
from bursa.dialects.binance import client_order_ids as ids
from bursa.dialects.binance import order_list_presentation as present
from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Json
from bursa.dialects.binance.client_order_ids import ClientOrderIds
from bursa.dialects.binance.errors import (
    BAD_COMBINATION,
    NO_SUCH_LIST,
    TIMED_OUT,
    UNKNOWN_LIST,
    BinanceError,
    error,
)
from bursa.dialects.binance.ids import NUMBER_MAX, first_order, order_id_of
from bursa.dialects.binance.list_names import ListNames, key_of
from bursa.dialects.binance.order_lists import (
    BRACKET,
    OLD_PAIR,
    PAIR,
    order_name,
    read_bracket,
    read_old_pair,
    read_pair,
)
from bursa.dialects.binance.pages import LIMIT_DEFAULT, LIMIT_MAX, pages_of, times_of
from bursa.dialects.binance.parameters import Parameters
from bursa.dialects.binance.rates import Budgets
from bursa.dialects.binance.rejections import rejection
from bursa.dialects.binance.symbols import Symbols
from bursa.identity.principal import Scope
from bursa.intake.budgets import Budget, Charge
from bursa.intake.submission import Pending
from bursa.kernel.identifiers import AccountId
from bursa.kernel.markets import Market
from bursa.trading.commands import PlaceOrder
from bursa.trading.order_lists import ListAlreadyClosed, ListView, PlaceList
from bursa.trading.orders import OPEN_STATUSES, OrderView
from bursa.trading.outcomes import OrderRejected
from bursa.trading.use_cases import TradingUseCases
from wire import layout as w

_Read = Callable[[Parameters, Market], PlaceList]
_ALL: Final = frozenset({"fromId", "startTime", "endTime", "limit"})
_CANCEL: Final = frozenset({"symbol", "orderListId", "listClientOrderId", "newClientOrderId"})


class OrderListRoutes:
    """What places, reads and cancels an account's lists.

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
        list_names: ListNames,
        require_level: LevelCheck,
        random_key: Callable[[], str],
        budgets: Budgets,
    ) -> None:
        self._use_cases = use_cases
        self._symbols = symbols
        self._client_ids = client_ids
        self._list_names = list_names
        self._require_level = require_level
        self._random_key = random_key
        self._budgets = budgets

    def endpoints(self) -> Endpoints:
        """Return the endpoints by method and path."""

        def place(run: Callable[[Call], object], takes: frozenset[str]) -> Endpoint:
            return Endpoint(run, takes, Scope.TRADE, changes=True, places=True, reads=1)

        named = frozenset({"orderListId", "origClientOrderId"})
        return {
            ("POST", "/api/v3/order/oco"): place(self.place_old_pair, OLD_PAIR),
            ("POST", "/api/v3/orderList/oco"): place(self.place_pair, PAIR),
            ("POST", "/api/v3/orderList/otoco"): place(self.place_bracket, BRACKET),
            ("GET", "/api/v3/orderList"): Endpoint(self.order_list, named, Scope.READ, reads=1),
            ("GET", "/api/v3/allOrderList"): Endpoint(self.all_lists, _ALL, Scope.READ, reads=1),
            ("GET", "/api/v3/openOrderList"): Endpoint(
                self.open_lists, frozenset(), Scope.READ, reads=1
            ),
            ("DELETE", "/api/v3/orderList"): Endpoint(
                self.cancel, _CANCEL, Scope.TRADE, changes=True, reads=1
            ),
        }

    def place_old_pair(self, call: Call) -> Json:
        """Place a limit order and a stop of which one cancels the other, by the older form."""
        return self._place(call, read_old_pair)

    def place_pair(self, call: Call) -> Json:
        """Place two orders of which one cancels the other."""
        return self._place(call, read_pair)

    def place_bracket(self, call: Call) -> Json:
        """Place an order, and two after it of which one cancels the other."""
        return self._place(call, read_bracket)

    def order_list(self, call: Call) -> Json:
        """Return one list."""
        found = self._find(call, "origClientOrderId")
        if found is None:
            raise error(NO_SUCH_LIST)
        return present.order_list(found, call.parameters.text("origClientOrderId"))

    def open_lists(self, call: Call) -> list[Json]:
        """Return all lists of which anything is open."""
        queries, account = self._use_cases.queries, call.account
        pages = pages_of(
            self._budgets,
            account,
            lambda page: queries.orders(account, None, OPEN_STATUSES, page),
        )
        numbers = sorted({order.list_id for page in pages for order in page if order.list_id})
        if len(numbers) > 1:
            self._budgets.require(account, (Charge(Budget.READS, len(numbers) - 1),))
        found = [queries.order_list(account, number) for number in numbers]
        return [present.order_list(one) for one in found if one is not None and one.is_open]

    def all_lists(self, call: Call) -> list[Json]:
        """Return lists of all symbols: the newest, or the first from a number or a time on."""
        parameters, queries = call.parameters, self._use_cases.queries
        first = parameters.number("fromId", most=NUMBER_MAX)
        start_ms, end_ms = times_of(parameters)
        if first is not None and (start_ms is not None or end_ms is not None):
            raise error(BAD_COMBINATION)
        limit = parameters.limit(LIMIT_DEFAULT, LIMIT_MAX)
        first_id = 0 if first is None else first_order(first)
        pages = pages_of(
            self._budgets, call.account, lambda page: queries.orders(call.account, None, None, page)
        )

        def is_before(order: OrderView) -> bool:
            # The orders of a list have ids in a row, of which its own is the last.
            is_older = order.order_id < first_id and order.list_id < first_id
            return is_older or (start_ms is not None and order.created_at_ms < start_ms)

        has_beginning = first is not None or start_ms is not None
        found = lists_among(pages, is_before, end_ms, None if has_beginning else limit)
        return [present.order_list(one) for one in found[::-1][:limit]]

    def cancel(self, call: Call) -> Json:
        """Cancel all that is left of a list."""
        market = self._market(call)
        found = self._find(call, "listClientOrderId")
        if found is None or found.orders[0].market.number != market.number:
            raise error(UNKNOWN_LIST)
        outcome = self._use_cases.cancel_list(call.account, found.list_id, call.options)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, ListAlreadyClosed):
            raise error(UNKNOWN_LIST)
        if isinstance(outcome, OrderRejected):
            unknown = outcome.reason == w.REASON_UNKNOWN_ORDER
            raise error(UNKNOWN_LIST) if unknown else rejection(outcome.reason)
        request_id = call.parameters.text("newClientOrderId")
        request_id = request_id or ids.generated_id(self._random_key)
        name = call.parameters.text("listClientOrderId")
        return present.cancelled_list(found, outcome, request_id, name)

    def _place(self, call: Call, read: _Read) -> Json:
        parameters = call.parameters
        wanted_form = parameters.choice("newOrderRespType", present.RESPONSES)
        wanted = read(parameters, self._market(call))
        self._require_level(call.tenant, call.principal.level, Operation.TRADE)
        first, second = wanted.pair
        stored = PlaceList(
            (self._stored(call.account, first), self._stored(call.account, second)),
            None if wanted.entry is None else self._stored(call.account, wanted.entry),
        )
        allow, options = self._require_level.of(call.principal), call.options
        name = parameters.text("listClientOrderId")
        if name is not None:
            key = key_of(self._list_names.free(call.account, name))
            if wanted.last.client_order_id != name:
                self._client_ids.free(call.account, name)
                options = options._replace(request_key=key)
        outcome = self._use_cases.place_list(call.account, stored, options, allow)
        if isinstance(outcome, Pending):
            raise error(TIMED_OUT)
        if isinstance(outcome, OrderRejected):
            fault, reason = rejection(outcome.reason), outcome.reason
            position = self._use_cases.dry_run.rejected(call.account, stored, reason)
            if position is not None:
                fault.order = order_name(stored, position, is_old=read is read_old_pair)
            raise fault
        return present.placed_list(outcome, wanted_form, name)

    def _stored(self, account: AccountId, order: PlaceOrder) -> PlaceOrder:
        """Return an order under the id that the exchange knows it by."""
        if order.client_order_id is None:
            return replace(order, client_order_id=ids.generated_id(self._random_key))
        return replace(order, client_order_id=self._client_ids.free(account, order.client_order_id))

    def _find(self, call: Call, by_name: str) -> ListView | None:
        """Return the list that is named, by its number or by its name under a parameter."""
        parameters = call.parameters
        number = parameters.number("orderListId", most=NUMBER_MAX)
        name = parameters.text(by_name)
        if number is None and name is None:
            raise BinanceError(
                -1102,
                f"Param '{by_name}' or 'orderListId' must be sent, but both were empty/null!",
            )
        named = 0 if name is None else self._list_under(call.account, name)
        list_id = named if number is None else order_id_of(number)
        if not list_id or (name is not None and list_id != named):
            return None
        return self._use_cases.queries.order_list(call.account, list_id)

    def _list_under(self, account: AccountId, name: str) -> int:
        """Return the id of the newest list under a name, an open one before others; 0 for none."""
        order = self._client_ids.order(account, name)
        by_order = order.list_id if order is not None and order.list_id == order.order_id else 0
        if order is not None and by_order and order.status in OPEN_STATUSES:
            return by_order
        last = self._list_names.order(account, name)
        return by_order if last is None else max(by_order, last.list_id)

    def _market(self, call: Call) -> Market:
        return self._symbols.market(call.tenant, call.parameters.required("symbol"))


def lists_among(
    pages: Iterator[list[OrderView]],
    is_before: Callable[[OrderView], bool],
    end_ms: int | None,
    most: int | None,
) -> list[ListView]:
    """Return the lists among an account's orders, newest first, until one is before all."""
    found: list[ListView] = []
    orders: list[OrderView] = []
    for page in pages:
        for order in page:
            if is_before(order) or len(found) == most:
                return found
            if not order.list_id or (end_ms is not None and order.created_at_ms > end_ms):
                continue
            if orders and orders[0].list_id != order.list_id:
                orders = []
            orders.insert(0, order)
            listed = ListView(tuple(orders))
            if listed.is_whole:
                found.append(listed)
    return found
