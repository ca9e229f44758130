"""Personal data: what is taken of a user, who reads it, and that every read is on record."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from bursa.compliance.personal_data import (
    PersonalData,
    decode_personal_data,
    encode_personal_data,
    parse_personal_data,
)
from bursa.compliance.personal_records import (
    Access,
    AccessKind,
    PersonalRecords,
    Reader,
    Role,
    SealedRecord,
)
from bursa.kernel.calendar_time import CalendarDate
from bursa.kernel.errors import BursaError, Conflict, Unavailable
from bursa.kernel.identifiers import TenantId

T7 = TenantId(7)
NOW = 1_790_000_000_000  # 2026-09-21
ANNA = {
    "given_names": "Anna  Maria",
    "family_name": "Lindqvist",
    "born": "1990-02-28",
    "nationality": "SE",
    "residence": "DE",
}
COMPLIANCE = Reader(Role.COMPLIANCE, "mia", "case 7")


def test_what_a_user_says_is_kept_as_it_is_compared() -> None:
    data = parse_personal_data(ANNA | {"native_name": "Анна Линдквист"}, NOW)
    assert data.given_names == "Anna Maria"
    assert data.person.names == ("Anna Maria Lindqvist", "Анна Линдквист")
    assert data.person.born == CalendarDate(1990, 2, 28)
    assert decode_personal_data(encode_personal_data(data)) == data


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"family_name": ""}, "invalid_personal_data", "family_name"),
        ({"family_name": None}, "invalid_personal_data", "family_name"),
        ({"family_name": "x" * 101}, "invalid_personal_data", "family_name"),
        ({"family_name": "a\u0000b"}, "invalid_personal_data", "family_name"),
        ({"family_name": "ไทย"}, "name_not_readable", "name"),
        ({"family_name": "Agent 007"}, "name_not_readable", "name"),
        ({"native_name": "ไทย"}, "name_not_readable", "name"),
        ({"given_names": "a b c d e f g h"}, "invalid_name", "name"),
        ({"born": "28.02.1990"}, "invalid_personal_data", "born"),
        ({"born": "1990-02-30"}, "invalid_personal_data", "born"),
        ({"born": "2027-01-01"}, "invalid_personal_data", "born"),
        ({"born": "1890-01-01"}, "invalid_personal_data", "born"),
        ({"born": "2008-09-22"}, "too_young", "born"),
        ({"nationality": "Sweden"}, "invalid_personal_data", "nationality"),
        ({"residence": "de"}, "invalid_personal_data", "residence"),
        ({"is_admin": "yes"}, "invalid_personal_data", "is_admin"),
    ],
)
def test_what_is_not_taken(changed: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(BursaError) as caught:
        parse_personal_data(ANNA | changed, NOW)
    assert (caught.value.code, caught.value.field) == (code, field)
    # An error may be logged.
    assert "Anna" not in caught.value.detail


def test_who_has_come_of_age_today_may_apply() -> None:
    assert parse_personal_data(ANNA | {"born": "2008-09-21"}, NOW)


def test_a_log_line_shows_nothing_of_it() -> None:
    assert "Anna" not in repr(parse_personal_data(ANNA, NOW))


@pytest.mark.parametrize("opened", [b"", b"[]", b"{}", b'{"schema": 2}', b'{"schema": 1, "x": 1}'])
def test_what_was_not_written_is_damage(opened: bytes) -> None:
    with pytest.raises(BursaError) as caught:
        decode_personal_data(opened)
    assert caught.value.code == "personal_data_damaged"


class Table:
    """Sealed data and lines in memory; can be away."""

    def __init__(self) -> None:
        self.records: dict[str, SealedRecord] = {}
        self.lines: list[Access] = []
        self.is_away = False
        self.changes: Counter[tuple[str, int]] = Counter()
        # What the version of the user's case is when something is written; None for whatever.
        self.case_version: int | None = None

    def find(self, tenant: TenantId, user: str) -> SealedRecord | None:
        return self.records.get(f"{tenant} {user}")

    def save(self, tenant: TenantId, user: str, record: SealedRecord, case_version: int) -> None:
        if self.case_version not in (None, case_version):
            raise Conflict("personal_data_changed", "Look and try again.")
        self.records[f"{tenant} {user}"] = record

    def count_change(self, tenant: TenantId, user: str, day: int, most: int) -> bool:
        self.changes[f"{tenant} {user}", day] += 1
        return self.changes[f"{tenant} {user}", day] <= most

    def remove(self, tenant: TenantId, user: str) -> None:
        self.records.pop(f"{tenant} {user}", None)

    def note(self, tenant: TenantId, user: str, access: Access) -> None:
        if self.is_away:
            raise Unavailable("personal_data_unavailable", "Later.")
        self.lines.append(access)

    def accesses(self, tenant: TenantId, user: str) -> Sequence[Access]:
        return self.lines[::-1]


class Box:
    """Seals by prefixing; remembers whether it was opened."""

    def __init__(self) -> None:
        self.opened = 0
        self.destroyed: list[str] = []

    def seal(self, tenant: TenantId, user: str, data: bytes) -> bytes:
        return f"{tenant} {user} ".encode() + data

    def open(self, tenant: TenantId, user: str, sealed: bytes) -> bytes:
        self.opened += 1
        return sealed.removeprefix(f"{tenant} {user} ".encode())

    def destroy(self, tenant: TenantId, user: str) -> None:
        self.destroyed.append(f"{tenant} {user}")


class Clock:
    def now_ms(self) -> int:
        return NOW


class World:
    """Records of one user who has given their data."""

    def __init__(self) -> None:
        self.table, self.box = Table(), Box()
        self.records = PersonalRecords(self.table, self.box, Clock())
        self.data: PersonalData = parse_personal_data(ANNA, NOW)
        self.records.write(T7, "anna", self.data, 0)


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.SCREENING])
def test_compliance_and_the_screening_read_and_it_is_on_record(role: Role) -> None:
    world = World()
    assert world.records.read(T7, "anna", Reader(role, "mia", "case 7")) == world.data
    latest = world.records.accesses(T7, "anna")[0]
    assert latest == Access(NOW, AccessKind.READ, role, "mia", "case 7")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COMPLIANCE, Role.SCREENING}))
def test_nobody_else_reads_and_the_attempt_is_on_record(role: Role) -> None:
    world = World()
    with pytest.raises(BursaError) as caught:
        world.records.read(T7, "anna", Reader(role, "max", "curious"))
    assert caught.value.code == "compliance_only"
    assert world.box.opened == 0
    assert world.records.accesses(T7, "anna")[0].kind is AccessKind.REFUSED


def test_a_read_that_can_not_be_recorded_does_not_happen() -> None:
    world = World()
    world.table.is_away = True
    with pytest.raises(Unavailable):
        world.records.read(T7, "anna", COMPLIANCE)
    assert world.box.opened == 0


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 301])
def test_a_read_needs_a_reason(reason: str) -> None:
    world = World()
    with pytest.raises(BursaError) as caught:
        world.records.read(T7, "anna", COMPLIANCE._replace(reason=reason))
    assert caught.value.code == "invalid_reason"


def test_of_an_unknown_user_there_is_nothing() -> None:
    with pytest.raises(BursaError) as caught:
        World().records.read(T7, "bert", COMPLIANCE)
    assert caught.value.code == "no_personal_data"


def test_erasing_destroys_the_key_and_leaves_the_record_of_reads() -> None:
    world = World()
    world.records.read(T7, "anna", COMPLIANCE)
    for _ in range(2):
        world.records.erase(T7, "anna", COMPLIANCE, NOW)
    assert world.box.destroyed[:1] == ["t7 anna"]
    with pytest.raises(BursaError) as caught:
        world.records.read(T7, "anna", COMPLIANCE)
    assert caught.value.code == "no_personal_data"
    kinds = [access.kind for access in world.records.accesses(T7, "anna")]
    assert kinds == ["erased", "erased", "read", "written"]


@pytest.mark.parametrize(
    ("role", "keep_until_ms", "code"),
    [
        (Role.COMPLIANCE, NOW + 1, "retention_period"),
        (Role.SCREENING, 0, "compliance_only"),
        (Role.SUPPORT, 0, "compliance_only"),
        (Role.USER, 0, "compliance_only"),
    ],
)
def test_what_is_not_erased(role: Role, keep_until_ms: int, code: str) -> None:
    world = World()
    with pytest.raises(BursaError) as caught:
        world.records.erase(T7, "anna", Reader(role, "x", "asked to"), keep_until_ms)
    assert caught.value.code == code
    assert not world.box.destroyed
    assert world.records.read(T7, "anna", COMPLIANCE) == world.data


def test_what_is_given_again_takes_the_place_of_the_earlier() -> None:
    world = World()
    married = parse_personal_data(ANNA | {"family_name": "Berg"}, NOW)
    world.records.write(T7, "anna", married, 0)
    assert world.records.read(T7, "anna", COMPLIANCE) == married
    assert world.table.records["t7 anna"].version == 2
