"""How much a level allows to trade: through the function as API Gateway calls it."""

import json
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import HeldAmounts, SubAccountsTable
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import (
    ANY,
    NOTHING,
    Allowance,
    Level,
    Levels,
    Operation,
    Requirement,
)
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from bursa.compliance.trade_limits import READING_MS_MAX
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId
from bursa.market_data.traded_value_dynamodb import TradedTables
from bursa.read_models.rows import TRADED_SCHEMA, SchemaRow, row_key, to_attributes
from tests.doubles.exchange import ALICE, BOB, BTC, TENANT, USDT, Exchange, WorkingClock, read_event
from tests.unit.conftest import Context, response_of, started_trading_api
from wire import codec
from wire import layout as w

DAY_MS = 86_400_000
# So much later what was sent is in the read models, or gone.
LATER_MS = 10_000


def level(trade: Allowance, *needs: Requirement) -> Level:
    allows = {Operation.DEPOSIT: ANY, Operation.TRADE: trade, Operation.WITHDRAW: ANY}
    return Level("some", frozenset(needs), allows)


# 1,000 USDT a day and 1,500 a month; anything.
LEVELS = Levels(
    "USDT",
    2,
    (
        level(NOTHING),
        level(Allowance(100_000, 150_000), Requirement.PERSONAL_DATA),
        level(ANY, Requirement.PERSONAL_DATA, Requirement.SELFIE),
    ),
)


class Place(NamedTuple):
    """An exchange, and a function of it that keeps what it knows."""

    exchange: Exchange
    function: ModuleType

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        account: AccountId = ALICE,
        level: int = 1,
    ) -> tuple[int, Any]:
        event = read_event("orders-place") | {"path": path, "resource": path, "httpMethod": method}
        event["body"] = None if body is None else json.dumps(body)
        event["requestContext"]["authorizer"] |= {"account": str(account), "level": str(level)}
        response = response_of(self.function.handler(event, Context()))
        return response.status, response.body

    def place(self, quantity: str, *, account: AccountId = ALICE, **changed: Any) -> Any:
        """Send an order at 20,000; return its body, or the refusal's code."""
        level = changed.pop("level", 1)
        order = {
            "market": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "price": "20000",
            "quantity": quantity,
        }
        status, body = self.send("POST", "/orders", order | changed, account=account, level=level)
        return body if status == 201 else body["code"]

    def later(self, ms: int = LATER_MS) -> None:
        self.exchange.time_ms += ms


@pytest.fixture
def place(exchange: Exchange) -> Place:
    RulesTable(exchange._dynamodb, "directory").write(
        TENANT, Rules(LEVELS, DEFAULT_POLICY, "manual")
    )
    return Place(exchange, started_trading_api(WorkingClock(exchange)))


def test_one_order_is_held_to_all_of_a_limit(place: Place) -> None:
    assert place.place("0.05000001") == "level_limit_reached"
    assert place.place("0.05")["status"] == "open"
    # Nobody counts for who may trade any amount.
    assert place.place("5", level=2)["status"] == "open"


def test_a_refusal_says_what_is_left_until_when_and_what_lifts_it(place: Place) -> None:
    place.place("0.03", side="sell", account=BOB, level=2)
    place.place("0.03")
    place.later()
    place.place("0.01")
    place.later()
    status, problem = place.send(
        "POST",
        "/orders",
        {"market": "BTC-USDT", "side": "buy", "type": "market", "quote_amount": "201"},
    )
    assert (status, problem["code"]) == (422, "level_limit_reached")
    assert problem["detail"] == (
        "Level 1 allows to trade 1000 USDT a day, of which 600 USDT is used, 200 USDT is in open "
        "orders: 201 USDT more is too much. Take at most 200 USDT, wait for 2026-11-22 00:00 UTC, "
        "or apply for level 2 with selfie."
    )


def test_what_was_traded_counts_for_its_day_and_its_month(place: Place) -> None:
    place.place("1", side="sell", account=BOB, level=2)
    assert place.place("0.05")["status"] == "filled"
    place.later()
    assert place.place("0.001") == "level_limit_reached"
    place.later(DAY_MS)
    assert place.place("0.03") == "level_limit_reached"
    assert place.place("0.025")["status"] == "filled"
    place.later(DAY_MS)
    assert place.place("0.001") == "level_limit_reached"
    place.later(10 * DAY_MS)
    assert place.place("0.05")["status"] == "filled"


