"""What a client that comes back is told, and what it costs to know it."""

from collections.abc import Iterator

import pytest

from bursa.journal.record import EncodedRecord
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data import resumption
from bursa.market_data.channels import Channel
from bursa.market_data.messages import AccountOrders, Missed, PublicTrades
from bursa.market_data.resumption import REPLAYED_MS_MAX, Resumption
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records

TENANT = AccountId.parse("t1-1").tenant
ORDERS, TRADES = Channel("orders", "t1-1"), Channel("trades", "BTC-USDT")
VIEW = Channel("book", "BTC-USDT", "20")


class Journal:
    """A shard's journal, which notes what is read."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.tables = MemoryTables(0)
        Projector(0, self.shard, self.tables, print).project(stream_records(self.shard.records))
        self.read: list[int] = []

    def definitions(self, shard: int) -> Definitions:
        return self.tables.definitions()

    def records(
        self, shard: int, first_sequence: int, last_sequence: int
    ) -> Iterator[EncodedRecord]:
        for record in self.shard.read(first_sequence, last_sequence):
            self.read.append(record.number)
            yield record

    @property
    def end(self) -> int:
        return self.shard.records[-1].last_sequence


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_what_was_missed_is_told_in_order_up_to_now(journal: Journal) -> None:
    held = journal.shard.run(buy(ALICE, 100, 5))
    journal.shard.run(sell(BOB, 100, 2))
    last = journal.shard.run(sell(BOB, 200, 1))

    positions = {ORDERS: held.time_ms, TRADES: held.time_ms, VIEW: held.time_ms}
    told = Resumption(journal).missed(0, TENANT, positions, journal.end, 1)

    assert told.keys() == {ORDERS, TRADES}
    (orders,), (trades,) = told[ORDERS], told[TRADES]
    assert isinstance(orders.facts, AccountOrders)
    assert (orders.previous_moment, orders.moment) == (held.time_ms, last.time_ms)
    assert (trades.previous_moment, trades.moment) == (held.time_ms, last.time_ms)


def test_where_nothing_happened_that_is_told(journal: Journal) -> None:
    held = journal.shard.run(buy(ALICE, 100, 5))
    (nothing,) = Resumption(journal).missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)[
        ORDERS
    ]
    assert nothing.facts == AccountOrders(())
    assert nothing.moment == held.time_ms


def test_each_record_is_read_once_however_often_somebody_comes_back(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "_LOOK_BACK", 5)
    held = journal.shard.run(buy(ALICE, 100, 5))
    for price in range(101, 121):
        journal.shard.run(buy(ALICE, price, 1))
    known = Resumption(journal)
    first = known.missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)
    for _ in range(1_000):
        assert known.missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1) == first
    journal.shard.run(sell(BOB, 120, 1))
    later = known.missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)
    assert later[ORDERS][-1].moment > first[ORDERS][-1].moment
    assert len(journal.read) == len(set(journal.read))


def test_a_record_longer_than_what_is_looked_for_is_not_passed_over(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumption, "_LOOK_BACK", 5)
    held = journal.shard.run(buy(ALICE, 100, 5))
    journal.shard.run(*(buy(ALICE, price, 1) for price in range(101, 141)))
    assert not Resumption(journal).missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)


def test_however_long_ago_nothing_of_it_is_left_out(journal: Journal) -> None:
    """How long ago is the caller's to bound: what is kept for others must not cut it."""
    held = journal.shard.run(sell(BOB, 100, 5))
    journal.shard.run(buy(ALICE, 100, 2), after_ms=REPLAYED_MS_MAX)
    journal.shard.run(buy(ALICE, 100, 1), after_ms=3 * REPLAYED_MS_MAX)
    journal.shard.run(buy(ALICE, 100, 1), after_ms=3 * REPLAYED_MS_MAX)

    for _ in range(2):
        told = Resumption(journal).missed(0, TENANT, {TRADES: held.time_ms}, journal.end, 1)
        (message,) = told[TRADES]
        facts = message.facts
        assert isinstance(facts, PublicTrades)
        assert [one.quantity for one in facts.trades] == [2, 1, 1]


@pytest.mark.parametrize("bound", ["_RECORDS_MAX", "_BYTES_MAX"])
def test_what_is_too_much_is_not_replayed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    held = journal.shard.run(buy(ALICE, 100, 5))
    for price in range(101, 111):
        journal.shard.run(buy(ALICE, price, 1))
    monkeypatch.setattr(resumption, bound, 3)
    assert not Resumption(journal).missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)


def test_nobody_is_told_of_another_tenants_records(journal: Journal) -> None:
    held = journal.shard.run(buy(ALICE, 100, 5))
    journal.shard.run(buy(ALICE, 101, 5))
    told = Resumption(journal).missed(0, TenantId(2), {TRADES: held.time_ms}, journal.end, 1)
    assert not told


def test_what_a_record_did_too_much_of_is_begun_anew(journal: Journal) -> None:
    held = journal.shard.run(buy(ALICE, 100, 5))
    journal.shard.run(*(buy(ALICE, 10, 1) for _ in range(2_001)))
    told = Resumption(journal).missed(0, TENANT, {ORDERS: held.time_ms}, journal.end, 1)
    assert not any(isinstance(one.facts, Missed) for each in told.values() for one in each)
    assert ORDERS not in told
