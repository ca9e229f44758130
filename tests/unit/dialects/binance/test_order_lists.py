"""Lists of orders of the Binance dialect: placed, read, cancelled."""

from typing import Any

import pytest

from bursa.dialects.binance.list_names import ListNames
from tests.doubles.binance import KINDS, Answer, BinanceClient

ONE: dict[str, Any] = {"symbol": "BTCUSDT"}
OLD: dict[str, Any] = ONE | {
    "side": "SELL",
    "quantity": "0.5",
    "price": "22000",
    "stopPrice": "18000",
    "stopLimitPrice": "17900",
    "stopLimitTimeInForce": "GTC",
}
NEW: dict[str, Any] = ONE | {
    "side": "SELL",
    "quantity": "0.5",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "22000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "18000",
    "belowPrice": "17900",
    "belowTimeInForce": "GTC",
}
OTOCO: dict[str, Any] = ONE | {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "20000",
    "workingQuantity": "0.5",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingQuantity": "0.5",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "22000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "18000",
}
OLD_PATH, NEW_PATH, OTOCO_PATH = (
    "/api/v3/order/oco",
    "/api/v3/orderList/oco",
    "/api/v3/orderList/otoco",
)
FORMS = {"old": (OLD_PATH, OLD), "new": (NEW_PATH, NEW)}
LISTS = FORMS | {"otoco": (OTOCO_PATH, OTOCO)}


def send(client: BinanceClient, form: str, **changes: Any) -> Answer:
    path, parameters = LISTS[form]
    wanted = {key: one for key, one in (parameters | changes).items() if one is not None}
    return client.signed("POST", path, **wanted)


def place(client: BinanceClient, form: str, **changes: Any) -> Any:
    answer = send(client, form, **changes)
    assert answer.status == 200, answer
    return answer.body