@pytest.mark.parametrize("schema", [None, TRADED_SCHEMA - 1, TRADED_SCHEMA])
def test_nobody_trades_by_a_limit_that_lacks_what_was_traded_before_an_upgrade(
    place: Place, schema: int | None
) -> None:
    place.place("0.05", side="sell", account=BOB, level=2)
    assert place.place("0.05")["status"] == "filled"
    # As rows of older software are: amounts since the upgrade alone, and no word of others.
    forget_amounts(place.exchange, schema)
    fresh = place._replace(function=started_trading_api(WorkingClock(place.exchange)))
    fresh.later()
    if schema == TRADED_SCHEMA:
        assert fresh.place("0.05")["status"] == "open"
        return
    order = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "2", "quantity": "1"}
    status, problem = fresh.send("POST", "/orders", order | {"client_order_id": "one"})
    assert (status, problem["code"]) == (503, "level_limits_unavailable")
    # Neither who may trade any amount nor a cancel waits for it.
    assert fresh.send("POST", "/orders", order | {"client_order_id": "two"}, level=2)[0] == 201
    assert fresh.send("DELETE", "/orders")[0] == 200
    # As `make rebuild` leaves it, which adds amounts up first.
    forget_amounts(place.exchange, TRADED_SCHEMA)
    assert fresh.send("POST", "/orders", order | {"client_order_id": "one"})[0] == 201


def forget_amounts(exchange: Exchange, schema: int | None) -> None:
    """Remove what Alice has traded, and have the rows be of a schema; of none that is known."""
    table = exchange._dynamodb
    key = {":owner": {"S": keys.traded(keys.account(ALICE))}}
    rows = table.query(
        TableName="balances", KeyConditionExpression="pk = :owner", ExpressionAttributeValues=key
    )["Items"]
    for row in rows:
        table.delete_item(TableName="balances", Key={name: row[name] for name in ("pk", "sk")})
    where = row_key(keys.progress(0), keys.READ_MODELS_SCHEMA)
    table.delete_item(TableName="progress", Key=where)
    if schema is not None:
        table.put_item(TableName="progress", Item=where | to_attributes(SchemaRow(0, schema)))


def test_what_was_sent_counts_before_it_is_readable_and_what_is_gone_does_not(place: Place) -> None:
    place.exchange.project = False
    order = place.place("0.03", client_order_id="first")
    assert place.place("0.03") == "level_limit_reached"
    # The same one again is no second one.
    assert place.place("0.03", client_order_id="first")["order_id"] == order["order_id"]
    assert place.send("DELETE", f"/orders/{order['order_id']}", level=0)[0] == 200
    place.later()
    assert place.place("0.03")["status"] == "open"


def test_what_is_read_too_slowly_is_not_believed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAmounts.held

    def slowly(self: HeldAmounts, owner: AccountId) -> Any:
        place.exchange.time_ms += READING_MS_MAX + 1
        return held(self, owner)

    monkeypatch.setattr(HeldAmounts, "held", slowly)
    assert place.place("0.01") == "level_limits_unavailable"
    monkeypatch.undo()
    assert place.place("0.01")["status"] == "open"


def test_who_has_used_up_a_limit_learns_what_became_of_an_earlier_order(place: Place) -> None:
    order = place.place("0.05", client_order_id="mine")
    place.later()
    assert place.place("0.05", client_order_id="mine")["order_id"] == order["order_id"]
    assert place.place("0.05", client_order_id="other") == "level_limit_reached"


def test_open_orders_are_made_smaller_and_cancelled_but_not_larger(place: Place) -> None:
    order_id = place.place("0.04")["order_id"]
    path = f"/orders/{order_id}"
    place.later()
    for change, status in (
        ({"quantity": "0.051"}, 422),
        ({"price": "26000"}, 422),
        ({"quantity": "0.05"}, 200),
        ({"quantity": "0.01"}, 200),
    ):
        place.later()
        assert place.send("PATCH", path, change)[0] == status, change
    # Also without any level.
    assert place.send("PATCH", path, {"quantity": "0.005"}, level=0)[0] == 200
    assert place.send("PATCH", path, {"quantity": "0.01"}, level=0)[0] == 422
    assert place.send("DELETE", path, level=0)[0] == 200


def test_an_order_that_replaces_another_counts_for_what_it_adds(place: Place) -> None:
    order_id = place.place("0.04")["order_id"]
    place.later()
    path = f"/orders/{order_id}/replace"
    assert place.send("POST", path, {"quantity": "0.051"})[1]["code"] == "level_limit_reached"
    assert place.send("POST", path, {"quantity": "0.05"})[0] in {200, 201}


