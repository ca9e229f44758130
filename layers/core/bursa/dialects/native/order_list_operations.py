"""The routes of lists of orders; see `operations`."""

from bursa.dialects.native import dry_run_responses, order_list_responses, requests
from bursa.dialects.native.operation import (
    CURSOR,
    MARKET,
    MIN_SEQUENCE,
    WRITE,
    Operation,
    Parameter,
)
from bursa.dialects.native.order_list_routes import LIMIT_DEFAULT, LIMIT_MAX
from bursa.identity.principal import Scope

_LIMIT = Parameter(
    "limit",
    "query",
    "How many open orders to look through; a page may have fewer lists, or none",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
)

ORDER_LIST_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post",
        "/order-lists",
        "placeOrderList",
        "Place orders as a list, all or none: one cancels the other, or an entry with two exits",
        order_list_responses.PlacedOrderList,
        status=201,
        also=dry_run_responses.DryRunList,
        body=requests.OrderListRequest,
        parameters=WRITE,
        scope=Scope.TRADE,
        may_pend=True,
    ),
    Operation(
        "get",
        "/order-lists",
        "listOpenOrderLists",
        "Your lists of orders of which anything is open, the newest first",
        order_list_responses.OrderListPage,
        parameters=(MARKET, _LIMIT, CURSOR, MIN_SEQUENCE),
    ),
    Operation(
        "get",
        "/order-lists/{list_id}",
        "getOrderList",
        "One of your lists of orders",
        order_list_responses.OrderList,
    ),
    Operation(
        "delete",
        "/order-lists/{list_id}",
        "cancelOrderList",
        "Cancel all that is left of one of your lists of orders",
        order_list_responses.CancelledOrderList,
        parameters=WRITE,
        scope=Scope.TRADE,
        may_pend=True,
    ),
)
