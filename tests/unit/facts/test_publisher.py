"""How facts get on the bus beside the read models, and what happens when they can't."""

import pytest

from bursa.facts import kinds, publisher
from bursa.journal.record import EncodedRecord
from bursa.kernel.errors import Unavailable
from tests.doubles.facts import Killed, Steps, Told
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell

ORDERS = [kinds.ORDER_DONE, kinds.TRADE_EXECUTED]


def traded(shard: Shard, times: int = 1) -> list[EncodedRecord]:
    """Run so many batches of one trade each."""
    return [shard.run(buy(ALICE, 100, 1), sell(BOB, 100, 1)) for _ in range(times)]


def test_a_run_puts_its_facts_once_and_keeps_its_position() -> None:
    told = Told(chosen=ORDERS)
    traded(told.shard)
    told.project()
    told.project()
    assert told.bus.kinds == ["order.done", "order.done", "trade.executed"]
    assert told.counted == 3
    assert told.position.sequence == told.shard.records[-1].last_sequence
    assert told.catch_up() == 0


@pytest.mark.parametrize("chosen", [[], [kinds.ORDER_UNFILLED]])
def test_kinds_that_are_not_chosen_are_not_put(chosen: list[str]) -> None:
    told = Told(chosen=chosen)
    traded(told.shard)
    told.project()
    assert told.bus.details == []


def test_who_ends_between_put_and_keep_puts_the_same_again() -> None:
    told = Told(chosen=ORDERS)
    told.project()
    told.restart()
    (record,) = traded(told.shard)
    told.position.steps = Steps(kill_at=1)
    with pytest.raises(Killed):
        told.project([record])
    told.restart()
    told.project([record])
    assert len(told.bus.details) == 6
    assert told.bus.details[:3] == told.bus.details[3:]


def test_an_exchange_that_gets_facts_later_begins_where_it_is() -> None:
    told = Told(chosen=ORDERS)
    traded(told.shard)
    without = Told(told.shard, chosen=[])
    without.position.keep = lambda sequence: sequence  # type: ignore[method-assign]
    without.project()
    told.tables = without.tables
    told.restart()
    traded(told.shard)
    told.project()
    assert len(told.bus.details) == 3


def test_a_bus_that_is_down_holds_up_no_read_model_and_is_left_alone_for_a_while() -> None:
    told = Told(chosen=ORDERS)
    told.bus.is_down = True
    traded(told.shard, 2)
    told.project()
    told.project(traded(told.shard))
    progress = told.tables.progress()
    assert progress is not None
    assert progress.sequence == told.shard.records[-1].last_sequence
    assert [type(error) for error in told.failures] == [Unavailable]

    told.bus.is_down = False
    told.project(traded(told.shard))
    assert told.bus.details == []
    told.clock.now += publisher.PAUSE_MS
    told.project(traded(told.shard))
    assert len(told.bus.details) == 15
    assert len(set(told.bus.ids())) == 15


def test_what_is_left_behind_is_put_by_the_schedule() -> None:
    told = Told(chosen=ORDERS)
    told.bus.is_down = True
    traded(told.shard, 50)
    told.project()
    assert told.catch_up_fails()
    told.bus.is_down = False
    assert told.catch_up() == 0
    assert len(set(told.bus.ids())) == len(told.bus.details) == 150


def test_the_schedule_leaves_alone_what_somebody_is_at() -> None:
    told = Told(chosen=ORDERS)
    told.bus.is_down = True
    traded(told.shard, 3)
    told.project()
    told.bus.is_down = False
    told.clock.while_asleep = lambda: told.position.keep(told.shard.records[1].last_sequence)
    assert told.catch_up() > 0
    assert told.bus.details == []


def test_the_schedule_ends_when_its_time_is_over() -> None:
    told = Told(chosen=ORDERS)
    told.bus.is_down = True
    traded(told.shard, 50)
    told.project()
    told.bus.is_down = False
    last = told.shard.records[-1].last_sequence
    times = iter([True, False])
    left = told.new_publisher().catch_up(last, lambda: next(times))
    assert 0 < left < last
    assert told.catch_up() == 0
    assert len(told.bus.details) == 150


def test_more_than_the_read_models_wait_for_is_left_to_the_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publisher, "FACTS_PER_RUN_MAX", 5)
    told = Told(chosen=ORDERS)
    told.project()
    told.project(traded(told.shard, 2))
    assert told.bus.details == []
    told.project(traded(told.shard))
    assert told.bus.details == []
    assert told.catch_up() == 0
    assert len(told.bus.details) == 9
    told.project(traded(told.shard))
    assert len(told.bus.details) == 12


def test_two_processes_put_no_more_than_twice() -> None:
    told = Told(chosen=ORDERS)
    other = told.new_process()
    told.restart()
    traded(told.shard, 3)
    told.project()
    told.projector = other
    told.project()
    told.project(traded(told.shard))
    assert len(set(told.bus.ids())) == 12
    assert len(told.bus.details) <= 24


def test_runs_that_state_nothing_keep_their_position_once_a_second() -> None:
    told = Told(chosen=ORDERS)
    told.project()
    before = told.position.writes
    for price in range(50, 60):
        told.clock.now += 300
        told.project([told.shard.run(buy(ALICE, price, 1))])
    assert told.position.writes - before == 2
    assert told.catch_up() == 0
    assert told.position.sequence == told.shard.records[-1].last_sequence


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", set()),
        (" , ", set()),
        ("order.done", {"order.done"}),
        ("order.done, market.state", {"order.done", "market.state"}),
    ],
)
def test_kinds_are_read(text: str, read: set[str]) -> None:
    assert kinds.read_kinds(text) == read


@pytest.mark.parametrize("text", ["order", "order.done;trade.executed", "ORDER.DONE"])
def test_other_kinds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no kind of fact"):
        kinds.read_kinds(text)
