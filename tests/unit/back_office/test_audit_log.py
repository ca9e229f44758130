"""What is written before something is done, and before anybody is told of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bursa.back_office.audit_chain import verify
from bursa.back_office.audit_entry import Deed, EntryKind, canonical, parsed
from bursa.back_office.audit_log import (
    DONE,
    TRIES_MAX,
    AuditLog,
    Note,
    NoteExists,
    Outcome,
    SlotTaken,
)
from bursa.kernel.errors import Conflict, InvalidInput, Unavailable
from bursa.kernel.identifiers import TenantId
from tests.doubles.audit import MemoryHeads, MemoryRecords

TENANT, OTHER = TenantId(1), TenantId(2)
DEED = Deed(
    request="0" * 32,
    actor="alice",
    role="owner",
    action="set_market_state",
    about="market:BTC-USDT",
    asked={"state": "halted"},
    reason="a wrong tick size",
    address="198.51.100.7",
    request_id="gateway-1",
)


class Clock:
    at_ms = 1_000

    def now_ms(self) -> int:
        self.at_ms += 1
        return self.at_ms


class Desk:
    def __init__(self) -> None:
        self.records, self.heads = MemoryRecords(), MemoryHeads()
        self.unpublished: list[str] = []
        self.log = AuditLog(self.records, self.heads, Clock(), self.unpublished.append)

    def lines(self, tenant: TenantId = TENANT) -> list[dict[str, object]]:
        return [parsed(one.line) for one in self.records.logs.get(str(tenant), [])]

    def is_whole(self) -> bool:
        entries, heads = self.records.logs[str(TENANT)], self.heads.published[str(TENANT)]
        return verify(TENANT, entries, heads).is_whole


def nothing() -> dict[str, object]:
    return {}


def test_a_change_is_an_intent_and_an_outcome_with_what_was_and_is() -> None:
    desk = Desk()
    intent = desk.log.begin(TENANT, DEED, lambda: {"state": "open"})
    assert [line["kind"] for line in desk.lines()] == [EntryKind.INTENT]

    assert desk.log.finish(intent, DONE, {"state": "halted"}) == Outcome(DONE, {"state": "halted"})
    first, second = desk.lines()
    assert first["reason"] == second["reason"] == "a wrong tick size"
    assert first["address"] == "198.51.100.7"
    assert second["before"] == {"state": "open"}
    assert second["after"] == {"state": "halted"}
    assert second["result"] == DONE
    assert desk.is_whole()


def test_a_repeat_finds_its_intent_and_writes_nothing() -> None:
    desk = Desk()
    first = desk.log.begin(TENANT, DEED, lambda: {"state": "open"})
    again = desk.log.begin(TENANT, replace(DEED, request_id="gateway-2"), nothing)
    assert again.at_ms == first.at_ms
    assert again.before == {"state": "open"}
    assert again.outcome is None
    assert len(desk.lines()) == 1


def test_a_repeat_after_the_outcome_finds_it_too() -> None:
    desk = Desk()
    intent = desk.log.begin(TENANT, DEED, nothing)
    desk.log.finish(intent, DONE, {"n": 1})
    assert desk.log.begin(TENANT, DEED, nothing).outcome == Outcome(DONE, {"n": 1})
    # And a repeat that was between the two writes no second one.
    assert desk.log.finish(intent, DONE, {"n": 2}) == Outcome(DONE, {"n": 1})
    assert len(desk.lines()) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "another"},
        {"asked": {"state": "open"}},
        {"about": "market:ETH-USDT"},
        {"action": "end_sessions"},
        {"actor": "bob"},
    ],
    ids=str,
)
def test_another_request_under_the_same_name_is_refused(other: dict[str, object]) -> None:
    desk = Desk()
    desk.log.begin(TENANT, DEED, nothing)
    with pytest.raises(Conflict) as refused:
        desk.log.begin(TENANT, replace(DEED, **other), nothing)  # type: ignore[arg-type]
    assert refused.value.code == "idempotency_key_reused"
    assert len(desk.lines()) == 1


def test_the_logs_of_two_tenants_have_nothing_in_common() -> None:
    desk = Desk()
    desk.log.begin(TENANT, DEED, nothing)
    desk.log.begin(OTHER, DEED, nothing)
    assert [line["number"] for line in desk.lines(OTHER)] == [1]


def test_a_note_that_is_there_keeps_all_from_being_written() -> None:
    desk = Desk()
    desk.log.begin(TENANT, DEED, nothing, [Note("decision", "p1", {"by": "bob"})])
    second = replace(DEED, request="1" * 32)
    with pytest.raises(NoteExists):
        desk.log.begin(TENANT, second, nothing, [Note("decision", "p1", {"by": "carol"})])
    assert len(desk.lines()) == 1


def test_writers_at_the_same_moment_leave_one_chain() -> None:
    desk = Desk()

    def work(writer: int) -> None:
        for at in range(10):
            intent = desk.log.begin(TENANT, replace(DEED, request=f"{writer}-{at}"), nothing)
            desk.log.finish(intent, DONE, {"at": at})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(desk.lines()) == 80
    assert desk.is_whole()


def test_who_loses_a_number_takes_the_next() -> None:
    desk = Desk()
    lost = iter([True] * (TRIES_MAX - 1))
    append = desk.records.append

    def sometimes(*written: object) -> None:
        if next(lost, False):
            raise SlotTaken
        append(*written)  # type: ignore[arg-type]

    desk.records.append = sometimes  # type: ignore[assignment, method-assign]
    desk.log.begin(TENANT, DEED, nothing)
    assert len(desk.lines()) == 1


def test_who_loses_every_time_is_told_to_come_again_and_nothing_is_done() -> None:
    desk = Desk()

    def never(*_: object) -> None:
        raise SlotTaken

    desk.records.append = never  # type: ignore[assignment, method-assign]
    with pytest.raises(Unavailable) as busy:
        desk.log.begin(TENANT, DEED, nothing)
    assert busy.value.code == "audit_busy"


def test_a_head_that_is_not_published_delays_nothing_and_is_reported() -> None:
    desk = Desk()
    desk.heads.is_away = True
    intent = desk.log.begin(TENANT, DEED, nothing)
    desk.log.finish(intent, DONE, {})
    assert len(desk.unpublished) == 1
    desk.heads.is_away = False
    desk.log.record_read(TENANT, replace(DEED, reason=""))
    assert list(desk.heads.published[str(TENANT)]) == [3]
    assert desk.is_whole()


def test_what_is_too_long_is_refused_before_anything_is_done() -> None:
    desk = Desk()
    with pytest.raises(InvalidInput) as refused:
        desk.log.begin(TENANT, replace(DEED, asked={"text": "x" * 70_000}), nothing)
    assert refused.value.code == "request_too_long"
    assert not desk.lines()


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), b"x", {1}, object()], ids=lambda one: type(one).__name__
)
def test_what_has_more_than_one_form_is_not_hashed(value: object) -> None:
    with pytest.raises(ValueError, match="neither text nor a whole number"):
        canonical({"value": value})
