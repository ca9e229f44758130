import pytest

from bursa.journal.errors import OutcomeUnknown, SlotTaken
from bursa.journal.record import split_record
from bursa.journal.replica import Head
from tests.unit.worker.fakes import FakeClock, ScriptedJournal, credit, record, run
from worker.commit import Deposed, commit

RECORD = record(Head(), credit(1))
LOST = OutcomeUnknown("no answer")
MINE = SlotTaken(RECORD.batch_id, 1)
OTHERS = SlotTaken(b"another's batch.", 2)


@pytest.mark.parametrize(
    ("script", "attempts"),
    [
        pytest.param([None], 1, id="written at once"),
        pytest.param([LOST, None], 2, id="the request was lost"),
        pytest.param([LOST, MINE], 2, id="the response was lost"),
        pytest.param([LOST, LOST, LOST, MINE], 4, id="several were lost"),
        pytest.param([MINE], 1, id="the client repeated behind our back"),
    ],
)
def test_a_record_is_committed_when(script: list[Exception | None], attempts: int) -> None:
    journal = ScriptedJournal(script)

    assert run(commit(RECORD, journal, FakeClock(), lambda: True)) == attempts
    assert journal.puts == [RECORD] * attempts


HEAD, PARTS = split_record(RECORD, len(RECORD.body) - 1)


@pytest.mark.parametrize(
    ("script", "parts", "heads"),
    [
        pytest.param([None, None, None], [0, 1], 1, id="written at once"),
        pytest.param([LOST, LOST, None, LOST, None, None], [0, 0, 0, 1, 1], 1, id="parts lost"),
        pytest.param([None, None, LOST, MINE], [0, 1], 2, id="the head's response lost"),
        pytest.param([LOST, None, None, LOST, LOST, None], [0, 0, 1], 3, id="both"),
    ],
)
def test_every_part_is_confirmed_before_the_slot_is_written(
    script: list[Exception | None], parts: list[int], heads: int
) -> None:
    journal = ScriptedJournal(script)

    attempts = run(commit(RECORD, journal, FakeClock(), lambda: True, len(RECORD.body) - 1))

    assert attempts == heads
    assert [part.index for part in journal.parts] == parts
    assert journal.puts == [HEAD] * heads
    assert {part.index: part for part in journal.parts} == dict(enumerate(PARTS))


def test_no_head_without_its_parts() -> None:
    held = [True, True, False]
    journal = ScriptedJournal([None, LOST])

    with pytest.raises(Deposed):
        run(commit(RECORD, journal, FakeClock(), lambda: held.pop(0), len(RECORD.body) - 1))
    assert journal.puts == []


def test_another_in_the_slot_deposes_whatever_was_written_before() -> None:
    journal = ScriptedJournal([None, None, OTHERS])

    with pytest.raises(Deposed):
        run(commit(RECORD, journal, FakeClock(), lambda: True, len(RECORD.body) - 1))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([OTHERS], id="at once"),
        pytest.param([LOST, OTHERS], id="after a lost response"),
    ],
)
def test_another_in_the_slot_deposes(script: list[Exception | None]) -> None:
    with pytest.raises(Deposed):
        run(commit(RECORD, ScriptedJournal(script), FakeClock(), lambda: True))


def test_nothing_is_sent_without_the_lease() -> None:
    journal = ScriptedJournal([None])

    with pytest.raises(Deposed):
        run(commit(RECORD, journal, FakeClock(), lambda: False))
    assert journal.puts == []


def test_the_lease_is_asked_before_each_attempt() -> None:
    held = [True, True, False]
    journal = ScriptedJournal([LOST, LOST, None])

    with pytest.raises(Deposed):
        run(commit(RECORD, journal, FakeClock(), lambda: held.pop(0)))
    assert len(journal.puts) == 2


def test_attempts_move_apart_but_not_for_ever() -> None:
    clock = FakeClock()
    started = clock.now
    run(commit(RECORD, ScriptedJournal([*[LOST] * 20, None]), clock, lambda: True))

    assert 5 < clock.now - started < 20 * 0.5


def test_what_is_neither_surfaces() -> None:
    with pytest.raises(PermissionError):
        run(commit(RECORD, ScriptedJournal([PermissionError()]), FakeClock(), lambda: True))
