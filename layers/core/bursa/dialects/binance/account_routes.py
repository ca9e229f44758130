"""Endpoints about an account itself: balances, its orders and trades, its limits and fees."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from bursa.accounts.queries import MarketFill, PageRequest
from bursa.dialects.binance import order_presentation as present
from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Json
from bursa.dialects.binance.decimals import padded, rate_text
from bursa.dialects.binance.errors import BAD_COMBINATION, error
from bursa.dialects.binance.fee_presentation import commission_rates
from bursa.dialects.binance.ids import (
    NUMBER_MAX,
    account_number,
    first_order,
    first_trade,
    order_id_of,
)
from bursa.dialects.binance.market_presentation import ORDERS_INTERVAL_S
from bursa.dialects.binance.pages import LIMIT_DEFAULT, LIMIT_MAX, pages_of, times_of
from bursa.dialects.binance.rates import Budgets, order_count
from bursa.dialects.binance.symbols import Symbols
from bursa.fees.queries import FeeQueries
from bursa.identity.principal import Scope
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.amounts import format_units
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.trading.orders import OPEN_STATUSES, OrderStatus, OrderView
from bursa.trading.use_cases import TradingUseCases

_PPM_PER_BASIS_POINT: Final = 100
_Row = TypeVar("_Row")


class AccountRoutes:
    """What an account may read of its own."""

    def __init__(
        self, use_cases: TradingUseCases, symbols: Symbols, budgets: Budgets, fees: FeeQueries
    ) -> None:
        self._queries = use_cases.queries
        self._symbols = symbols
        self._budgets = budgets
        self._fees = fees

    def endpoints(self) -> Endpoints:
        """Return the endpoints by method and path."""
        times = ("symbol", "orderId", "startTime", "endTime", "limit")

        def read(run: Callable[[Call], object], *names: str) -> Endpoint:
            return Endpoint(run, frozenset(names), Scope.READ, reads=1)

        return {
            ("GET", "/api/v3/account"): read(self.account, "omitZeroBalances"),
            ("GET", "/api/v3/openOrders"): read(self.open_orders, "symbol"),
            ("GET", "/api/v3/allOrders"): read(self.all_orders, *times),
            ("GET", "/api/v3/myTrades"): read(self.trades, *times, "fromId"),
            ("GET", "/api/v3/rateLimit/order"): read(self.order_counts),
            ("GET", "/api/v3/account/commission"): read(self.commission, "symbol"),
        }

    def account(self, call: Call) -> Json:
        """Return the account with its balances."""
        omits = call.parameters.flag("omitZeroBalances")
        rows = self._queries.balances(call.account)
        maker, taker = self._fees.charged(call.account)
        scopes = call.principal.scopes
        return {
            "makerCommission": max(0, maker) // _PPM_PER_BASIS_POINT,
            "takerCommission": max(0, taker) // _PPM_PER_BASIS_POINT,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": rate_text(maker),
                "taker": rate_text(taker),
                "buyer": rate_text(0),
                "seller": rate_text(0),
            },
            "canTrade": Scope.TRADE in scopes,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": max((row.row.updated_at_ms for row in rows), default=0),
            "accountType": "SPOT",
            "balances": [
                {
                    "asset": row.asset,
                    "free": padded(format_units(row.available, scale)),
                    "locked": padded(format_units(row.held, scale)),
                }
                for row, scale in rows
                if not omits or row.available or row.held
            ],
            "permissions": ["SPOT"],
            "uid": account_number(call.account),
        }

    def open_orders(self, call: Call) -> list[Json]:
        """Return all open orders, of a symbol or of all."""
        symbol = call.parameters.text("symbol")
        market = None if symbol is None else self._symbols.market(call.tenant, symbol)
        pages = self._pages(call, lambda page: self._orders(call, market, OPEN_STATUSES, page))
        return present.listed_orders([order for page in pages for order in page])

    def all_orders(self, call: Call) -> list[Json]:
        """Return a symbol's orders: the newest, or the first from a number or a time on."""
        parameters = call.parameters
        first = parameters.number("orderId", most=NUMBER_MAX)
        start_ms, end_ms = times_of(parameters)
        limit, market = parameters.limit(LIMIT_DEFAULT, LIMIT_MAX), self._market(call)
        pages = self._pages(call, lambda page: self._orders(call, market, None, page))

        def is_before(order: OrderView) -> bool:
            if first is not None:
                return order.order_id < first_order(first)
            return start_ms is not None and order.created_at_ms < start_ms

        found = _walk(
            pages,
            is_before,
            lambda order: end_ms is None or order.created_at_ms <= end_ms,
            None if first is not None or start_ms is not None else limit,
        )
        return [present.listed_order(order) for order in found[::-1][:limit]]

    def trades(self, call: Call) -> list[Json]:
        """Return the account's trades of a symbol: the newest, or the first of a range."""
        parameters = call.parameters
        order = parameters.number("orderId", most=NUMBER_MAX)
        first = parameters.number("fromId", most=NUMBER_MAX)
        start_ms, end_ms = times_of(parameters)
        if first is not None and (start_ms is not None or end_ms is not None):
            raise error(BAD_COMBINATION)
        limit, market = parameters.limit(LIMIT_DEFAULT, LIMIT_MAX), self._market(call)
        pages = self._pages(call, lambda page: self._queries.fills(call.account, market, page))

        def is_before(fill: MarketFill) -> bool:
            row = fill.row
            if first is not None and row.trade_id < first_trade(first):
                return True
            if order is not None and row.sequence < order_id_of(order):
                return True  # an order's id is the sequence that placed it
            return start_ms is not None and row.time_ms < start_ms

        def is_wanted(fill: MarketFill) -> bool:
            of_order = order is None or fill.row.order_id == order_id_of(order)
            return of_order and (end_ms is None or fill.row.time_ms <= end_ms)

        has_beginning = not (first is None and start_ms is None and order is None)
        found = _walk(pages, is_before, is_wanted, None if has_beginning else limit)
        list_id = 0
        if order is not None and found:
            # All of one order; of others it would be a read for each.
            self._budgets.require(call.account, (Charge(Budget.READS, 1),))
            view = self._queries.order(call.account, order_id_of(order))
            list_id = 0 if view is None else view.list_id
        return [present.account_trade(*one, list_id) for one in found[::-1][:limit]]

    def order_counts(self, call: Call) -> list[Json]:
        """Return how many orders the account has sent of how many."""
        state = self._budgets.state(call.account, Budget.COMMANDS)
        return [
            {
                "rateLimitType": "ORDERS",
                "interval": "SECOND",
                "intervalNum": ORDERS_INTERVAL_S,
                "limit": state.limit,
                "count": order_count(self._budgets, call.account),
            }
        ]

    def commission(self, call: Call) -> Json:
        """Return what the account is charged for orders of a symbol."""
        return commission_rates(self._market(call), self._fees.charged(call.account))

    def _orders(
        self,
        call: Call,
        market: Market | None,
        statuses: AbstractSet[OrderStatus] | None,
        page: PageRequest,
    ) -> Page[OrderView]:
        return self._queries.orders(call.account, market, statuses, page)

    def _pages(self, call: Call, read: Callable[[PageRequest], Page[_Row]]) -> Iterator[list[_Row]]:
        return pages_of(self._budgets, call.account, read)

    def _market(self, call: Call) -> Market:
        return self._symbols.market(call.tenant, call.parameters.required("symbol"))


def _walk(
    pages: Iterator[list[_Row]],
    is_before: Callable[[_Row], bool],
    is_wanted: Callable[[_Row], bool],
    most: int | None,
) -> list[_Row]:
    """Return the rows that are wanted, newest first, until one is before all of them."""
    found: list[_Row] = []
    for page in pages:
        for row in page:
            if is_before(row):
                return found
            if is_wanted(row):
                found.append(row)
            if most is not None and len(found) == most:
                return found
    return found
