"""The hourly check of a log's end: what it finds, and that it does not grow with the log."""

from collections.abc import Iterator

import pytest

from bursa.back_office.audit_chain import Fault
from bursa.back_office.audit_check import ENTRIES_MIN, check
from bursa.back_office.audit_entry import Deed, EntryKind, StoredEntry, hash_of
from bursa.back_office.audit_log import AuditLog
from bursa.kernel.identifiers import TenantId
from tests.doubles.audit import MemoryHeads, MemoryRecords

TENANT = TenantId(1)
ENTRIES = 2 * ENTRIES_MIN + 50


class Clock:
    def now_ms(self) -> int:
        return 1


class Records(MemoryRecords):
    read = 0

    def entries(self, tenant: TenantId, after: int) -> Iterator[StoredEntry]:
        for entry in self.logs.get(str(tenant), [])[after:]:
            self.read += 1
            yield entry


class Heads(MemoryHeads):
    def tenants(self) -> list[TenantId]:
        return [TenantId.parse(name) for name in self.published]

    def numbers(self, tenant: TenantId) -> list[int]:
        return sorted(self.published.get(str(tenant), {}))

    def read(self, tenant: TenantId, number: int) -> str:
        return self.published[str(tenant)][number]


def written(entries: int = ENTRIES) -> tuple[Records, Heads]:
    records, heads = Records(), Heads()
    log = AuditLog(records, heads, Clock(), pytest.fail)
    for number in range(entries):
        deed = Deed(f"{number:032x}", "a", "owner", "credit", "user:b", {}, "", "", "")
        log.record(TENANT, deed, EntryKind.READ)
    return records, heads


def test_it_reads_the_end_only_and_finds_it_whole() -> None:
    records, heads = written()
    report = check(records, heads, TENANT)
    assert (report.is_whole, report.entries) == (True, ENTRIES)
    assert records.read == ENTRIES_MIN


@pytest.mark.parametrize("entries", [0, 1, ENTRIES_MIN, ENTRIES_MIN + 1])
def test_a_short_log_is_read_from_its_first_entry(entries: int) -> None:
    records, heads = written(entries)
    report = check(records, heads, TENANT)
    assert (report.is_whole, report.entries) == (True, entries)


def test_what_was_cut_off_altered_or_removed_at_the_end_is_found() -> None:
    for fault in (Fault.CUT_OFF, Fault.ALTERED, Fault.MISSING, Fault.UNLINKED):
        records, heads = written()
        log = records.logs[str(TENANT)]
        at = ENTRIES - 20
        if fault is Fault.CUT_OFF:
            del log[at:]
        elif fault is Fault.MISSING:
            del log[at]
        else:
            line = log[at].line.replace('"actor":"a"', '"actor":"z"')
            changed = hash_of(line) if fault is Fault.UNLINKED else log[at].hash
            log[at] = StoredEntry(at + 1, line, changed)
            # Written anew with its hash, another was published under its number.
            if fault is Fault.UNLINKED:
                del heads.published[str(TENANT)][at + 1]
        assert check(records, heads, TENANT).fault is fault


def test_a_log_of_which_nothing_is_left_is_cut_off() -> None:
    records, heads = written(5)
    records.logs.clear()
    report = check(records, heads, TENANT)
    assert (report.fault, report.number) == (Fault.CUT_OFF, 1)


def test_before_the_head_it_trusts_what_was_published() -> None:
    records, heads = written()
    entry = records.logs[str(TENANT)][3]
    records.logs[str(TENANT)][3] = StoredEntry(4, entry.line, "0" * 64)
    assert check(records, heads, TENANT).is_whole, "bursa audit verify finds it"
