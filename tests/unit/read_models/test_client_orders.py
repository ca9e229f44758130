"""What is kept under a client order id: the order, or what it was rejected for."""

import pytest

from bursa.read_models.fold import Definitions, ReadModelChanges, fold
from bursa.read_models.memory import MemoryTables
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import ClientOrderRow, from_attributes
from tests.doubles.shard import ALICE, BTC_USDT, Shard, buy
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


PAIR = (
    codec.encode_place(ALICE, BTC_USDT, w.SIDE_BUY, 90, 10, command_id=(7, 1)),
    codec.encode_place(
        ALICE, BTC_USDT, w.SIDE_BUY, 130, 10, order_type=w.TYPE_STOP_LIMIT, trigger_price=120,
        command_id=(7, 2),
    ),
)  # fmt: skip
STAGED, LAST = (codec.encode_list(*PAIR)[at : at + w.COMMAND_BYTES] for at in (0, w.COMMAND_BYTES))


def test_orders_of_a_list_are_kept_under_their_client_order_ids() -> None:
    shard = Shard()
    shard.run(STAGED, LAST, client_order_ids={0: "a", 1: "b"})
    kept = folded(shard).client_orders

    assert [kept["t1-1", name].reason for name in "ab"] == [None, None]
    first, last = (kept["t1-1", name] for name in "ab")
    assert last.order_id == first.order_id + 1
    assert [first.request_digest, last.request_digest] == [
        command_digest(STAGED),
        command_digest(LAST),
    ]


def test_what_a_list_was_rejected_for_is_kept_for_all_of_its_orders() -> None:
    """The engine remembers what is staged as accepted, so nobody else says what became of it."""
    other = codec.encode_place(ALICE, BTC_USDT, w.SIDE_BUY, 110, 11, command_id=(7, 1))
    staged = codec.encode_list(other, PAIR[1])[: w.COMMAND_BYTES]
    shard = Shard()
    shard.run(staged, LAST, client_order_ids={0: "a", 1: "b"})

    assert folded(shard).client_orders == {
        ("t1-1", "a"): ClientOrderRow("t1-1", "a", 0, command_digest(staged), "invalid_list"),
        ("t1-1", "b"): ClientOrderRow("t1-1", "b", 0, command_digest(LAST), "invalid_list"),
    }


def test_a_list_under_a_used_id_uses_up_the_others_and_keeps_the_first() -> None:
    shard = Shard()
    shard.run(STAGED, LAST, client_order_ids={0: "a", 1: "b"})
    first = folded(shard).client_orders
    other = STAGED[: w.HEADER_ID_LOW * w.WORD_BYTES] + (9).to_bytes(8, "little")
    other += STAGED[w.HEADER_TIME_MS * w.WORD_BYTES :]
    shard.run(other, LAST, client_order_ids={0: "c", 1: "b"})
    kept = folded(shard).client_orders

    assert kept["t1-1", "c"].reason == "duplicate_command"
    assert {key: kept[key] for key in first} == first
