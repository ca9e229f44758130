"""The fills of an order that comes again: little more is read than the response lists."""

from collections.abc import Iterable

import msgspec
import pytest

from bursa.accounts.dynamodb import FillsTable
from bursa.intake.outcomes import LISTED_MAX
from bursa.kernel import keys
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import (
    FillRow,
    row_key,
    to_attributes,
)
from bursa.trading import batch
from tests.doubles.exchange import BOB
from tests.doubles.metered_tables import MeteredTable
from tests.unit.conftest import Send

ACCOUNT = AccountId(TenantId(1), 1)
ORDER, STOP = 70_000, 60_000
EVER = 1 << 40

FILL = FillRow(
    str(ACCOUNT), 0, ORDER, "BTC-USDT", "buy", "taker", Ticks(6_000_000),
    Lots(2), Units(6 * 10**12), Units(10), "BTC", 1_795_291_200_000, ORDER,
)  # fmt: skip


def fills(count: int, order_id: int = ORDER, *roles: str) -> list[tuple[int, str]]:
    """Return order and role of one fill after the other; those of a trade in one."""
    return [(order_id, role) for _ in range(count) for role in (roles or ("taker",))]


def table(sides: Iterable[tuple[int, str]]) -> MeteredTable:
    metered = MeteredTable("fills")
    trade_id, before = 0, "taker"
    for order_id, role in sides:
        trade_id += (before, role) != ("maker", "taker")
        before = role
        row = msgspec.structs.replace(FILL, trade_id=trade_id, order_id=order_id, role=role)
        key = row_key(str(ACCOUNT), keys.fill(trade_id, ORDER, role))
        metered.put(to_attributes(row) | key)
    return metered


@pytest.mark.parametrize(
    ("sides", "filled", "listed", "units_max"),
    [
        pytest.param(fills(50_000, STOP), 0, 0, 0, id="rests, and then its stops trade"),
        pytest.param(fills(3) + fills(50_000, STOP), 6, 3, 1, id="few, and then its stops trade"),
        pytest.param(
            fills(3) + fills(50_000, STOP), 10, 3, 1, id="few, later more, and its stops trade"
        ),
        pytest.param(
            fills(3) + fills(50_000, STOP, "maker"), 10, 3, 1, id="few, and others meet its orders"
        ),
        pytest.param(fills(400), 800, 400, 13, id="a sweep"),
        pytest.param(fills(5_000), 10_000, 1_000, 31, id="a large sweep"),
        pytest.param(fills(5_000), EVER, 1_000, 31, id="a large sweep, later more"),
        pytest.param(
            fills(5_000, ORDER, "maker", "taker"), EVER, 1_000, 61, id="a large sweep of its own"
        ),
        pytest.param(
            fills(900, STOP, "maker") + fills(5), 10, 5, 31, id="after an auction of its orders"
        ),
        pytest.param(fills(50_000, STOP), 10, 0, 61, id="filled later, its stops traded at once"),
    ],
)  # fmt: skip
def test_a_repeat_reads_little_more_than_it_lists(
    sides: list[tuple[int, str]], filled: int, listed: int, units_max: float
) -> None:
    metered = table(sides)

    found = FillsTable(metered, "fills").at_placement(  # type: ignore[arg-type]
        ACCOUNT, ORDER, Lots(filled), LISTED_MAX
    )

    assert len(found) == listed
    assert {(row.order_id, row.role) for row in found} <= {(ORDER, "taker")}
    assert [row.trade_id for row in found] == sorted(row.trade_id for row in found)
    assert metered.units <= units_max


def test_a_batch_that_comes_again_reads_as_much_as_one_order(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy = {"op": "place", "market": "BTC-USDT", "side": "buy", "price": "20000", "quantity": "0.1"}
    sell = buy | {"side": "sell", "quantity": "0.4"}
    send("POST", "/orders/batch", {"operations": [buy] * 12})
    sweeps = {"operations": [sell | {"client_order_id": name} for name in "abc"]}
    send("POST", "/orders/batch", sweeps, account=BOB)
    monkeypatch.setattr(batch, "LISTED_MAX", 6)

    repeated = send("POST", "/orders/batch", sweeps, account=BOB)

    orders = [result["order"] for result in repeated.body["results"]]
    assert [order["filled_quantity"] for order in orders] == ["0.4"] * 3
    assert [len(order["fills"]) for order in orders] == [4, 2, 0]
