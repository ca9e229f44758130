"""The way of an application by its tasks: to a level, back to the user, to a person, by time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bursa.compliance.applications import (
    Applications,
    Services,
    UploadedFile,
)
from bursa.compliance.case_changes import Notice, VisibleState, notice_of, visible_state
from bursa.compliance.case_queue import CasePlace
from bursa.compliance.cases import HOUR_MS, Case, CasePolicy, CaseState
from bursa.compliance.documents import FileKind, StoredFile
from bursa.compliance.levels import DEFAULT_LEVELS, Requirement
from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.personal_records import PersonalRecords
from bursa.compliance.providers import Provider, Reference, Sandbox
from bursa.compliance.sanctions_list import parse_list
from bursa.compliance.screening import Screening
from bursa.compliance.steps import Decided, Downgraded, Outcome, Rules
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import BursaError, Conflict, NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from tests.unit.compliance.test_documents import jpeg, png
from tests.unit.compliance.test_personal_data import ANNA, Box, Table
from tests.unit.compliance.test_sanctions_list import sdn

T7 = TenantId(7)
START = 1_790_000_000_000
SCREENING = Screening(parse_list(sdn((1, "DOE, John"), (2, "REVIEW, Listed")), b""))
FILES = {
    Requirement.IDENTITY_DOCUMENT: UploadedFile("passport", FileKind.JPEG),
    Requirement.SELFIE: UploadedFile("selfie", FileKind.PNG),
}


class Clock:
    def __init__(self) -> None:
        self.time_ms = START

    def now_ms(self) -> int:
        return self.time_ms


class Cases:
    """Cases in memory, with versions; others may change them meanwhile."""

    def __init__(self, policy: CasePolicy) -> None:
        self.kept: dict[str, Case] = {}
        self.policy = policy
        self.conflicts = 0
        self.notices: list[Notice] = []
        self.provider = "sandbox"

    def find(self, tenant: TenantId, user: str) -> Case | None:
        return self.kept.get(f"{tenant} {user}")

    def save(self, case: Case) -> Case:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("case_changed", "Look and try again.")
        saved = replace(case, version=case.version + 1)
        self.kept[f"{case.tenant} {case.user}"] = saved
        self.notices.append(notice_of(saved))
        return saved

    def rules(self, tenant: TenantId) -> Rules:
        return Rules(DEFAULT_LEVELS, self.policy, self.provider)

    def page(
        self, tenant: TenantId, state: CaseState, limit: int
    ) -> tuple[Sequence[CasePlace], CasePlace | None]:
        places = [
            CasePlace(case.history[-1].at_ms, case.user)
            for case in self.kept.values()
            if case.tenant == str(tenant) and case.state is state
        ]
        return sorted(places)[:limit], None

    def due(self, tenant: TenantId, now_ms: int) -> Sequence[Case]:
        return [
            case
            for case in self.kept.values()
            if any(
                at and at <= now_ms
                for at in (
                    case.due_at_ms,
                    case.level_ends_at_ms,
                    case.remind_at_ms,
                    case.erase_at_ms,
                )
            )
        ]


class Documents:
    """Files in memory, by their keys."""

    def __init__(self) -> None:
        self.files = {"passport": jpeg(), "selfie": png()}

    def read(
        self, tenant: TenantId, user: str, attempt: int, key: str, version: str | None = None
    ) -> StoredFile:
        assert version in {None, f"version of {key}"}
        if key not in self.files:
            raise NotFound("no_document", "Upload the file first.")
        return StoredFile(self.files[key], f"version of {key}")

    def erase(self, tenant: TenantId, user: str) -> None:
        self.files.clear()


class Sessions:
    """Counts for whom what is noted of sessions was forgotten."""

    def __init__(self) -> None:
        self.emptied: list[str] = []

    def empty(self, tenant: TenantId, user: str) -> None:
        self.emptied.append(f"{tenant} {user}")


class World:
    """A user who has given their data, and everything that decides about them."""

    def __init__(self, name: str = "Anna Lindqvist", policy: CasePolicy | None = None) -> None:
        self.clock, self.cases, self.documents = Clock(), Cases(policy or CasePolicy()), Documents()
        self.table, self.sessions = Table(), Sessions()
        self.records = PersonalRecords(self.table, Box(), self.clock)
        self.notices = self.cases.notices
        self.is_screening_away = False
        self.provider: Provider = Sandbox()
        given, _, family = name.partition(" ")
        data = parse_personal_data(ANNA | {"given_names": given, "family_name": family}, START)
        self.records.write(T7, "anna", data, 0)
        self.tasks = Applications(
            Services(
                self.cases,
                self.records,
                self.documents,
                self.screening,
                lambda _tenant: self.provider,
                self.clock,
                self.sessions,
            )
        )

    def screening(self) -> Screening:
        if self.is_screening_away:
            raise Unavailable("lists_unavailable", "Later.")
        return SCREENING

    def apply(self, target: int = 2, files: dict[Requirement, UploadedFile] | None = None) -> None:
        sent = FILES if files is None else files
        self.tasks.apply(T7, "anna", target, sent, is_email_verified=True)

    @property
    def case(self) -> Case:
        return self.cases.kept["t7 anna"]

    @property
    def reference(self) -> Reference:
        return Reference(T7, "anna", self.case.attempt)

    def run(self) -> Case:
        """Carry out the tasks as a workflow does, until one has nothing to go on with."""
        if self.tasks.check_files(self.reference).state is CaseState.SCREENING:
            self.tasks.screen(self.reference)
            self.tasks.ask_provider(self.reference)
        return self.case

    def later(self, time_ms: int) -> Case:
        self.clock.time_ms += time_ms
        self.tasks.pass_time(T7)
        return self.case


def applied(name: str = "Anna Lindqvist", policy: CasePolicy | None = None) -> World:
    world = World(name, policy)
    world.apply()
    return world


@pytest.mark.parametrize(
    ("name", "state", "level"),
    [
        ("Anna Lindqvist", CaseState.APPROVED, 2),
        ("Anna Reject", CaseState.REJECTED, 0),
        ("Anna Resubmit", CaseState.RESUBMISSION, 0),
        ("Anna Review", CaseState.DECIDING, 0),
        ("Anna Silent", CaseState.AT_PROVIDER, 0),
        # On the list: the provider approves, and a person decides all the same.
        ("John Doe", CaseState.DECIDING, 0),
    ],
)
def test_where_an_application_ends_by_itself(name: str, state: CaseState, level: int) -> None:
    case = applied(name).run()
    assert (case.state, case.level) == (state, level)


def test_a_level_without_documents_needs_no_files() -> None:
    world = World()
    world.apply(1, {})
    world.tasks.check_files(world.reference)
    world.tasks.screen(world.reference)
    world.tasks.ask_provider(world.reference)
    assert (world.case.state, world.case.level) == (CaseState.APPROVED, 1)


def test_every_task_may_be_repeated_at_any_time() -> None:
    world = applied()
    tasks: list[Callable[[], object]] = [
        lambda: world.tasks.check_files(world.reference),
        lambda: world.tasks.screen(world.reference),
        lambda: world.tasks.ask_provider(world.reference),
    ]
    for done in range(1, len(tasks) + 1):
        tasks[done - 1]()
        once = world.case
        for again in tasks[:done] * 2:
            again()
        assert world.case == once
    assert world.case.level == 2


def test_a_task_that_is_too_early_leaves_the_case_as_it_is() -> None:
    world = applied()
    before = world.case
    world.tasks.ask_provider(world.reference)
    assert world.case == before
    world.tasks.screen(world.reference)
    assert world.case == before


@pytest.mark.parametrize(
    ("key", "content", "words"),
    [
        ("passport", None, "identity_document again; it has not arrived"),
        ("passport", b"<html>" * 1000, "identity_document: Send a whole JPEG"),
        ("selfie", png(100, 100), "selfie: Send a picture of at least"),
    ],
)
def test_a_bad_file_asks_the_user_for_another_and_they_send_it(
    key: str, content: bytes | None, words: str
) -> None:
    world = applied()
    good = world.documents.files.pop(key)
    if content is not None:
        world.documents.files[key] = content
    world.tasks.check_files(world.reference)
    assert world.case.state is CaseState.RESUBMISSION
    assert words in world.case.history[-1].reason
    world.documents.files[key] = good
    world.apply()
    assert (world.run().level, world.case.attempt) == (2, 2)


def test_good_files_are_known_by_their_versions() -> None:
    world = applied()
    assert [file.version for file in world.case.files] == ["", ""]
    world.tasks.check_files(world.reference)
    assert [(file.shows, file.version) for file in world.case.files] == [
        ("identity_document", "version of passport"),
        ("selfie", "version of selfie"),
    ]


def test_what_the_provider_wants_again_is_sent_again() -> None:
    world = applied("Anna Resubmit")
    world.run()
    world.tasks.give_personal_data(T7, "anna", parse_personal_data(ANNA, START))
    world.apply()
    assert world.run().level == 2


def test_documents_expire_and_are_renewed() -> None:
    world = applied("Anna Shortlived")
    assert world.run().level == 2
    case = world.later(DAY_MS)
    assert (case.state, case.level) == (CaseState.EXPIRED, 1)
    assert world.notices[-1].state is VisibleState.EXPIRED
    world.apply()
    assert world.run().level == 2


def test_a_person_takes_a_level_away() -> None:
    world = applied()
    world.run()
    world.tasks.take(T7, "anna", Downgraded("d1", "mia", 1, "moved to another country"))
    assert world.case.level == 1
    assert world.notices[-1].level == 1


@pytest.mark.parametrize(
    ("done", "after_ms", "state"),
    [
        (0, HOUR_MS, CaseState.DECIDING),
        (1, HOUR_MS, CaseState.DECIDING),
        (2, 7 * DAY_MS, CaseState.DECIDING),
    ],
    ids=["files", "screening", "provider"],
)
def test_what_takes_too_long_goes_to_a_person(done: int, after_ms: int, state: CaseState) -> None:
    world = applied("Anna Silent")
    tasks: list[Callable[[], object]] = [
        lambda: world.tasks.check_files(world.reference),
        lambda: world.tasks.screen(world.reference),
    ]
    for task in tasks[:done]:
        task()
    before = world.case
    assert world.later(after_ms - 1) == before
    assert world.later(1).state is state


def test_who_does_not_send_again_is_rejected_in_the_end() -> None:
    world = applied("Anna Resubmit")
    world.run()
    assert world.later(30 * DAY_MS).state is CaseState.REJECTED


def test_a_list_that_is_away_screens_nobody_and_the_task_goes_on_later() -> None:
    world = applied()
    world.tasks.check_files(world.reference)
    world.is_screening_away = True
    with pytest.raises(Unavailable):
        world.tasks.screen(world.reference)
    assert world.case.state is CaseState.SCREENING
    world.is_screening_away = False
    assert world.run().level == 2


def decide(world: World, by: str, id_: str, outcome: Outcome, why: str) -> Case:
    step = Decided(id_, world.case.attempt, by, outcome, why)
    return world.tasks.take(T7, "anna", step)


def test_a_hit_is_decided_by_two_where_the_tenant_wants_it() -> None:
    world = applied("John Doe", CasePolicy(four_eyes=True))
    world.run()
    decide(world, "mia", "1", Outcome.APPROVE, "born elsewhere")
    assert world.case.level == 0
    with pytest.raises(BursaError) as caught:
        decide(world, "mia", "2", Outcome.APPROVE, "born elsewhere")
    assert caught.value.code == "same_person"
    decide(world, "max", "3", Outcome.APPROVE, "another person")
    assert (world.case.state, world.case.level) == (CaseState.APPROVED, 2)


def test_nobody_applies_without_what_the_level_needs() -> None:
    world = World()
    world.records = PersonalRecords(Table(), Box(), world.clock)
    tasks = Applications(world.tasks._services._replace(records=world.records))
    with pytest.raises(BursaError) as caught:
        tasks.apply(T7, "anna", 2, FILES, is_email_verified=True)
    assert caught.value.code == "missing_requirements"
    assert not world.cases.kept
    with pytest.raises(BursaError) as caught:
        world.tasks.apply(T7, "anna", 1, {}, is_email_verified=False)
    assert caught.value.code == "missing_requirements"


@pytest.mark.parametrize(
    ("shown", "kind", "code"),
    [
        # Would stand for what nobody has given.
        (Requirement.PERSONAL_DATA, FileKind.PDF, "unknown_document"),
        (Requirement.EMAIL, FileKind.JPEG, "unknown_document"),
        (Requirement.SELFIE, FileKind.PDF, "unknown_file_kind"),
    ],
)
def test_only_documents_are_shown_by_files(shown: Requirement, kind: FileKind, code: str) -> None:
    world = World()
    with pytest.raises(BursaError) as caught:
        world.apply(2, FILES | {shown: UploadedFile("passport", kind)})
    assert caught.value.code == code
    assert not world.cases.kept


def test_a_case_that_changed_meanwhile_is_read_again_and_not_for_ever() -> None:
    world = applied()
    world.cases.conflicts = 2
    world.tasks.check_files(world.reference)
    assert world.case.state is CaseState.SCREENING
    world.cases.conflicts = 3
    with pytest.raises(Conflict):
        world.tasks.screen(world.reference)


@pytest.mark.parametrize("task", ["screen", "ask_provider"])
def test_of_a_user_without_a_case_there_is_nothing_to_do(task: str) -> None:
    with pytest.raises(NotFound):
        getattr(World().tasks, task)(Reference(T7, "anna", 1))


def test_each_reading_of_personal_data_is_on_record() -> None:
    world = applied()
    world.run()
    kinds = [access.kind for access in world.records.accesses(T7, "anna")]
    assert kinds == ["read", "read", "written"]


def test_the_user_is_told_nothing_of_a_hit() -> None:
    plain, listed = applied("Anna Silent"), applied("John Doe")
    for world in (plain, listed):
        world.run()

    def told(world: World) -> set[tuple[Any, ...]]:
        return {(notice.state, notice.level) for notice in world.notices}

    assert told(plain) == told(listed) == {(VisibleState.IN_REVIEW, 0)}
    assert visible_state(plain.case) is visible_state(listed.case)


def test_a_notice_that_comes_again_is_known_by_its_id() -> None:
    world = applied()
    world.tasks.check_files(world.reference)
    world.tasks.check_files(world.reference)
    first, second = world.notices
    assert first.id != second.id
    assert notice_of(world.case) == second


def test_every_state_has_words_for_the_user() -> None:
    world = applied()
    seen = {visible_state(replace(world.case, state=state)) for state in CaseState}
    nothing = visible_state(replace(world.case, state=CaseState.RESUBMISSION, attempt=0))
    # A renewal that is due changes no state.
    assert seen | {nothing, VisibleState.RENEWAL_DUE} == set(VisibleState)
