"""Another wire over the same use cases: tag=value text with bars, as FIX has it.

    35=D|55=BTC-USDT|54=1|44=20000|38=1|11=mine    place
    35=F|41=mine  or  35=F|37=<order id>           cancel
    35=q|55=BTC-USDT                               cancel all
    35=E|73=<messages with commas, by semicolon>   batch

It imports nothing of the native dialect, and no use case knows of it.
"""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from bursa.bootstrap.trading import Trading, open_trading
from bursa.intake.submission import Pending, SubmitOptions
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import SYSTEM, AccountId
from bursa.kernel.markets import Market
from bursa.kernel.settings import TradingApiSettings, read_settings
from bursa.trading.catalogue import MarketCatalogue, named_market
from bursa.trading.commands import Batch, CancelAllOrders, CancelOrder, PlaceOrder
from bursa.trading.orders import OrderStatus, OrderType, OrderView, Side, TimeInForce
from bursa.trading.outcomes import (
    OperationFailed,
    OrderAlreadyClosed,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrdersCancelled,
    PendingOrder,
)
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock
from wire import layout as w

SIDES = {"1": Side.BUY, "2": Side.SELL}
TIMES_IN_FORCE = {"1": TimeInForce.GTC, "3": TimeInForce.IOC, "4": TimeInForce.FOK}
STATUSES = {
    OrderStatus.OPEN: "0",
    OrderStatus.PARTIALLY_FILLED: "1",
    OrderStatus.FILLED: "2",
    OrderStatus.CANCELLED: "4",
}

Fields = dict[str, str]


class ToyDialect:
    """Reads a message, hands the typed command on, and writes the outcome as a message."""

    def __init__(self, trading: Trading) -> None:
        self._use_cases = trading.use_cases
        self._catalogue: MarketCatalogue = trading.catalogue

    def __call__(self, account: AccountId, message: str, *, key: str | None = None) -> str:
        try:
            return self._carry_out(account, read(message), SubmitOptions(SYSTEM, key))
        except BursaError as error:
            return f"35=3|58={error.code}"

    def _carry_out(self, account: AccountId, fields: Fields, options: SubmitOptions) -> str:
        match fields["35"]:
            case "D":
                order = self._order(account, fields)
                return report(self._use_cases.place(account, order, options))
            case "F":
                return report(self._use_cases.cancel(account, cancel(fields), options))
            case "q":
                command = CancelAllOrders(self._market(account, fields))
                return report(self._use_cases.cancel_all(account, command, options))
            case _:
                parts = [read(part.replace(",", "|")) for part in fields["73"].split(";")]
                batch = Batch(tuple(self._operation(account, part) for part in parts))
                outcomes = self._use_cases.batch(account, batch, options)
                if isinstance(outcomes, Pending):
                    return report(outcomes)
                return "\n".join(report(outcome) for outcome in outcomes)

    def _operation(self, account: AccountId, fields: Fields) -> PlaceOrder | CancelOrder:
        return cancel(fields) if fields["35"] == "F" else self._order(account, fields)

    def _order(self, account: AccountId, fields: Fields) -> PlaceOrder:
        market = self._market(account, fields)
        limit = "44" in fields
        return PlaceOrder(
            market=market,
            side=SIDES[fields["54"]],
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            time_in_force=TIMES_IN_FORCE[fields.get("59", "1" if limit else "3")],
            price=market.price_ticks(fields["44"]) if limit else Ticks(0),
            quantity=market.quantity_lots(fields["38"]) if "38" in fields else Lots(0),
            client_order_id=fields.get("11"),
        )

    def _market(self, account: AccountId, fields: Fields) -> Market:
        return named_market(self._catalogue, account.tenant, fields["55"])


def read(message: str) -> Fields:
    return dict(field.split("=", 1) for field in message.split("|"))


def cancel(fields: Fields) -> CancelOrder:
    if "37" in fields:
        return CancelOrder(order_id=int(fields["37"]))
    return CancelOrder(client_order_id=fields["41"])


def report(outcome: object) -> str:
    match outcome:
        case OrderPlaced():
            fills = [outcome.order.market.units.price_text(fill.price) for fill in outcome.fills]
            return "|".join([state(outcome.order), *(f"31={price}" for price in fills)])
        case OrderCancelled():
            return state(outcome.order)
        case OrdersCancelled():
            return f"35=r|533={outcome.count}"
        case OrderRejected():
            return f"35=8|39=8|103={outcome.reason}"
        case OrderAlreadyClosed():
            return f"35=9|37={outcome.order_id}"
        case OperationFailed():
            return f"35=3|58={outcome.error.code}"
        case PendingOrder():
            return f"35=8|39=A|11={outcome.client_order_id}|37={outcome.order_id}"
        case Pending():
            return f"35=8|39=A|880={outcome.request_key}"
        case _:
            raise AssertionError(outcome)


