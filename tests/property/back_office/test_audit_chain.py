"""Whatever is done to an audit log is found: a change, a removal, an insertion, another order."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from bursa.back_office.audit_chain import Fault, verify
from bursa.back_office.audit_entry import (
    GENESIS_HASH,
    AuditEntry,
    Deed,
    EntryKind,
    StoredEntry,
    hash_of,
    sealed,
)
from bursa.kernel.identifiers import TenantId

TENANT = TenantId(1)
TEXT = st.text(max_size=8)
FACTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.booleans(), st.none()), max_size=3)
KINDS = st.sampled_from(EntryKind)


@st.composite
def logs(draw: st.DrawFn, least: int = 2) -> list[StoredEntry]:
    """Draw a log that is whole."""
    log: list[StoredEntry] = []
    for _ in range(draw(st.integers(least, 8))):
        request = draw(st.sampled_from("abc")) * 32
        words = [draw(TEXT) for _ in range(6)]
        actor, role, action, about, reason, address = words
        deed = Deed(request, actor, role, action, about, draw(FACTS), reason, address, "r")
        previous = log[-1].hash if log else GENESIS_HASH
        log.append(
            sealed(
                AuditEntry(
                    str(TENANT),
                    len(log) + 1,
                    draw(st.integers(0, 2**45)),
                    draw(KINDS),
                    deed,
                    draw(FACTS),
                    draw(FACTS),
                    draw(TEXT),
                    previous,
                )
            )
        )
    return log


def heads_of(log: list[StoredEntry]) -> dict[int, str]:
    return {one.number: one.hash for one in log}


@given(logs())
def test_a_log_that_nobody_touched_is_whole(log: list[StoredEntry]) -> None:
    report = verify(TENANT, log, heads_of(log))
    assert report.is_whole
    assert (report.entries, report.head) == (len(log), log[-1].hash)
    assert verify(TENANT, log, {}) == report


@given(logs(), st.data())
def test_a_changed_line_or_hash_is_found_where_it_is(
    log: list[StoredEntry], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log) - 1))
    name = data.draw(st.sampled_from(["line", "hash"]))
    text = getattr(log[at], name)
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii"))
    assume(other != text[position])
    log[at] = replace(log[at], **{name: text[:position] + other + text[position + 1 :]})
    report = verify(TENANT, log, {})
    assert (report.fault, report.number) == (Fault.ALTERED, at + 1)


@given(logs(), st.data())
def test_a_change_that_is_hashed_anew_is_found_at_the_next_entry_or_by_the_head(
    log: list[StoredEntry], data: st.DataObject
) -> None:
    heads = {log[-1].number: log[-1].hash}
    at = data.draw(st.integers(0, len(log) - 1))
    line = log[at].line.replace('"number":', '"x":0,"number":')
    log[at] = StoredEntry(log[at].number, line, hash_of(line))
    report = verify(TENANT, log, heads)
    is_last = at == len(log) - 1
    assert report.fault is (Fault.REPLACED if is_last else Fault.UNLINKED)


@given(logs(), st.data())
def test_a_removed_entry_is_found(log: list[StoredEntry], data: st.DataObject) -> None:
    heads = heads_of(log)
    at = data.draw(st.integers(0, len(log) - 1))
    is_last = at == len(log) - 1
    del log[at]
    report = verify(TENANT, log, heads)
    assert (report.fault, report.number) == (Fault.CUT_OFF if is_last else Fault.MISSING, at + 1)
    if not is_last:
        assert not verify(TENANT, log, {}).is_whole


@given(logs(), st.data())
def test_an_entry_that_is_put_in_is_found(log: list[StoredEntry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log) - 1))
    inserted = data.draw(st.sampled_from(log))
    log.insert(at, replace(inserted, number=data.draw(st.integers(0, 9))))
    assert not verify(TENANT, log, {}).is_whole


@given(logs(), st.data())
def test_another_order_is_found(log: list[StoredEntry], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(log))))
    assume(order != sorted(order))
    moved = [log[at] for at in order]
    assert not verify(TENANT, moved, {}).is_whole
    # Also where the numbers are written over.
    numbered = [replace(one, number=at) for at, one in enumerate(moved, 1)]
    assert not verify(TENANT, numbered, {}).is_whole


@given(logs(least=1), st.data())
def test_an_end_that_was_cut_off_or_all_written_anew_is_found_by_the_heads(
    log: list[StoredEntry], data: st.DataObject
) -> None:
    heads = heads_of(log)
    kept = data.draw(st.integers(0, len(log) - 1))
    report = verify(TENANT, log[:kept], heads)
    assert (report.fault, report.number) == (Fault.CUT_OFF, kept + 1)

    forged = data.draw(logs(least=len(log)))
    assume(forged[: len(log)] != log)
    assert not verify(TENANT, forged, heads).is_whole


@given(logs())
def test_another_tenants_log_is_no_log_of_this_one(log: list[StoredEntry]) -> None:
    assert verify(TenantId(2), log, {}).fault is Fault.FOREIGN


def test_requests_without_an_outcome_are_named() -> None:
    deed = Deed("a" * 32, "alice", "owner", "x", "y", {}, "why", "", "r")
    nothing: dict[str, object] = {}
    first = sealed(
        AuditEntry("t1", 1, 1, EntryKind.INTENT, deed, nothing, nothing, "", GENESIS_HASH)
    )
    assert verify(TENANT, [first], {}).unfinished == ("a" * 32,)
    done = sealed(
        AuditEntry("t1", 2, 2, EntryKind.OUTCOME, deed, nothing, nothing, "done", first.hash)
    )
    assert verify(TENANT, [first, done], {}).unfinished == ()
