"""Whatever ends between a record and its facts, none of them is missing from the bus."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.facts import kinds
from tests.doubles.facts import Killed, Steps, Told
from tests.doubles.shard import ALICE, BOB, BTC, Shard, buy, sell
from wire import codec
from wire import layout as w

prices, quantities = st.integers(95, 105), st.integers(1, 20)
commands = st.one_of(
    st.builds(buy, st.just(ALICE), prices, quantities),
    st.builds(sell, st.just(BOB), prices, quantities),
    st.builds(codec.encode_cancel_all, st.sampled_from([ALICE, BOB])),
    st.builds(
        lambda amount: codec.encode_funds(w.COMMAND_CREDIT, BOB, BTC, amount), st.integers(1, 9)
    ),
    st.builds(
        lambda state: codec.encode_set_market_state(1, state),
        st.sampled_from([w.STATE_OPEN, w.STATE_CANCEL_ONLY]),
    ),
)
batches = st.lists(st.lists(commands, min_size=1, max_size=5), min_size=1, max_size=8)


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, int, bool, int]]:
    """Draw processes: what ends each and at which step, whether the bus is down, and its batch."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(["bus", "position", "tables"]),
                st.integers(1, 12),
                st.booleans(),
                st.integers(1, 4),
            ),
            max_size=8,
        )
    )


def last_balances(told: Told) -> dict[tuple[str, str], str]:
    """Return the total of each balance by its latest fact."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for one in told.bus.details:
        if one["id"].startswith(kinds.BALANCE_CHANGED):
            key, value = (one["account"], one["asset"]), (one["at_ms"], one["total"])
            found[key] = max(found.get(key, (0, "")), value, key=lambda pair: pair[0])
    return {key: total for key, (_, total) in found.items()}


def states(told: Told) -> list[str]:
    """Return the states of the market as they followed each other, by time."""
    first: dict[str, dict[str, Any]] = {}
    for one in told.bus.details:
        first.setdefault(one["id"], one)
    ordered = sorted(
        (one["at_ms"], position, one["status"])
        for position, one in enumerate(first.values())
        if one["id"].startswith(kinds.MARKET_STATE)
    )
    return [
        status
        for at, (_, _, status) in enumerate(ordered)
        if not at or ordered[at - 1][2] != status
    ]


def always_equal(told: Told) -> dict[str, dict[str, object]]:
    """Return details by id, of the kinds that do not depend on portions."""
    portioned = (kinds.BALANCE_CHANGED, kinds.MARKET_STATE)
    return {one["id"]: one for one in told.bus.details if not one["id"].startswith(portioned)}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches, lives())
def test_no_fact_is_missing_and_all_have_their_ids(
    history: list[list[bytes]], ended: list[tuple[str, int, bool, int]]
) -> None:
    shard = Shard()
    for batch in history:
        shard.run(*batch)
    expected = Told(shard)
    expected.project()

    told = Told(shard)
    for part, step, is_down, portion in ended:
        told.restart()
        told.bus.is_down = is_down
        getattr(told, part).steps = Steps(kill_at=step)
        progress = told.tables.progress()
        done = 0 if progress is None else progress.number
        try:
            told.project(shard.records[done : done + portion])
            told.catch_up_fails()
        except Killed:
            continue
    told.restart()
    told.bus.is_down = False
    told.project()
    assert told.catch_up() == 0

    assert told.tables.items == expected.tables.items
    assert always_equal(told) == always_equal(expected)
    assert last_balances(told) == last_balances(expected)
    assert states(told) == states(expected)
    assert told.position.sequence is not None
