"""What users trade each day, and what markets' days end at, from the journal."""

import pytest

from bursa.kernel.amounts import Ticks
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.fold import Definitions, fold
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import from_attributes
from bursa.read_models.traded_rows import DAY_MS, ClosingPriceRow, TradedRow, not_added
from tests.doubles.shard import ALICE, BOB, BTC, NOON_MS, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

TODAY = NOON_MS // DAY_MS
BOBS_SUB_ACCOUNT = AccountId(TenantId(1), 2).sub_account(1).number


def traded(shard: Shard) -> dict[tuple[str, int, str], int]:
    changes = fold(shard.plain(), Definitions())
    return {key: sum(additions.values()) for key, additions in changes.traded.items()}


def test_both_sides_of_a_trade_count_and_nothing_that_rests() -> None:
    shard = Shard()
    shard.run(buy(ALICE, 100, 10), buy(ALICE, 90, 50), sell(BOB, 100, 4), sell(BOB, 100, 1))

    assert traded(shard) == {("t1-1", TODAY, "USDT"): 500, ("t1-2", TODAY, "USDT"): 500}


def test_sub_accounts_count_with_their_user() -> None:
    shard = Shard()
    credit = codec.encode_funds(w.COMMAND_CREDIT, BOBS_SUB_ACCOUNT, BTC, 100)
    shard.run(credit, buy(ALICE, 100, 10), sell(BOB, 100, 4), sell(BOBS_SUB_ACCOUNT, 100, 5))

    assert traded(shard)["t1-2", TODAY, "USDT"] == 900


def test_a_day_is_utcs_and_ends_at_its_last_price() -> None:
    shard = Shard()
    until_midnight = DAY_MS - shard.time_ms % DAY_MS
    shard.run(buy(ALICE, 100, 10), sell(BOB, 100, 1), after_ms=until_midnight - 1)
    shard.run(sell(BOB, 100, 2), buy(ALICE, 101, 1), sell(BOB, 101, 1), after_ms=1)

    changes = fold(shard.plain(), Definitions())

    assert traded(shard)["t1-1", TODAY, "USDT"] == 100
    assert traded(shard)["t1-1", TODAY + 1, "USDT"] == 301
    closing = changes.closing_prices
    assert [(day, row.price) for (_, _, day), row in closing.items()] == [
        (TODAY, 100),
        (TODAY + 1, 101),
    ]
    assert closing["t1", "BTC-USDT", TODAY] == ClosingPriceRow(
        "t1", "BTC-USDT", TODAY, Ticks(100), closing["t1", "BTC-USDT", TODAY].sequence
    )


@pytest.mark.parametrize("size", [1, 2, 7], ids="portions of {}".format)
def test_projectors_that_come_again_in_other_portions_add_nothing_twice(size: int) -> None:
    shard = Shard()
    for price in range(90, 104):
        shard.run(buy(ALICE, price, 3), sell(BOB, price, 2), sell(BOB, price, 1))
    tables = MemoryTables(0)

    def unexpected(error: Exception) -> None:
        raise AssertionError(error)

    for start in range(0, len(shard.records), size):
        part = stream_records(shard.records[start : start + size])
        # What a projector writes before it ends without saying how far it is.
        changes = fold(
            [record for record in shard.plain() if record.number <= start + size], Definitions()
        )
        tables.write(changes)
        Projector(0, shard, tables, unexpected).project(part)
        tables.write(changes)

    rows = [
        from_attributes(TradedRow, item)
        for (partition, _), item in tables.items[Table.BALANCES].items()
        if partition.endswith("#traded")
    ]
    total = 3 * sum(range(90, 104))
    assert {(row.account, row.day, row.asset, row.amount) for row in rows} == {
        ("t1-1", TODAY, "USDT", total),
        ("t1-2", TODAY, "USDT", total),
    }


def test_what_a_row_has_is_not_added() -> None:
    assert not_added({3: 10, 5: 20, 9: 1}, 5) == {9: 1}
    assert not_added({3: 10}, 0) == {3: 10}
