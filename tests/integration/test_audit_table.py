"""The audit table on moto: one number is one entry's, whoever writes in between."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from bursa.aws.clients import dynamodb_client, s3_client
from bursa.back_office.audit_chain import Fault, verify
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_entry import Deed, StoredEntry
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import DONE, AuditLog, Note, NoteExists, SlotTaken, Tail
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from tests.doubles.exchange import environment
from tests.doubles.tables import create_tables

TENANT = TenantId(1)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuditTable]:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        create_tables(dynamodb_client(), ["audit"])
        s3_client().create_bucket(Bucket="archive")
        yield AuditTable("audit")


def deed(name: str) -> Deed:
    return Deed(name, "alice", "owner", "end_sessions", "user:eve", {}, "why", "", "r")


class Overtaken(AuditTable):
    """A table in which somebody else writes first, each time its end was read."""

    left = 3

    def tail(self, tenant: TenantId) -> Tail:
        last = super().tail(tenant)
        if self.left:
            self.left -= 1
            AuditLog(AuditTable("audit"), NoHeads(), SystemClock(), lambda _: None).record_read(
                tenant, deed(f"rival-{self.left}")
            )
        return last


class NoHeads:
    def publish(self, tenant: TenantId, head: Tail) -> None:
        """Publish nothing."""


def test_who_is_overtaken_takes_the_next_number_and_the_chain_is_one(table: AuditTable) -> None:
    heads = AuditHeads(s3_client, "archive")
    unpublished: list[str] = []
    log = AuditLog(Overtaken("audit"), heads, SystemClock(), unpublished.append)
    log.finish(log.begin(TENANT, deed("mine"), dict), DONE, {"n": 1})
    entries = list(table.entries(TENANT))
    published = heads.all(TENANT)
    report = verify(TENANT, entries, published)
    assert (report.fault, report.entries, report.unfinished) == (None, 5, ())
    assert (list(published), unpublished) == ([5], [])
    assert verify(TENANT, entries[:-1], published).fault is Fault.CUT_OFF


def test_a_number_and_a_note_are_written_once_and_together(table: AuditTable) -> None:
    first = StoredEntry(1, "{}", "a" * 64)
    table.append(TENANT, first, [Note("request", "r", {"n": 1})])
    with pytest.raises(SlotTaken):
        table.append(TENANT, first, [Note("request", "other", {"n": 2})])
    assert table.note(TENANT, "request", "other") is None
    with pytest.raises(NoteExists):
        table.append(TENANT, StoredEntry(2, "{}", "b" * 64), [Note("request", "r", {"n": 2})])
    assert table.note(TENANT, "request", "r") == {"n": 1}
    assert table.tail(TENANT) == Tail(1, "a" * 64)
    # Both at once: it is a repeat.
    with pytest.raises(NoteExists):
        table.append(TENANT, first, [Note("request", "r", {"n": 1})])


def test_notes_are_found_by_prefix_the_last_first(table: AuditTable) -> None:
    for number, name in enumerate(("a/1", "a/2", "b/1"), 1):
        entry = StoredEntry(number, "{}", "a" * 64)
        table.append(TENANT, entry, [Note("term", name, {"n": number})])
    assert table.notes(TENANT, "term", "a/", 1) == [("a/2", {"n": 2})]
    assert [name for name, _ in table.notes(TENANT, "term")] == ["b/1", "a/2", "a/1"]
    assert not table.notes(TenantId(2), "term")


def test_the_first_head_of_a_number_stays(table: AuditTable) -> None:
    assert table.tail(TENANT).number == 0
    heads = AuditHeads(s3_client, "archive")
    heads.publish(TENANT, Tail(1, "a" * 64))
    heads.publish(TENANT, Tail(1, "b" * 64))
    assert heads.all(TENANT) == {1: "a" * 64}
    assert heads.all(TenantId(11)) == {}


def test_what_is_away_is_unavailable(table: AuditTable) -> None:
    assert table.tail(TENANT).number == 0
    with pytest.raises(Unavailable) as away:
        AuditTable("nowhere").tail(TENANT)
    assert away.value.code == "audit_unavailable"
    with pytest.raises(Unavailable) as away:
        AuditHeads(s3_client, "nowhere").publish(TENANT, Tail(1, ""))
    assert away.value.code == "head_unpublished"
