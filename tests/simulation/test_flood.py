"""One account floods REST, batches and WebSocket at ten times its budget; another tenant trades."""

from dataclasses import replace
from typing import Any

import pytest

from bursa.intake.budgets import ACCOUNT_SHARE
from bursa.market_data import feed
from bursa.market_data.feed import ShardFeed
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.simulation.edge_model import Edge
from tests.simulation.flood import (
    Flood,
    FloodWorld,
    Outcome,
    batches,
    cancels,
    flood_at,
    p99,
    singles,
    waiting_singles,
)
from tests.simulation.options import Options
from tests.simulation.socket_model import UNLIMITED
from tests.simulation.test_simulator import CALM
from tests.simulation.virtual_loop import ChargedLoop
from worker.queue_groups import QueueGroups

SECONDS = 10
WORSE_AT_MOST = 1.2
# When a record falls into a round of the feed is chance: in one run of ten seconds the 99th
# percentile is the second latest of about 170, so several runs are looked at together.
SEEDS = range(6)
# Some ten milliseconds for a call, as SQS and DynamoDB take; nothing fails.
OPTIONS = replace(CALM, latency_s=0.01, visibility_s=30.0)
CONNECTIONS = 20 * DEFAULT_LIMITS.account_connections
RATE, BURST = DEFAULT_LIMITS.account_commands


def run(*floods: Flood, options: Options = OPTIONS, **edge: Any) -> Outcome:
    return FloodWorld(options, **edge).flood(SECONDS, floods)


@pytest.fixture(scope="module")
def calm() -> Outcome:
    return run()


def test_the_model_is_calm_without_a_flood(calm: Outcome) -> None:
    assert {one.status for one in calm.traded} == {201}
    assert 20 < calm.p50_ms() < 100


@pytest.mark.parametrize(
    "singles_", [pytest.param(singles, id="async"), pytest.param(waiting_singles, id="waiting")]
)
def test_the_others_p99_stays_and_none_of_theirs_is_refused(calm: Outcome, singles_: Flood) -> None:
    flooded = run(singles_, batches, cancels, socket_floods=CONNECTIONS)

    assert {one.status for one in flooded.traded} == {201}
    assert flooded.p99_ms() <= WORSE_AT_MOST * calm.p99_ms()
    assert flooded.codes() <= {"too_many_commands", "account_queue_slow"}
    assert {one.status for one in flooded.cancelled} == {202}
    # The whole budget, and what the containers gave by themselves until it was named.
    own = flooded.containers * (BURST + RATE * SECONDS) // ACCOUNT_SHARE
    assert flooded.admitted() <= BURST + RATE * (SECONDS + 1) + own


def test_neither_does_it_when_one_processor_does_everybodys_work() -> None:
    """Refusals, feeds, the edge and the worker, one after the other: more than is ever shared."""
    calm = FloodWorld(OPTIONS).flood(SECONDS, (), ChargedLoop)
    flooded = FloodWorld(OPTIONS, socket_floods=CONNECTIONS).flood(
        SECONDS, (singles, batches, cancels), ChargedLoop
    )

    assert {one.status for one in flooded.traded} == {201}
    assert flooded.p99_ms() <= WORSE_AT_MOST * calm.p99_ms()


def test_without_budgets_the_same_flood_takes_the_executions_of_the_others() -> None:
    """The model can show harm: with few executions, waiting requests hold all of them."""
    bare = run(waiting_singles, batches, executions_max=100, has_budgets=False)
    held = run(waiting_singles, batches, executions_max=100)

    assert sum(one.status == 503 for one in bare.traded) > len(bare.traded) // 4
    assert sum(one.status == 503 for one in held.traded) < len(held.traded) // 10


async def _heavy(edge: Edge, seconds: float, outcome: Outcome) -> None:
    await flood_at(edge, seconds, outcome, every_s=1 / 700, size=1, wait=False)


def test_the_others_feed_is_hardly_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed is shared: limits, turns and conflation bound what the others wait for (H5)."""
    seeds = [replace(OPTIONS, seed=seed) for seed in SEEDS]
    calm = [lag for one in seeds for lag in run(options=one).feed_lags_s]
    flooded = [
        lag
        for one in seeds
        for lag in run(singles, batches, options=one, socket_floods=CONNECTIONS).feed_lags_s
    ]

    assert p99(calm) < 0.1
    assert p99(flooded) <= WORSE_AT_MOST * p99(calm)

    # As it was: a message for each record, and as many connections as are opened.
    monkeypatch.setattr(feed, "conflated", list)
    monkeypatch.setattr(ShardFeed, "_in_turn", lambda _, messages: messages)
    before = run(singles, batches, socket_floods=CONNECTIONS, socket_limits=UNLIMITED)
    assert p99(before.feed_lags_s) > 2 * p99(flooded)


def test_a_backlog_of_one_account_closes_the_door_for_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without budgets, so that its queue grows: it is refused, and nobody else is (H2)."""
    alone = run(_heavy, has_budgets=False, age_ms_max=3_000, own_age_ms_max=2_000)
    assert {one.status for one in alone.traded} == {201}
    assert "account_queue_slow" in alone.codes()

    # As it was: what an account waits for itself made everybody wait.
    monkeypatch.setattr(QueueGroups, "received", _received_without_own_waits)
    everybody = run(_heavy, has_budgets=False, age_ms_max=2_000)
    assert "queue_slow" in {one.code for one in everybody.traded}


_received = QueueGroups.received


def _received_without_own_waits(self: QueueGroups, deliveries: object) -> None:
    for group in self._groups.values():
        group.acknowledged_at_ms = 0
    _received(self, deliveries)  # type: ignore[arg-type]


def test_under_faults_the_others_orders_are_decided_and_none_is_refused() -> None:
    """Calls are lost, late and repeated, and a worker ends in between."""
    stormy = replace(
        OPTIONS,
        workers=2,
        crashes=1,
        faulty_s=float(SECONDS),
        request_lost_rate=0.01,
        answer_lost_rate=0.01,
        twice_rate=0.01,
        timeout_s=0.5,
        visibility_s=5.0,
    )
    calm_weather, flooded = run(options=stormy), run(singles, batches, cancels, options=stormy)

    assert {one.status for one in flooded.traded} <= {201, 202}
    share = [
        sum(one.status == 201 for one in o.traded) / len(o.traded) for o in (calm_weather, flooded)
    ]
    assert share[1] > share[0] - 0.05