def test_a_batch_is_allowed_as_a_whole(place: Place) -> None:
    def batch(*quantities: str) -> tuple[int, Any]:
        operations = [
            {
                "op": "place",
                "market": "BTC-USDT",
                "side": "buy",
                "type": "limit",
                "price": "20000",
                "quantity": one,
            }
            for one in quantities
        ]
        return place.send("POST", "/orders/batch", {"operations": operations})

    assert batch("0.03", "0.03")[1]["code"] == "level_limit_reached"
    assert batch("0.03", "0.02")[0] == 200
    assert batch("0.001")[1]["code"] == "level_limit_reached"


@pytest.mark.parametrize("op", ["amend", "replace"])
def test_changes_in_a_batch_count_as_they_do_alone(place: Place, op: str) -> None:
    order_id = place.place("0.04")["order_id"]
    place.later()

    def change(quantity: str) -> tuple[int, Any]:
        operation = {"op": op, "order_id": order_id, "quantity": quantity}
        return place.send("POST", "/orders/batch", {"operations": [operation]})

    assert change("0.051")[1]["code"] == "level_limit_reached"
    assert change("0.05")[0] == 200


def test_a_users_accounts_count_together(place: Place) -> None:
    sub = ALICE.sub_account(1)
    table = SubAccountsTable(place.exchange._dynamodb, "directory")
    assert table.replace(ALICE, SubAccountList({1: SubAccount(sub, "bot", 1)}, 0))
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, sub.number, USDT, 10**16)])
    place.place("0.03", account=sub)
    place.later()
    assert place.place("0.03") == "level_limit_reached"
    assert place.place("0.03", account=sub) == "level_limit_reached"
    assert place.place("0.02")["status"] == "open"


def test_what_has_no_price_is_refused_and_gets_one_by_a_trade(place: Place) -> None:
    market = {"market": "BTC-USDT", "type": "market", "side": "sell"}
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    assert place.place("0.01", market="BTC-IDR", price="100000000") == "no_reference_price"
    assert place.send("POST", "/orders", market | {"quantity": "0.01"})[1]["code"] == (
        "no_reference_price"
    )
    place.place("0.004", account=BOB, level=2)
    place.place("0.001", side="sell", level=2)
    # Prices are kept for some seconds.
    place = place._replace(function=started_trading_api(WorkingClock(place.exchange)))
    assert place.send("POST", "/orders", market | {"quantity": "0.02"})[0] == 201
    place.later()
    assert place.send("POST", "/orders", market | {"quantity": "0.05"})[1]["code"] == (
        "level_limit_reached"
    )


def test_sales_that_rest_above_the_market_count_at_their_own_prices(place: Place) -> None:
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    place.place("0.004", account=BOB, level=2)
    place.place("0.001", side="sell", level=2)
    for _ in range(9):
        place.later()
        assert place.place("0.0002", side="sell", price="500000")["status"] == "open"
    place.later()
    assert place.place("0.0002", side="sell", price="500000") == "level_limit_reached"
    # What was traded, 20, and nine times 100 leave 80.
    assert place.place("0.004001") == "level_limit_reached"
    assert place.place("0.004")["status"] == "open"


def test_a_market_order_counts_at_the_book_after_a_low_print(place: Place) -> None:
    place.place("0.02", side="sell", price="1000", account=BOB, level=2)
    place.place("0.02", price="1000", level=2)
    place.later()
    place.place("0.9", side="sell", account=BOB, level=2)
    market = {"market": "BTC-USDT", "side": "buy", "type": "market"}
    refused = place.send("POST", "/orders", market | {"quantity": "0.9"})
    assert refused[1]["code"] == "level_limit_reached"
    assert place.send("POST", "/orders", market | {"quantity": "0.04"})[0] == 201


def test_a_trailing_stop_counts_at_what_is_held_for_it(place: Place) -> None:
    place.place("0.001", level=2)
    place.place("0.001", side="sell", account=BOB, level=2)
    place.later()
    order = {"market": "BTC-USDT", "side": "buy", "type": "trailing_stop_market"}

    def trail(quantity: str, amount: str) -> tuple[int, Any]:
        return place.send("POST", "/orders", order | {"quantity": quantity, "trail_amount": amount})

    assert trail("0.045", "100000")[1]["code"] == "level_limit_reached"
    # Twice 20,100 are held for each.
    status, placed = trail("0.01", "100")
    assert status == 201
    place.later()
    path = f"/orders/{placed['order_id']}"
    refused = place.send("PATCH", path, {"trail_amount": "900000"})
    assert refused[1]["code"] == "level_limit_reached"
    assert place.send("PATCH", path, {"trail_amount": "200"})[0] == 200


