"""Operators' jobs against fakes: each is logged twice, and goes on wherever it broke off."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bursa.back_office.audit_chain import verify
from bursa.back_office.audit_entry import Facts, parsed
from bursa.back_office.audit_log import AuditLog
from bursa.kernel.errors import BursaError, Conflict, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.jobs import JobKind, JobOrder, JobOrigin, job_id
from bursa.tenants.life import TenantRecord, TenantState
from bursa.tenants.operator_work import OperatorWork
from tests.doubles.audit import MemoryHeads, MemoryRecords
from tests.unit.tenants.test_administration import BEFORE, World, administration

TENANT = TenantId(7)
DANA = "arn:aws:sts::123456789012:assumed-role/bursa-OperatorRole/dana"
ORIGIN = JobOrigin("198.51.100.7", "request-1")
DAY_MS = 86_400_000


@dataclass
class Opener:
    """Claims and opens what it is told; may break off once."""

    breaks: list[str] = field(default_factory=list)
    opened: int = 0

    def claim(self, description: Mapping[str, Any]) -> TenantId:
        if description["name"] == "taken":
            raise Conflict("host_taken", "It belongs to another.")
        return TENANT

    def open(self, description: Mapping[str, Any]) -> Facts:
        if self.breaks:
            raise Unavailable(self.breaks.pop(), "Do it again.")
        self.opened += 1
        return {"tenant": {"id": str(TENANT), "name": description["name"]}}


@dataclass
class Exporter:
    exported: list[str] = field(default_factory=list)

    def export(self, record: TenantRecord, job: str) -> Facts:
        self.exported.append(job)
        return {"prefix": f"exports/{record.tenant}/{job}", "rows": {}}


@dataclass
class Office:
    """All that jobs reach."""

    world: World = field(default_factory=World)
    opener: Opener = field(default_factory=Opener)
    exporter: Exporter = field(default_factory=Exporter)
    records: MemoryRecords = field(default_factory=MemoryRecords)

    def carry_out(self, job: str, kind: JobKind, tenant: str = "t7", **asked: Any) -> Facts:
        log = AuditLog(self.records, MemoryHeads(), self.world, lambda _: None)
        work = OperatorWork(lambda _: administration(self.world), self.opener, self.exporter, log)
        return work.carry_out(job, JobOrder(kind, tenant, asked, DANA, "Contract 4711"), ORIGIN)

    def entries(self) -> list[tuple[str, str, str]]:
        log = self.records.logs.get(str(TENANT), [])
        assert verify(TENANT, log, {}).is_whole
        lines = [parsed(one.line) for one in log]
        return [(one["kind"], one["action"], one["result"]) for one in lines]


def both(action: str, result: str = "done") -> list[tuple[str, str, str]]:
    return [("intent", action, ""), ("outcome", action, result)]


def test_a_job_is_two_entries_by_who_asked_and_holds_no_account_number() -> None:
    office = Office()
    assert office.carry_out("1" * 32, JobKind.SUSPEND, grace_ms=0)["state"] == "suspended"
    assert office.entries() == both("suspend_tenant")
    entry = parsed(office.records.logs["t7"][0].line)
    assert (entry["actor"], entry["role"], entry["about"]) == ("dana", "operator", "tenant:t7")
    assert (entry["asked"], entry["before"]) == ({"grace_ms": 0}, {"state": "active"})
    assert "123456789012" not in office.records.logs["t7"][0].line
    assert office.world.record.history[-1].by == DANA


KINDS: dict[JobKind, Callable[[Office], Any]] = {
    JobKind.SUSPEND: lambda office: office.world.record.state is TenantState.SUSPENDED,
    JobKind.RESUME: lambda office: office.world.record.state is TenantState.ACTIVE,
    JobKind.EXPORT: lambda office: office.world.record.exported_at_ms is not None,
    JobKind.DELETE: lambda office: office.world.record.state is TenantState.CLOSING,
}


def calls_of(kind: JobKind) -> int:
    office = begun(kind)
    before = office.world.calls
    office.carry_out("a" * 32, kind)
    return office.world.calls - before


def begun(kind: JobKind) -> Office:
    office = Office()
    if kind is JobKind.RESUME:
        office.carry_out("b" * 32, JobKind.SUSPEND)
    return office


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("kind", "at"), [(kind, at) for kind in KINDS for at in range(1, calls_of(kind) + 1)]
)
def test_a_job_that_broke_off_at_any_call_goes_on(kind: JobKind, at: int, after: bool) -> None:
    office = begun(kind)
    logged = len(office.entries())
    office.world.fails_at, office.world.after_effect = office.world.calls + at, after
    with pytest.raises(Unavailable):
        office.carry_out("a" * 32, kind)
    result = office.carry_out("a" * 32, kind)
    assert KINDS[kind](office)
    # Once more changes nothing, and says the same.
    version = office.world.record.version
    assert office.carry_out("a" * 32, kind) == result
    assert office.world.record.version == version
    assert office.entries()[logged:] == both(f"{kind.value}_tenant")


def test_a_repeat_of_closing_never_deletes() -> None:
    office = Office()
    office.carry_out("a" * 32, JobKind.DELETE, waiting_ms=7 * DAY_MS)
    office.carry_out("c" * 32, JobKind.EXPORT)
    office.world.now += 8 * DAY_MS
    assert office.carry_out("a" * 32, JobKind.DELETE, waiting_ms=7 * DAY_MS)["state"] == "closing"
    assert office.world.removed == 0
    # Another one is meant to.
    assert office.carry_out("d" * 32, JobKind.DELETE)["state"] == "deleted"
    assert office.world.removed == 1


@pytest.mark.parametrize(
    ("kind", "tenant", "code"),
    [
        (JobKind.SUSPEND, "t8", "unknown_tenant"),
        (JobKind.EXPORT, "nobody", "unknown_tenant"),
    ],
)
def test_what_is_not_there_is_refused_and_logged_nowhere(
    kind: JobKind, tenant: str, code: str
) -> None:
    office = Office()
    with pytest.raises(NotFound) as refused:
        office.carry_out("a" * 32, kind, tenant)
    assert refused.value.code == code
    assert office.entries() == []


def test_what_is_refused_is_logged_and_stays_refused() -> None:
    office = Office()
    office.carry_out("a" * 32, JobKind.DELETE)
    for _ in range(2):
        with pytest.raises(BursaError) as refused:
            office.carry_out("b" * 32, JobKind.SUSPEND)
        assert refused.value.code == "wrong_tenant_state"
    assert office.entries()[2:] == both("suspend_tenant", "wrong_tenant_state")
    assert office.world.states["BTC-USDT"] is not BEFORE["BTC-USDT"]


def test_opening_is_logged_under_the_number_that_was_claimed() -> None:
    office = Office(opener=Opener(["stack_unfinished"]))
    with pytest.raises(Unavailable):
        office.carry_out("a" * 32, JobKind.CREATE, "brand", name="brand", admin="a@brand.example")
    opened = office.carry_out(
        "a" * 32, JobKind.CREATE, "brand", name="brand", admin="a@brand.example"
    )
    assert opened["tenant"]["id"] == "t7"
    assert (office.opener.opened, office.entries()) == (1, both("create_tenant"))
    # The log keeps no address of a first user for ever.
    assert "brand.example" not in "".join(one.line for one in office.records.logs["t7"])


def test_what_conflicts_claims_nothing() -> None:
    office = Office()
    with pytest.raises(Conflict):
        office.carry_out("a" * 32, JobKind.CREATE, "taken", name="taken")
    assert (office.opener.opened, office.records.logs) == (0, {})


def test_a_name_of_a_request_is_its_callers_alone() -> None:
    assert job_id(DANA, "one") == job_id(DANA, "one")
    assert len({job_id(DANA, "one"), job_id(DANA, "two"), job_id("other", "one")}) == 3