def fill(client: BinanceClient, side: str, price: str, quantity: str = "0.5") -> Any:
    order = ONE | {"type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity}
    return client.signed("POST", "/api/v3/order", side=side, **order).body


def read(client: BinanceClient, number: int) -> Any:
    return client.signed("GET", "/api/v3/orderList", orderListId=number).body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_pair_waits_and_is_read_as_a_list(bob: BinanceClient, kind: str, form: str) -> None:
    bob.kind = kind
    placed = place(bob, form, listClientOrderId="pair")

    reports = placed.pop("orderReports")
    assert (placed["contingencyType"], placed["listStatusType"], placed["listOrderStatus"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    assert (placed["listClientOrderId"], placed["symbol"]) == ("pair", "BTCUSDT")
    assert [one["orderId"] for one in placed["orders"]] == [one["orderId"] for one in reports]
    assert {one["orderListId"] for one in reports} == {placed["orderListId"]}
    assert [(one["type"], one["status"], one["stopPrice"]) for one in reports] == [
        ("LIMIT_MAKER", "NEW", "0.00000000"),
        ("STOP_LOSS_LIMIT", "NEW", "18000.00000000"),
    ]
    assert all(one["clientOrderId"] for one in reports)
    assert read(bob, placed["orderListId"]) == placed
    by_name = bob.signed("GET", "/api/v3/orderList", origClientOrderId="pair").body
    assert by_name == placed
    assert bob.signed("GET", "/api/v3/openOrderList").body == [placed]
    listed = bob.signed("GET", "/api/v3/openOrders", **ONE).body
    assert {one["orderListId"] for one in listed} == {placed["orderListId"]}


def test_a_plain_order_has_no_list(alice: BinanceClient) -> None:
    placed = fill(alice, "BUY", "20000")

    assert placed["orderListId"] == -1
    answer = alice.signed("GET", "/api/v3/orderList", orderListId=placed["orderId"])
    assert answer.error == (-2013, "Order list does not exist.")
    named = alice.signed("GET", "/api/v3/orderList", origClientOrderId=placed["clientOrderId"])
    assert named.error == (-2013, "Order list does not exist.")


@pytest.mark.parametrize("form", FORMS)
def test_a_buy_has_its_stop_above(alice: BinanceClient, form: str) -> None:
    changes: dict[str, Any] = {"side": "BUY"}
    if form == "old":
        changes |= {"price": "18000", "stopPrice": "22000", "stopLimitPrice": "22100"}
    else:
        changes |= {"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "22000"}
        changes |= {"belowType": "LIMIT_MAKER", "belowPrice": "18000", "belowStopPrice": None}
        changes |= {"belowTimeInForce": None}
    reports = place(alice, form, **changes)["orderReports"]
    assert reports[0]["type"] == "LIMIT_MAKER"
    assert reports[1]["type"] == ("STOP_LOSS_LIMIT" if form == "old" else "STOP_LOSS")


def test_one_that_trades_ends_the_other_and_the_list(
    alice: BinanceClient, bob: BinanceClient
) -> None:
    placed = place(bob, "new")
    fill(alice, "BUY", "22000")

    done = read(bob, placed["orderListId"])
    assert (done["listStatusType"], done["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert bob.signed("GET", "/api/v3/openOrderList").body == []
    orders = bob.signed("GET", "/api/v3/allOrders", **ONE).body
    assert [one["status"] for one in orders] == ["FILLED", "CANCELED"]


def test_exits_wait_for_the_working_order(alice: BinanceClient, bob: BinanceClient) -> None:
    placed = place(alice, "otoco", listClientOrderId="mine", newOrderRespType="FULL")

    assert placed["contingencyType"] == "OTO"
    assert [(one["type"], one["status"], one["side"]) for one in placed["orderReports"]] == [
        ("LIMIT_MAKER", "PENDING_NEW", "SELL"),
        ("STOP_LOSS", "PENDING_NEW", "SELL"),
        ("LIMIT", "NEW", "BUY"),
    ]
    assert placed["orderReports"][2]["clientOrderId"] == "mine"
    assert [one["fills"] for one in placed["orderReports"]] == [[], [], []]
    fill(bob, "SELL", "20000")
    listed = alice.signed("GET", "/api/v3/openOrders", **ONE).body
    assert [(one["type"], one["status"]) for one in listed] == [
        ("LIMIT_MAKER", "NEW"),
        ("STOP_LOSS", "NEW"),
    ]
    (waiting,) = alice.signed("GET", "/api/v3/openOrderList").body
    assert waiting["orderListId"] == placed["orderListId"]
    assert waiting["listOrderStatus"] == "EXECUTING"


def test_a_response_is_as_long_as_it_is_wanted(bob: BinanceClient) -> None:
    reports = place(bob, "new", newOrderRespType="ACK")["orderReports"]

    assert all("status" not in one and one["orderListId"] > 0 for one in reports)


# --- cancels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["number", "name"])
def test_a_list_is_cancelled(bob: BinanceClient, by: str) -> None:
    placed = place(bob, "new", listClientOrderId="pair", aboveClientOrderId="a")
    named: dict[str, Any] = {"listClientOrderId": "pair"}
    if by == "number":
        named = {"orderListId": placed["orderListId"]}

    cancelled = bob.signed("DELETE", "/api/v3/orderList", **ONE, **named).body

    assert cancelled["listOrderStatus"] == "ALL_DONE"
    assert cancelled["orders"] == placed["orders"]
    reports = cancelled["orderReports"]
    assert [one["status"] for one in reports] == ["CANCELED", "CANCELED"]
    assert [one["origClientOrderId"] for one in reports] == ["a", "pair"]
    assert {one["orderListId"] for one in reports} == {placed["orderListId"]}
    again = bob.signed("DELETE", "/api/v3/orderList", **ONE, **named)
    assert (again.status, again.error) == (400, (-2011, "Unknown order list sent."))


def test_a_cancel_of_one_tells_its_list(bob: BinanceClient) -> None:
    placed = place(bob, "new")
    number = placed["orders"][0]["orderId"]

    cancelled = bob.signed("DELETE", "/api/v3/order", **ONE, orderId=number).body

    assert (cancelled["status"], cancelled["type"]) == ("CANCELED", "LIMIT_MAKER")
    assert cancelled["orderListId"] == placed["orderListId"]
    assert read(bob, placed["orderListId"])["listOrderStatus"] == "ALL_DONE"


def test_one_of_a_list_is_not_amended(bob: BinanceClient) -> None:
    number = place(bob, "new")["orders"][0]["orderId"]

    answer = bob.signed(
        "PUT", "/api/v3/order/amend/keepPriority", **ONE, orderId=number, newQty="0.1"
    )

    assert answer.error == (-2038, "An order of a list can't be changed: cancel the list.")


def test_anothers_list_is_not_there(alice: BinanceClient, bob: BinanceClient) -> None:
    number = place(bob, "new", listClientOrderId="pair")["orderListId"]

    for named in ({"orderListId": number}, {"listClientOrderId": "pair"}):
        theirs = alice.signed("DELETE", "/api/v3/orderList", **ONE, **named)
        assert theirs.error == (-2011, "Unknown order list sent.")
    theirs = alice.signed("GET", "/api/v3/orderList", orderListId=number)
    assert theirs.error == (-2013, "Order list does not exist.")
    assert alice.signed("GET", "/api/v3/openOrderList").body == []
    assert read(bob, number)["listOrderStatus"] == "EXECUTING"


# --- what is refused ------------------------------------------------------------------------------

PRICES = (-2010, "The relationship of the prices for the orders is not correct.")


@pytest.mark.parametrize(
    ("form", "changes", "error"),
    [
        ("old", {"price": "17000"}, PRICES),
        ("old", {"stopPrice": None}, (-1102, "stopPrice")),
        ("old", {"price": None}, (-1102, "price")),
        ("old", {"stopLimitTimeInForce": None}, (-1102, "stopLimitTimeInForce")),
        ("old", {"stopLimitPrice": None}, (-1106, "stopLimitTimeInForce")),
        ("old", {"side": "HOLD"}, (-1117, "Invalid side.")),
        ("old", {"trailingDelta": "100"}, (-1104, "Not all sent parameters were read")),
        ("old", {"quantity": "0.00000000001"}, (-1013, "Filter failure: LOT_SIZE")),
        ("old", {"price": "22000.0001"}, (-1013, "Filter failure: PRICE_FILTER")),
        ("new", {"aboveType": None}, (-1102, "aboveType")),
        ("new", {"aboveType": "LIMIT"}, (-1116, "Invalid orderType.")),
        ("new", {"belowType": "LIMIT_MAKER"}, (-1106, "belowTimeInForce")),
        ("new", {"belowStopPrice": None}, (-1102, "belowStopPrice")),
        ("new", {"aboveStopPrice": "22000"}, (-1106, "aboveStopPrice")),
        ("new", {"abovePrice": "17000"}, PRICES),
        ("new", {"abovePrice": "x"}, (-1100, "abovePrice")),
        ("new", {"aboveType": "TAKE_PROFIT", "abovePrice": None}, (-1102, "aboveStopPrice")),
        ("new", {"quantity": "0.00000001"}, (-1013, "Filter failure: NOTIONAL")),
        ("new", {"quantity": "101"}, (-2010, "Account has insufficient balance")),
        ("new", {"newOrderRespType": "SHORT"}, (-1130, "newOrderRespType")),
        ("new", {"symbol": "NONE"}, (-1121, "Invalid symbol.")),
        ("new", {"aboveClientOrderId": "a", "belowClientOrderId": "a"}, (-2010, "Duplicate")),
        ("new", {"aboveClientOrderId": "a b"}, (-1100, "aboveClientOrderId")),
        ("new", {"listClientOrderId": "a b"}, (-1100, "listClientOrderId")),
        ("otoco", {"pendingSide": "BUY"}, (-2010, "pendingSide")),
        ("otoco", {"pendingQuantity": "0.4"}, (-2010, "pendingQuantity")),
        ("otoco", {"workingType": "MARKET"}, (-1116, "Invalid orderType.")),
        ("otoco", {"workingPrice": None}, (-1102, "workingPrice")),
    ],
)
def test_what_is_refused(
    bob: BinanceClient, form: str, changes: dict[str, Any], error: tuple[int, str]
) -> None:
    answer = send(bob, form, **changes)

    assert answer.status == 400
    assert answer.error[0] == error[0], answer
    assert error[1] in answer.error[1]
    assert bob.signed("GET", "/api/v3/openOrders").body == []


def test_what_would_trigger_at_once_is_refused(alice: BinanceClient, bob: BinanceClient) -> None:
    fill(alice, "BUY", "20000", "1")

    answer = send(bob, "new", abovePrice="20000")

    assert answer.error == PRICES


@pytest.mark.parametrize("form", LISTS)
def test_a_name_in_use_takes_no_second_list(
    alice: BinanceClient, bob: BinanceClient, form: str
) -> None:
    client = alice if form == "otoco" else bob
    placed = place(client, form, listClientOrderId="mine")

    again = send(client, form, listClientOrderId="mine")

    assert again.error == (-2010, "Duplicate order sent.")
    (only,) = client.signed("GET", "/api/v3/openOrderList").body
    assert only["orderListId"] == placed["orderListId"]


def test_a_name_may_be_used_again_once_its_list_is_closed(bob: BinanceClient) -> None:
    first = place(bob, "new", listClientOrderId="mine")["orderListId"]
    bob.signed("DELETE", "/api/v3/orderList", **ONE, orderListId=first)

    second = place(bob, "new", listClientOrderId="mine")

    assert second["listClientOrderId"] == "mine"
    found = bob.signed("GET", "/api/v3/orderList", origClientOrderId="mine").body
    assert found["orderListId"] == second["orderListId"] != first


@pytest.mark.parametrize(
    ("named", "names"),
    [
        ({"listClientOrderId": "l", "aboveClientOrderId": "a"}, ["a", "l"]),
        ({"listClientOrderId": "l", "belowClientOrderId": "b"}, ["b", "l"]),
        ({"listClientOrderId": "b", "aboveClientOrderId": "a", "belowClientOrderId": "b"}, "ab"),
        ({"aboveClientOrderId": "a", "belowClientOrderId": "b"}, ["a", "b"]),
    ],
)
def test_the_last_order_has_the_lists_name(
    bob: BinanceClient, named: dict[str, str], names: Any
) -> None:
    placed = place(bob, "new", **named)

    assert [one["clientOrderId"] for one in placed["orders"]] == [*names]
    assert placed["listClientOrderId"] == names[-1]


ALL: dict[str, dict[str, str]] = {
    "old": {"limitClientOrderId": "a", "stopClientOrderId": "b"},
    "new": {"aboveClientOrderId": "a", "belowClientOrderId": "b"},
    "otoco": {"pendingAboveClientOrderId": "a", "workingClientOrderId": "w"},
}


def read_by_name(client: BinanceClient, name: str) -> Answer:
    return client.signed("GET", "/api/v3/orderList", origClientOrderId=name)


@pytest.mark.parametrize("form", ALL)
def test_a_list_has_a_name_beside_those_of_its_orders(
    alice: BinanceClient, bob: BinanceClient, form: str
) -> None:
    client, other = (alice, bob) if form == "otoco" else (bob, alice)
    placed = place(client, form, **ALL[form], listClientOrderId="l")

    reports = placed.pop("orderReports")
    assert placed["listClientOrderId"] == "l"
    assert {one["clientOrderId"] for one in reports} >= set(ALL[form].values())
    assert read_by_name(client, "l").body == placed
    last = client.signed("GET", "/api/v3/order", **ONE, origClientOrderId=[*ALL[form].values()][-1])
    assert last.body["orderListId"] == placed["orderListId"]
    assert read_by_name(other, "l").error == (-2013, "Order list does not exist.")
    cancelled = client.signed("DELETE", "/api/v3/orderList", **ONE, listClientOrderId="l").body
    assert (cancelled["listClientOrderId"], cancelled["listOrderStatus"]) == ("l", "ALL_DONE")
    again = client.signed("DELETE", "/api/v3/orderList", **ONE, listClientOrderId="l")
    assert again.error == (-2011, "Unknown order list sent.")


def test_a_name_beside_others_takes_no_second_list_while_its_first_is_open(
    bob: BinanceClient,
) -> None:
    first = place(bob, "new", **ALL["new"], listClientOrderId="l")["orderListId"]
    others = {"aboveClientOrderId": "c", "belowClientOrderId": "d"}
    for names in (others, {}, {"belowClientOrderId": "e"}):
        again = send(bob, "new", **names, listClientOrderId="l")
        assert again.error == (-2010, "Duplicate order sent.")
    bob.signed("DELETE", "/api/v3/orderList", **ONE, orderListId=first)

    second = place(bob, "new", **others, listClientOrderId="l")["orderListId"]
    assert read_by_name(bob, "l").body["orderListId"] == second
    bob.signed("DELETE", "/api/v3/orderList", **ONE, orderListId=second)
    third = place(bob, "new", listClientOrderId="l")["orderListId"]
    assert read_by_name(bob, "l").body["orderListId"] == third
    # The name of an order, and so of its list, is none of another list meanwhile.
    more = {"aboveClientOrderId": "f", "belowClientOrderId": "g"}
    assert send(bob, "new", **more, listClientOrderId="l").error[0] == -2010


def test_a_name_beside_others_is_free_after_a_rejection(bob: BinanceClient) -> None:
    rejected = send(bob, "new", **ALL["new"], listClientOrderId="l", quantity="101")
    assert rejected.error[0] == -2010

    assert place(bob, "new", **ALL["new"], listClientOrderId="l")["listClientOrderId"] == "l"


def test_a_name_is_bound_before_its_list_is_decided(
    bob: BinanceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two at once under one name, whose other names differ, one is taken."""
    monkeypatch.setattr(ListNames, "free", lambda *_: "l")
    place(bob, "new", **ALL["new"], listClientOrderId="l")
    others = {"aboveClientOrderId": "c", "belowClientOrderId": "d"}

    again = send(bob, "new", **others, listClientOrderId="l")

    assert again.error == (-2010, "Duplicate order sent.")
    assert len(bob.signed("GET", "/api/v3/openOrders").body) == 2


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_list_has_to_be_named(bob: BinanceClient, method: str) -> None:
    named = ONE if method == "DELETE" else {}
    answer = bob.signed(method, "/api/v3/orderList", **named)

    assert answer.error[0] == -1102


# --- all lists ------------------------------------------------------------------------------------


def all_lists(client: BinanceClient, **asked: Any) -> Any:
    return client.signed("GET", "/api/v3/allOrderList", **asked).body


def test_all_lists_are_those_that_are_over_too(bob: BinanceClient, alice: BinanceClient) -> None:
    first = place(bob, "new", quantity="0.1")
    bob.signed("DELETE", "/api/v3/orderList", **ONE, orderListId=first["orderListId"])
    fill(bob, "SELL", "30000", "0.1")
    rest = [place(bob, "new", quantity="0.1"), place(bob, "old", quantity="0.1")]
    numbers = [one["orderListId"] for one in (first, *rest)]

    listed = all_lists(bob)
    assert [one["orderListId"] for one in listed] == numbers
    assert [one["listOrderStatus"] for one in listed] == ["ALL_DONE", "EXECUTING", "EXECUTING"]
    assert listed == [read(bob, number) for number in numbers]

    def asked(**parameters: Any) -> list[int]:
        return [one["orderListId"] for one in all_lists(bob, **parameters)]

    assert asked(limit=2) == numbers[1:]
    assert asked(fromId=numbers[1]) == numbers[1:]
    # From the last one that a client knows on, as clients page.
    assert asked(fromId=numbers[1] + 1) == numbers[2:]
    assert asked(fromId=numbers[0], limit=1) == numbers[:1]
    second_ms = rest[0]["transactionTime"]
    assert asked(startTime=second_ms) == numbers[1:]
    assert asked(startTime=second_ms, limit=1) == numbers[1:2]
    assert asked(endTime=second_ms - 1) == numbers[:1]
    assert all_lists(alice) == []
    assert all_lists(alice, fromId=numbers[0]) == []


def test_an_entry_with_its_exits_is_one_of_all_lists(alice: BinanceClient) -> None:
    placed = place(alice, "otoco")
    (listed,) = all_lists(alice)
    assert listed["orderListId"] == placed["orderListId"]
    assert [one["orderId"] for one in listed["orders"]] == [
        one["orderId"] for one in placed["orderReports"]
    ]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"fromId": 1, "startTime": 1}, -1128),
        ({"fromId": 1, "endTime": 1}, -1128),
        ({"startTime": 2, "endTime": 1}, -1130),
        ({"limit": 0}, -1130),
        ({"fromId": "x"}, -1100),
        ({"symbol": "BTCUSDT"}, -1104),
    ],
)
def test_bad_questions_for_all_lists(bob: BinanceClient, asked: dict[str, Any], code: int) -> None:
    assert bob.signed("GET", "/api/v3/allOrderList", **asked).error[0] == code


def test_trades_of_an_order_of_a_list_tell_the_list(
    bob: BinanceClient, alice: BinanceClient
) -> None:
    placed = place(bob, "new")
    fill(alice, "BUY", "22000")
    profit = next(one for one in placed["orderReports"] if one["type"] != "STOP_LOSS_LIMIT")
    path, number = "/api/v3/myTrades", placed["orderListId"]
    (trade,) = bob.signed("GET", path, **ONE, orderId=profit["orderId"]).body
    assert trade["orderListId"] == number
    # Of all trades it would be a read for each order.
    assert [one["orderListId"] for one in bob.signed("GET", path, **ONE).body] == [-1]
    (theirs,) = alice.signed("GET", path, **ONE).body
    own = alice.signed("GET", path, **ONE, orderId=theirs["orderId"]).body
    assert [one["orderListId"] for one in own] == [-1]


# --- the order that a list is refused for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "changes", "name"),
    [
        ("new", {"quantity": "20000"}, "above"),
        ("old", {"quantity": "20000"}, "limit"),
        ("otoco", {"workingQuantity": "9000", "pendingQuantity": "9000"}, "working"),
    ],
)
def test_a_refused_list_names_the_order(
    bob: BinanceClient, alice: BinanceClient, form: str, changes: dict[str, str], name: str
) -> None:
    answer = send(alice if form == "otoco" else bob, form, **changes)
    assert answer.body["code"] == -2010
    assert answer.body["msg"] == "Account has insufficient balance for requested action."
    assert answer.body["order"] == name


def test_a_pair_of_which_one_would_trade_names_it(bob: BinanceClient, alice: BinanceClient) -> None:
    fill(alice, "BUY", "21900", "0.1")
    answer = send(bob, "new", abovePrice="21800")
    assert (answer.error[0], answer.body["order"]) == (-2010, "above")
