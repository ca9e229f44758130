"""How much one person moves alone: never more than the amount, in however many pieces."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.back_office.allowance import ALONE, MOVEMENTS_MAX, WINDOW_MS, Allowance
from bursa.back_office.audit_log import AuditLog, NoteExists
from bursa.back_office.desk import Desk, Envelope
from bursa.back_office.four_eyes import TRIES_MAX, FourEyes, Proposal
from bursa.back_office.roles import Action, Role
from bursa.back_office.staff import Staff
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Asset
from tests.doubles.audit import MemoryHeads, MemoryRecords
from tests.unit.back_office.office import Office, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CREDIT,
    EVE,
    FINN,
    ROLES,
    approve,
    ask,
    balance,
    user_path,
)

TENANT = TenantId(1)


@pytest.fixture
def office() -> Iterator[Office]:
    """Open one where one person may move 100 USDT alone."""
    with opened_office() as found:
        for who in (BOB, FINN):
            found.add(who, ROLES[who])
        asked = ask(found, ALICE, "/admin/four-eyes/USDT", {"amount": "100", "reason": "x"})
        approve(found, BOB, asked.body["proposal"])
        yield found


def credit(office: Office, who: str, amount: str, key: str = "", to: str = EVE) -> str:
    body = CREDIT | {"amount": amount}
    return str(ask(office, who, user_path(office, "credit", to), body, key).body["state"])


def test_many_small_ones_of_one_person_are_one_large_one(office: Office) -> None:
    before = balance(office)
    assert [credit(office, FINN, "40") for _ in range(3)] == ["done", "done", "proposed"]
    # What is left may still be moved, to the unit.
    assert credit(office, FINN, "20.0000000001") == "proposed"
    assert credit(office, FINN, "20") == "done"
    assert credit(office, FINN, "0.0000000001") == "proposed"
    assert balance(office) == before + 100 * 10**10


def test_to_other_users_it_is_the_same_person(office: Office) -> None:
    assert credit(office, FINN, "60") == "done"
    assert credit(office, FINN, "60", to=BOB) == "proposed"


def test_two_people_for_one_user_are_summed_too(office: Office) -> None:
    assert credit(office, FINN, "60") == "done"
    assert credit(office, ALICE, "60") == "proposed"
    assert credit(office, ALICE, "60", to=BOB) == "done"


def test_a_debit_does_not_make_room_for_a_credit(office: Office) -> None:
    assert credit(office, FINN, "60") == "done"
    body = CREDIT | {"amount": "60"}
    debit = ask(office, FINN, user_path(office, "debit"), body)
    assert debit.body["state"] == "proposed"


def test_after_a_day_it_is_as_before(office: Office) -> None:
    assert credit(office, FINN, "100") == "done"
    office.exchange.time_ms += WINDOW_MS - 60_000
    assert credit(office, FINN, "1") == "proposed"
    office.exchange.time_ms += 120_000
    assert credit(office, FINN, "100") == "done"


def test_what_two_people_have_made_leaves_one_its_own(office: Office) -> None:
    asked = ask(office, FINN, user_path(office, "credit"), CREDIT | {"amount": "500"})
    assert approve(office, BOB, asked.body["proposal"]).body["state"] == "done"
    assert credit(office, FINN, "100") == "done"


def test_a_repeat_is_what_it_was_and_is_counted_once(office: Office) -> None:
    before = balance(office)
    assert [credit(office, FINN, "60", "k") for _ in range(3)] == ["done"] * 3
    assert balance(office) == before + 60 * 10**10
    # Also when less is allowed by now.
    asked = ask(office, ALICE, "/admin/four-eyes/USDT", {"amount": "1", "reason": "x"})
    approve(office, BOB, asked.body["proposal"])
    assert credit(office, FINN, "60", "k") == "done"
    assert credit(office, FINN, "40") == "proposed"


def test_what_the_engine_refuses_counts_because_it_was_asked_for(office: Office) -> None:
    body = CREDIT | {"amount": "90"}
    path = user_path(office, "debit", BOB)  # who has nothing
    assert ask(office, FINN, path, body).status == 422
    assert credit(office, FINN, "90") == "proposed"


# --- without an exchange --------------------------------------------------------------------------


class Clock:
    at_ms = 10 * WINDOW_MS

    def now_ms(self) -> int:
        return self.at_ms


class Markets:
    def asset(self, _tenant: TenantId, symbol: str) -> Asset | None:
        return Asset(1, symbol, 0)

    def all(self, _tenant: TenantId) -> list[Any]:
        return []

    def fee_rates(self, _tenant: TenantId) -> dict[int, Any]:
        return {}

    def find(self, _tenant: TenantId, _symbol: str) -> None:
        return None


class Payment:
    def before(self) -> dict[str, Any]:
        return {}

    def carry_out(self, _intent: object) -> dict[str, Any]:
        return {}

    def notes(self, _intent: object) -> tuple[()]:
        return ()


class World:
    def __init__(self, amount: int) -> None:
        self.clock, self.records = Clock(), MemoryRecords()
        self.records.shelves[str(TENANT), "four-eyes"] = {"X/1": {"units": amount}}
        self.log = AuditLog(self.records, MemoryHeads(), self.clock, unheard)
        self.desk = Desk(self.log, {Action.CREDIT: lambda *_: Payment()})
        self.allowance = Allowance(self.records, Markets(), self.clock)
        self.asked = 0

    def credit(self, who: str, to: str, units: int) -> bool:
        """Return whether it was made by one person."""
        self.asked += 1
        office = FourEyes(
            self.log, self.records, self.desk, self.allowance, NOBODY, self.clock, unheard
        )
        envelope = Envelope(f"k{self.asked}", "why", "", "")
        asked = {"asset": "X", "amount": str(units)}
        return not isinstance(
            office.ask(staff(who), Action.CREDIT, f"user:{to}", asked, envelope), Proposal
        )


def unheard(_what: str) -> None:
    pass


class _Nobody:
    def role(self, _tenant: TenantId, _subject: str) -> None:
        return None


NOBODY = _Nobody()


def staff(who: str) -> Staff:
    account = AccountId(TENANT, 1)
    return Staff(Principal(account, who, USER_SCOPES, SignInMethod.USER_POOL, 0, 0), Role.FINANCE)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from("xyz"),
            st.integers(1, 60),
            st.integers(0, WINDOW_MS // 2),
        ),
        max_size=25,
    )
)
def test_no_day_has_more_than_the_amount_of_anybody(
    wishes: list[tuple[str, str, int, int]],
) -> None:
    world = World(100)
    made: list[tuple[int, str, str, int]] = []
    for who, to, units, later_ms in wishes:
        world.clock.at_ms += later_ms
        if world.credit(who, to, units):
            made.append((world.clock.at_ms, who, to, units))
    for end_ms, *_ in made:
        day = [one for one in made if end_ms - WINDOW_MS < one[0] <= end_ms]
        for at, names in ((1, "ab"), (2, "xyz")):
            for name in names:
                assert sum(one[3] for one in day if one[at] == name) <= 100


def test_of_two_at_the_same_moment_one_is_counted_first() -> None:
    world = World(100)
    allowance, asked = world.allowance, {"asset": "X", "amount": "60"}
    first = allowance(staff("a"), Action.CREDIT, "user:x", asked)
    second = allowance(staff("a"), Action.CREDIT, "user:x", asked)
    assert first, "both were judged before either was made"
    assert second
    envelope = Envelope("1", "why", "", "")
    world.desk.change(staff("a"), Action.CREDIT, "user:x", asked, envelope, first)
    with pytest.raises(NoteExists):
        world.desk.change(
            staff("a"), Action.CREDIT, "user:x", asked, envelope._replace(key="2"), second
        )
    assert len(world.records.logs[str(TENANT)]) == 2
    assert allowance(staff("a"), Action.CREDIT, "user:x", asked) is None


def test_who_loses_again_and_again_is_told_to_come_later() -> None:
    world = World(100)
    tries = 0

    def alone(*_asked: object) -> Any:
        nonlocal tries
        tries += 1
        raise NoteExists

    office = FourEyes(world.log, world.records, world.desk, list, NOBODY, world.clock, unheard)  # type: ignore[arg-type]
    office._alone = lambda *_: []
    office._desk.change = alone  # type: ignore[assignment,method-assign]
    with pytest.raises(Unavailable):
        office.ask(staff("a"), Action.CREDIT, "user:x", {}, Envelope("1", "why", "", ""))
    assert tries == TRIES_MAX


def test_very_many_tiny_ones_take_two_at_last() -> None:
    world = World(10**9)
    for _ in range(MOVEMENTS_MAX):
        assert world.credit("a", "x", 1)
    assert not world.credit("a", "x", 1)
    # Whoever has not moved as many may, for somebody else.
    assert world.credit("b", "y", 1)
    world.clock.at_ms += WINDOW_MS
    assert world.credit("a", "x", 1)
    assert len(world.records.shelves[str(TENANT), ALONE]) == 2 * (MOVEMENTS_MAX + 2)