def state(order: OrderView) -> str:
    units = order.market.units
    return "|".join(
        [
            f"35=8|39={STATUSES[order.status]}",
            f"14={units.quantity_text(order.filled_quantity)}",
            f"151={units.quantity_text(order.remaining_quantity)}",
        ]
    )


Send = Callable[..., str]


@pytest.fixture
def send(exchange: Exchange, clock: WorkingClock) -> Send:
    return ToyDialect(open_trading(read_settings(TradingApiSettings), clock))


BUY = "35=D|55=BTC-USDT|54=1|44=20000|38=1"
SELL = "35=D|55=BTC-USDT|54=2|44=20000|38=1"


def test_an_order_rests_trades_and_is_cancelled(send: Send) -> None:
    assert send(ALICE, f"{BUY}|11=mine") == "35=8|39=0|14=0|151=1"
    assert send(BOB, SELL.replace("38=1", "38=0.4")) == "35=8|39=2|14=0.4|151=0|31=20000"
    assert send(ALICE, "35=F|41=mine") == "35=8|39=4|14=0.4|151=0.6"


def test_the_same_client_order_id_is_the_same_order(send: Send) -> None:
    first = send(ALICE, f"{BUY}|11=mine")
    assert send(ALICE, f"{BUY}|11=mine") == first
    assert send(ALICE, f"{BUY.replace('38=1', '38=2')}|11=mine") == "35=3|58=client_order_id_reused"


def test_a_rejection_by_the_engine_is_a_value(send: Send) -> None:
    refused = f"35=8|39=8|103={w.REASON_INSUFFICIENT_BALANCE}"
    assert send(BOB, SELL.replace("38=1", "38=1000")) == refused
    assert send(ALICE, "35=F|37=999999") == f"35=8|39=8|103={w.REASON_UNKNOWN_ORDER}"


def test_an_order_that_is_closed_already_is_named_by_its_id(send: Send) -> None:
    send(ALICE, f"{BUY}|11=mine")
    send(ALICE, "35=F|41=mine")
    assert send(ALICE, "35=F|41=mine").startswith("35=9|37=")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(BUY.replace("BTC-USDT", "X-Y"), "unknown_market", id="market"),
        pytest.param(BUY.replace("20000", "0.001"), "price_off_tick", id="price"),
        pytest.param(BUY.replace("38=1", "38=0.00000001"), "notional_too_small", id="value"),
        pytest.param(
            "35=D|55=BTC-USDT|54=1|38=1|59=1", "invalid_time_in_force", id="market-order-that-rests"
        ),
    ],
)
def test_what_is_refused_before_it_is_sent(
    send: Send, exchange: Exchange, message: str, code: str
) -> None:
    records = len(exchange.records)
    assert send(ALICE, message) == f"35=3|58={code}"
    assert len(exchange.records) == records


def test_a_batch_is_carried_out_in_order_in_one_message(send: Send, exchange: Exchange) -> None:
    records = len(exchange.records)
    parts = [f"{BUY}|11=a", "35=F|41=a", SELL, "35=F|41=a"]
    batch = ";".join(part.replace("|", ",") for part in parts)
    placed, cancelled, sold, again = send(ALICE, f"35=E|73={batch}").splitlines()
    assert (placed, cancelled) == ("35=8|39=0|14=0|151=1", "35=8|39=4|14=0|151=1")
    assert sold == f"35=8|39=8|103={w.REASON_INSUFFICIENT_BALANCE}"
    assert again == f"35=8|39=8|103={w.REASON_UNKNOWN_ORDER}"
    assert len(exchange.records) == records + 1


def test_all_orders_of_a_market_are_cancelled(send: Send) -> None:
    for number in range(3):
        send(ALICE, f"{BUY}|11={number}")
    assert send(ALICE, "35=q|55=BTC-USDT") == "35=r|533=3"


def test_what_is_not_decided_in_time_says_how_to_ask_again(send: Send, exchange: Exchange) -> None:
    exchange.asleep = True
    assert send(ALICE, f"{BUY}|11=mine") == "35=8|39=A|11=mine|37=None"
    assert send(ALICE, BUY, key="k1") == "35=8|39=A|880=k1"
    assert send(ALICE, "35=F|37=7", key="k2") == "35=8|39=A|11=None|37=7"
    exchange.asleep = False
    assert send(ALICE, BUY, key="k1") == "35=8|39=0|14=0|151=1"


def test_it_knows_nothing_of_the_native_dialect() -> None:
    tree = ast.parse(Path(__file__).read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.startswith("bursa.dialects")]