def test_sales_count_in_a_market_that_has_never_traded(place: Place) -> None:
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    assert place.place("0.0005", side="sell", price="1000000")["status"] == "open"
    place.later()
    assert place.place("0.0006", side="sell", price="1000000") == "level_limit_reached"
    sub = ALICE.sub_account(1)
    table = SubAccountsTable(place.exchange._dynamodb, "directory")
    assert table.replace(ALICE, SubAccountList({1: SubAccount(sub, "bot", 1)}, 0))
    assert place.place("0.0006", side="sell", price="1000000", account=sub) == (
        "level_limit_reached"
    )


def test_an_open_order_that_nothing_values_is_refused(place: Place) -> None:
    """It was placed while the level allowed any amount."""
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    order = place.place("0.01", market="BTC-IDR", price="100000000", side="sell", level=2)
    place.later()
    assert place.place("0.01") == "no_reference_price"
    place.send("DELETE", f"/orders/{order['order_id']}", level=0)
    assert place.place("0.01")["status"] == "open"


def test_what_fills_while_it_is_counted_counts_twice_and_not_never(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.place("0.04")
    place.later()
    traded = TradedTables.traded

    def filled_before(self: TradedTables, *args: Any) -> Any:
        monkeypatch.undo()
        place.place("0.04", side="sell", account=BOB, level=2)
        return traded(self, *args)

    monkeypatch.setattr(TradedTables, "traded", filled_before)
    assert place.place("0.02") == "level_limit_reached"
    assert place.place("0.01")["status"] == "open"


def test_a_sale_below_the_market_counts_at_the_market(place: Place) -> None:
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    place.place("0.004", account=BOB, level=2)
    place.place("0.001", side="sell", level=2)
    place.later()
    assert place.place("0.05", side="sell", price="1000") == "level_limit_reached"


def listed(place: Place, wanted: dict[str, Any], level: int = 1) -> tuple[int, Any]:
    return place.send("POST", "/order-lists", wanted, level=level)


def pair_of(quantity: str, price: str = "22000") -> list[dict[str, str]]:
    order = {"market": "BTC-USDT", "side": "sell", "quantity": quantity}
    return [
        order | {"price": price},
        order | {"type": "stop_limit", "trigger_price": "18000", "price": "18000"},
    ]


def test_of_a_pair_the_larger_counts_when_it_is_sent_and_while_it_is_open(place: Place) -> None:
    place.exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, BTC, 10**8)])
    place.place("0.001", level=2)
    place.place("0.001", side="sell", account=BOB, level=2)
    place.later()
    refused = listed(place, {"type": "oco", "orders": pair_of("0.05")})
    assert (refused[0], refused[1]["code"]) == (422, "level_limit_reached")
    # Traded are 20, and the pair is worth 880.
    assert listed(place, {"type": "oco", "orders": pair_of("0.04")})[0] == 201
    place.later()
    assert place.place("0.005001") == "level_limit_reached"
    assert place.place("0.005")["status"] == "open"


def test_an_entry_and_its_exits_count_from_the_start(place: Place) -> None:
    place.place("0.001", level=2)
    place.place("0.001", side="sell", account=BOB, level=2)
    place.later()
    entry = {"market": "BTC-USDT", "side": "buy", "quantity": "0.02", "price": "20000"}

    def bracket(price: str) -> dict[str, Any]:
        return {"type": "bracket", "entry": entry, "exits": pair_of("0.02", price)}

    # Traded are 20; an entry for 400, and exits for as much as the larger.
    assert listed(place, bracket("29001"))[1]["code"] == "level_limit_reached"
    status, placed = listed(place, bracket("24000"))
    assert status == 201
    place.later()
    assert place.place("0.005001") == "level_limit_reached"
    assert place.send("DELETE", f"/order-lists/{placed['list_id']}", level=0)[0] == 200
    place.later()
    assert place.place("0.049")["status"] == "open"


def test_a_list_needs_a_level_that_may_trade(place: Place) -> None:
    refused = listed(place, {"type": "oco", "orders": pair_of("0.01")}, level=0)
    assert (refused[0], refused[1]["code"]) == (422, "level_too_low")
