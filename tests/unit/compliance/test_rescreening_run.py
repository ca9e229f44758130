"""Everybody compared with a new list: over many calls, whatever breaks off and whoever moves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bursa.compliance.case_queue import CasePlace
from bursa.compliance.cases import DEFAULT_POLICY, Case, CaseState, open_case
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.list_versions import ListFiles, publish
from bursa.compliance.personal_data import PersonalData, parse_personal_data
from bursa.compliance.personal_records import PersonalRecords, Reader
from bursa.compliance.rescreening_run import (
    FAILURES_MAX,
    LATE_MS,
    PAGE,
    Called,
    RescreeningRun,
    RunServices,
)
from bursa.compliance.sanctions_list import parse_list
from bursa.compliance.screening import Screening
from bursa.compliance.steps import Rules
from bursa.kernel.errors import Conflict, InternalError, Unavailable
from bursa.kernel.identifiers import TenantId
from tests.unit.compliance.test_personal_data import ANNA, Box
from tests.unit.compliance.test_personal_data import Table as Records
from tests.unit.compliance.test_sanctions_list import sdn

T1, T3 = TenantId(1), TenantId(3)
START = 1_790_000_000_000
FILES = ListFiles(sdn((1, "DOE, John"), (2, "ROE, Jane")), b"")
LONGER = ListFiles(sdn((1, "DOE, John"), (2, "ROE, Jane"), (3, "LINDQVIST, Anna")), b"")
FOREVER = START + 10**12


class World:
    """Two tenants with users, a list, and a clock that a page moves on by a second."""

    def __init__(self) -> None:
        self.time_ms = START
        self.kept: dict[tuple[str, str], Case] = {}
        self.records = PersonalRecords(Records(), Box(), self)
        self.files: dict[str, ListFiles] = {}
        self.rows: dict[str, bytes] = {}
        self.pages = 0
        # Called before each page, with its number.
        self.meanwhile: Callable[[int], None] = lambda _page: None
        self.broken: set[str] = set()
        services = RunServices(self, self, self, self, self, self.screening, lambda: [T1, T3], self)
        self.run = RescreeningRun(services, "sdn")

    def add(self, tenant: TenantId, user: str, name: str = "Anna", family: str = "Berg") -> None:
        data = parse_personal_data(ANNA | {"given_names": name, "family_name": family}, START)
        self.records.write(tenant, user, data, 0)
        case = replace(open_case(str(tenant), user), attempt=1, target=1, granted=1)
        self.kept[str(tenant), user] = case.enter(CaseState.APPROVED, START - 9**9, "system", "x")

    def move(self, user: str, state: CaseState) -> None:
        case = self.kept["t1", user]
        self.kept["t1", user] = case.enter(state, self.time_ms, "system", "moved")

    def opened(self) -> set[str]:
        return {user for (_, user), case in self.kept.items() if case.hits}

    # --- the ports ---

    def now_ms(self) -> int:
        return self.time_ms

    def find(self, tenant: TenantId, user: str) -> Case | None:
        return self.kept.get((str(tenant), user))

    def save(self, case: Case) -> Case:
        self.kept[case.tenant, case.user] = case
        return case

    def rules(self, tenant: TenantId) -> Rules:
        return Rules(DEFAULT_LEVELS, DEFAULT_POLICY)

    def read(self, tenant: TenantId, user: str, reader: Reader) -> PersonalData:
        if user in self.broken:
            raise Unavailable("personal_data_unavailable", "Later.")
        return self.records.read(tenant, user, reader)

    def page(
        self,
        tenant: TenantId,
        state: CaseState,
        limit: int,
        after: CasePlace | None = None,
        since_ms: int = 0,
    ) -> tuple[Sequence[CasePlace], CasePlace | None]:
        self.meanwhile(self.pages)
        self.pages += 1
        self.time_ms += 1_000
        places = sorted(
            CasePlace(case.history[-1].at_ms, user)
            for (owner, user), case in self.kept.items()
            if owner == str(tenant) and case.state is state
        )
        found = [
            one for one in places if one.changed_at_ms >= since_ms and (not after or one > after)
        ][:limit]
        return found, found[-1] if len(found) == limit else None

    def screening(self) -> Screening:
        return Screening(parse_list(*next(reversed(self.files.values()))))

    def read_in_force(self, name: str) -> bytes | None:
        return self.rows.get(f"{name} in force")

    def write_in_force(self, name: str, row: bytes, before: bytes | None) -> None:
        self.rows[f"{name} in force"] = row

    def read_files(self, name: str, digest: str) -> ListFiles:
        return self.files[digest]

    def write_files(self, name: str, digest: str, files: ListFiles) -> None:
        self.files[digest] = files

    def read_run(self, name: str) -> bytes | None:
        return self.rows.get(f"{name} run")

    def write_run(self, name: str, row: bytes, before: bytes | None) -> None:
        if self.rows.get(f"{name} run") != before:
            raise Conflict("list_changed", "Another call was faster.")
        self.rows[f"{name} run"] = row


def listed(files: ListFiles = FILES) -> World:
    world = World()
    publish(world, "sdn", files, START)
    return world


def test_without_a_list_in_force_nobody_is_compared() -> None:
    world = World()
    world.add(T1, "john", "John", "Doe")
    assert world.run(FOREVER) == Called()
    assert world.rows == {}


def test_everybody_is_compared_and_who_is_on_the_list_loses_the_level() -> None:
    world = listed()
    for number in range(2 * PAGE + 3):
        world.add(T1, f"user-{number:03}")
    world.add(T1, "john", "John", "Doe")
    world.add(T3, "jane", "Jane", "Roe")
    called = world.run(FOREVER)
    # Whose cases have opened, and so changed, are compared in the later rounds too.
    assert (called.compared, called.opened, called.not_compared) == (2 * PAGE + 5 + 4, 2, ())
    assert world.opened() == {"john", "jane"}
    assert world.kept["t1", "john"].level == 0
    # Done is done, until another list is put in force.
    assert world.run(FOREVER) == Called()
    world.add(T1, "anna", "Anna", "Lindqvist")
    assert world.run(FOREVER) == Called()
    publish(world, "sdn", LONGER, world.time_ms)
    assert world.run(FOREVER).opened == 1
    assert world.opened() == {"john", "jane", "anna"}


def test_a_call_goes_on_where_the_last_one_ended() -> None:
    world = listed()
    for number in range(60):
        world.add(T1, f"user-{number:03}")
    world.add(T3, "jane", "Jane", "Roe")
    calls = [world.run(world.time_ms + 2_000)]
    while not json.loads(world.rows["sdn run"])["done_at_ms"]:
        calls.append(world.run(world.time_ms + 2_000))
    assert len(calls) > 10
    # Nobody twice: who did not change is left out of the later rounds.
    assert sum(called.compared for called in calls) == 61 + 2
    assert world.opened() == {"jane"}


def test_a_call_that_comes_twice_changes_nothing_twice() -> None:
    world = listed()
    world.add(T1, "john", "John", "Doe")
    row = world.rows.get("sdn run")
    world.run(FOREVER)
    once = dict(world.kept)
    if row is None:
        del world.rows["sdn run"]
    world.run(FOREVER)
    assert world.kept == once


def test_of_two_calls_at_once_one_ends() -> None:
    world = listed()
    world.add(T1, "john", "John", "Doe")

    def other(page: int) -> None:
        if page == 0:
            world.rows["sdn run"] = b"another's"

    world.meanwhile = other
    with pytest.raises(Conflict):
        world.run(FOREVER)


@pytest.mark.parametrize("page", range(0, 48, 3))
@pytest.mark.parametrize("state", [CaseState.RESUBMISSION, CaseState.REJECTED, CaseState.DECIDING])
def test_who_moves_while_it_runs_is_found(state: CaseState, page: int) -> None:
    """A case that goes back to a state that was read already."""
    world = listed()
    world.add(T1, "john", "John", "Doe")

    def move(at: int) -> None:
        if at == page:
            world.move("john", state)

    world.meanwhile = move
    world.run(FOREVER)
    assert world.opened() == {"john"}


def test_another_list_begins_anew() -> None:
    world = listed()
    for number in range(60):
        world.add(T1, f"user-{number:03}")
    world.add(T1, "anna", "Anna", "Lindqvist")
    world.run(world.time_ms + 8_000)
    publish(world, "sdn", LONGER, world.time_ms)
    assert world.run(FOREVER).compared == 61 + 2
    assert world.opened() == {"anna"}
    assert json.loads(world.rows["sdn run"])["done_at_ms"] > START


def test_what_is_away_is_tried_again_and_in_the_end_named_and_passed() -> None:
    world = listed()
    for user in ("anna", "broken", "zoe"):
        world.add(T1, user)
    world.add(T1, "john", "John", "Doe")
    world.broken = {"broken"}
    for _ in range(FAILURES_MAX):
        with pytest.raises(Unavailable):
            world.run(FOREVER)
    called = world.run(FOREVER)
    assert called.not_compared == ("broken",)
    assert world.opened() == {"john"}


def test_who_has_given_nothing_is_not_on_any_list() -> None:
    world = listed()
    world.add(T1, "erased")
    world.records._store.remove(T1, "erased")
    called = world.run(FOREVER)
    assert (called.compared, called.not_compared) == (0, ())


def test_a_list_that_is_in_force_for_a_day_is_late_until_it_is_done() -> None:
    world = listed()
    world.add(T1, "anna")
    assert not world.run(world.time_ms).is_late
    world.time_ms += LATE_MS + 1
    assert world.run(world.time_ms).is_late
    assert not world.run(FOREVER).is_late


def test_a_row_that_is_damaged_is_an_error() -> None:
    world = listed()
    for row in (b"", b"[]", b"{}", b'{"after": 1}'):
        world.rows["sdn run"] = row
        with pytest.raises(InternalError):
            world.run(FOREVER)
