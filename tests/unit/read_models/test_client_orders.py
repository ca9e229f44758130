"""What is kept under a client order id: the order, or what it was rejected for."""

import pytest

from bursa.read_models.fold import Definitions, ReadModelChanges, fold
from bursa.read_models.memory import MemoryTables
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import ClientOrderRow, from_attributes
from tests.doubles.shard import ALICE, Shard, buy
from wire import codec
from wire import layout as w
from wire.digests import command_digest


def folded(shard: Shard) -> ReadModelChanges:
    return fold(shard.plain(), Definitions())


REFUSED = ClientOrderRow(
    "t1-1", "mine", 0, command_digest(buy(ALICE, 23_512, 10**12)), "insufficient_balance"
)


def test_a_rejected_order_is_kept_under_its_client_order_id() -> None:
    shard = Shard()
    shard.run(
        buy(ALICE, 23_512, 10**12, command_id=(7, 7)),
        buy(ALICE, 23_512, 10**12),
        client_order_ids={0: "mine"},
    )
    # The same once more says nothing new.
    shard.run(buy(ALICE, 23_512, 1, command_id=(7, 7)), client_order_ids={0: "mine"})

    assert folded(shard).client_orders == {("t1-1", "mine"): REFUSED}


@pytest.mark.parametrize("placed_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_rejection_never_takes_the_place_of_an_order(placed_first: bool, together: bool) -> None:
    """Whichever is decided first, once the engine has forgotten the id."""
    shard = Shard()
    orders = [buy(ALICE, 23_512, 1_000), buy(ALICE, 23_512, 10**12)]
    if not placed_first:
        orders.reverse()
    if together:
        shard.run(*orders, client_order_ids={0: "mine", 1: "mine"})
    else:
        for order in orders:
            shard.run(order, client_order_ids={0: "mine"})
    tables = MemoryTables(0)

    records = shard.plain()
    for run in [records] if together else [[one] for one in records]:
        tables.write(fold(run, tables.definitions()))

    stored = tables.items[Table.ORDERS]["t1-1", "client#mine"]
    assert from_attributes(ClientOrderRow, stored).order_id > 0


def test_a_command_that_ends_workers_is_known_by_its_client_order_id() -> None:
    shard = Shard()
    shard.run(codec.encode_reject(ALICE, w.REASON_INTERNAL_ERROR), client_order_ids={0: "mine"})

    assert folded(shard).client_orders == {
        ("t1-1", "mine"): ClientOrderRow("t1-1", "mine", 0, b"", "internal_error")
    }


def test_a_rejection_of_no_account_is_passed_over() -> None:
    shard = Shard()
    shard.run(buy(0, 23_512, 1_000), client_order_ids={0: "mine"})

    assert folded(shard).client_orders == {}
