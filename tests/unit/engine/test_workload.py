"""What the benchmark measures is trading: a workload that is refused measures nothing."""

from collections import Counter

import pytest

from benchmarks.bench_engine import Replay, own_rows
from engine.reference import Engine
from wire import layout as w
from wire.events import Result, decode_events


@pytest.mark.parametrize("ids", [False, True], ids=["without ids", "with ids"])
def test_the_generated_workload_is_carried_out(ids: bool) -> None:
    replay = Replay(own_rows(600), 100, ids=ids)
    events = Engine().apply(replay.setup + replay.warm + replay.measured)
    reasons = Counter(one.reason for one in decode_events(events) if isinstance(one, Result))
    # Cancels of what has been filled meanwhile.
    assert set(reasons) <= {w.REASON_ACCEPTED, w.REASON_UNKNOWN_ORDER}
    assert reasons[w.REASON_UNKNOWN_ORDER] < reasons[w.REASON_ACCEPTED] / 4
