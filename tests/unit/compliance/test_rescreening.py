"""A changed list: whose cases open again, and whose don't."""

from dataclasses import replace

import pytest

from bursa.compliance.cases import DEFAULT_POLICY, Case, CaseState, Hit, open_case
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.rescreening import Rescreening
from bursa.compliance.sanctions_list import parse_list
from bursa.compliance.screening import Person, Screening
from bursa.compliance.steps import Rules
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from tests.unit.compliance.test_sanctions_list import sdn

T7 = TenantId(7)
NOW = 1_790_000_000_000
LIST = parse_list(sdn((1, "DOE, John"), (2, "ROE, Jane")), b"")
SCREENING = Screening(LIST)
JOHN = Person(("John Doe",))
(HIT,) = (hit.for_case() for hit in SCREENING(JOHN))
APPROVED = replace(
    open_case("t7", "john"), state=CaseState.APPROVED, attempt=1, target=1, granted=1, version=3
)


class Table:
    """Cases in memory."""

    def __init__(self, *cases: Case, conflicts: int = 0) -> None:
        self.kept = {case.user: case for case in cases}
        self.conflicts = conflicts

    def find(self, tenant: TenantId, user: str) -> Case | None:
        assert tenant == T7
        return self.kept.get(user)

    def save(self, case: Case) -> Case:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("case_changed", "Look and try again.")
        self.kept[case.user] = replace(case, version=case.version + 1)
        return self.kept[case.user]

    def rules(self, tenant: TenantId) -> Rules:
        return Rules(DEFAULT_LEVELS, DEFAULT_POLICY)


def run(
    table: Table, *people: tuple[str, Person | None]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = Rescreening(SCREENING, table)(T7, people, NOW)
    return found.opened, found.not_compared


def test_a_new_hit_withholds_the_level_until_a_person_decides() -> None:
    table = Table(APPROVED)
    assert run(table, ("john", JOHN)) == (("john",), ())
    after = table.kept["john"]
    assert (after.state, after.level, after.hits) == (CaseState.DECIDING, 0, (HIT,))


def test_once_more_changes_nothing() -> None:
    table = Table(APPROVED)
    run(table, ("john", JOHN))
    once = dict(table.kept)
    assert run(table, ("john", JOHN)) == ((), ())
    assert table.kept == once


def cleared(digest: str) -> Case:
    return replace(APPROVED, cleared=frozenset({(HIT.entry, digest)}))


def deciding(hit: Hit) -> Case:
    return replace(APPROVED, state=CaseState.DECIDING, hits=(hit,))


@pytest.mark.parametrize(
    ("case", "is_opened"),
    [
        pytest.param(cleared(HIT.digest), False, id="cleared"),
        pytest.param(cleared("an earlier content"), True, id="changed since it was cleared"),
        pytest.param(deciding(HIT), False, id="known"),
        pytest.param(deciding(Hit("9", "9", 900)), True, id="another than is known"),
        pytest.param(replace(APPROVED, granted=0), True, id="nothing to take"),
        pytest.param(replace(APPROVED, state=CaseState.AT_PROVIDER), True, id="in progress"),
    ],
)
def test_only_hits_that_are_new_open_a_case(case: Case, is_opened: bool) -> None:
    table = Table(case)
    assert bool(run(table, ("john", JOHN))[0]) is is_opened
    assert (table.kept["john"] != case) is is_opened


def test_who_can_not_be_compared_is_named_and_the_rest_goes_on() -> None:
    table = Table(APPROVED)
    people = (("anna", Person(("ไทย",))), ("bert", Person(("Bert Other",))), ("carl", None))
    assert run(table, *people, ("john", JOHN)) == (("john",), ("anna", "carl"))


def test_a_case_that_changed_meanwhile_is_read_again() -> None:
    assert run(Table(APPROVED, conflicts=2), ("john", JOHN)) == (("john",), ())
    assert run(Table(APPROVED, conflicts=3), ("john", JOHN)) == ((), ("john",))


def test_a_user_without_a_case_is_left_alone() -> None:
    table = Table()
    assert run(table, ("john", JOHN)) == ((), ())
    assert not table.kept
