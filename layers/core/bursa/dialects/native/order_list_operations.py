"""The routes of lists of orders; see `operations`."""

from bursa.dialects.native import order_list_responses, requests
from bursa.dialects.native.operation import WRITE, Operation
from bursa.identity.principal import Scope

ORDER_LIST_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post",
        "/order-lists",
        "placeOrderList",
        "Place orders as a list, all or none: one cancels the other, or an entry with two exits",
        order_list_responses.PlacedOrderList,
        status=201,
        body=requests.OrderListRequest,
        parameters=WRITE,
        scope=Scope.TRADE,
        may_pend=True,
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
