"""What somebody with a role, a stolen session or a broken line might get out of two people."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bursa.aws.clients import cognito_client
from bursa.back_office.audit_entry import Deed
from bursa.back_office.audit_log import AuditLog, Intent
from bursa.back_office.commands import StaffCommands
from bursa.back_office.four_eyes import LIFE_MS
from bursa.back_office.roles import group_of
from bursa.intake.outcomes import CommandOutcome
from bursa.kernel.errors import Conflict, Refused, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import TENANT
from tests.unit.back_office.office import Office, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CLEO,
    CREDIT,
    EVE,
    FINN,
    ROLES,
    approve,
    ask,
    balance,
    proposed,
    user_path,
)
from wire import codec
from wire import layout as w
from wire.events import Result


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        for who in (BOB, FINN, CLEO):
            found.add(who, ROLES[who])
        yield found


# --- the code of an approval ----------------------------------------------------------------------


def wrong(office: Office) -> str:
    return f"{(int(office.code()) + 1) % 10**6:06d}"


@pytest.mark.parametrize(
    ("code_of", "status", "code"),
    [
        (wrong, 403, "wrong_code"),
        (lambda _: "12345", 400, "invalid_code"),
        (lambda _: "١٢٣٤٥٦", 400, "invalid_code"),
        (lambda _: 123456, 400, "not_a_string"),
    ],
    ids=["wrong", "short", "other digits", "a number"],
)
def test_without_a_code_of_now_nothing_is_approved(
    office: Office, code_of: Any, status: int, code: str
) -> None:
    before, proposal = balance(office), proposed(office)
    entries = len(office.entries())
    response = approve(office, BOB, proposal, code=code_of(office))
    assert (response.status, response.body["code"]) == (status, code)
    assert (balance(office), len(office.entries())) == (before, entries)
    assert approve(office, BOB, proposal).status == 200


def test_an_approval_names_its_code(office: Office) -> None:
    proposal = proposed(office)
    path = f"/admin/proposals/{proposal['proposal_id']}/approve"
    response = ask(office, BOB, path, {"digest": proposal["digest"], "reason": "x"})
    assert (response.status, response.body["code"]) == (400, "missing_field")


def test_a_code_is_good_for_one_approval(office: Office) -> None:
    """Whoever looks over a shoulder, or holds the session, can't use it for another."""
    first, second, code = proposed(office), proposed(office), office.code()
    assert approve(office, BOB, first, code=code).status == 200
    response = approve(office, BOB, second, code=code)
    assert (response.status, response.body["code"]) == (403, "code_used")
    # Nor to send the first one again, which changes nothing anyway.
    assert approve(office, BOB, first, code=code).body["code"] == "code_used"
    assert approve(office, BOB, first).status == 200


def test_a_refusal_uses_no_code_up(office: Office) -> None:
    own, code = proposed(office, ALICE), office.code()
    assert approve(office, ALICE, own, code=code).body["code"] == "not_the_asker"
    assert approve(office, ALICE, proposed(office, FINN), code=code).status == 200


# --- people who are no longer what their tokens say -----------------------------------------------


def leave(office: Office, who: str) -> None:
    cognito_client().admin_remove_user_from_group(
        UserPoolId=office.pools[TENANT], Username=who, GroupName=group_of(ROLES[who])
    )


def disable(office: Office, who: str) -> None:
    cognito_client().admin_disable_user(UserPoolId=office.pools[TENANT], Username=who)


def close(office: Office, who: str) -> None:
    directory = DirectoryTable(office.exchange._dynamodb, "directory")
    directory.close_user(TENANT, office.people[TENANT, who], office.exchange.time_ms)


def test_nobody_is_credited_who_has_closed_the_account(office: Office) -> None:
    close(office, EVE)
    response = ask(office, ALICE, user_path(office, "credit"), CREDIT)
    assert (response.status, response.body["code"]) == (422, "account_closed")


@pytest.mark.parametrize("end", [leave, disable, close])
def test_what_somebody_asked_for_who_has_gone_is_not_approved(office: Office, end: Any) -> None:
    before, proposal = balance(office), proposed(office, FINN)
    end(office, FINN)
    response = approve(office, BOB, proposal)
    assert (response.status, response.body["code"]) == (409, "asker_may_not")
    path = f"/admin/proposals/{proposal['proposal_id']}/reject"
    assert ask(office, BOB, path, {"reason": "It was not his"}).status == 200
    assert balance(office) == before


@pytest.mark.parametrize("end", [leave, disable])
def test_a_token_of_before_approves_nothing(office: Office, end: Any) -> None:
    before, proposal = balance(office), proposed(office)
    end(office, BOB)
    response = approve(office, BOB, proposal)
    assert (response.status, response.body["code"]) == (403, "role_may_not")
    assert balance(office) == before


# --- what breaks off, and comes again late --------------------------------------------------------


def test_an_approval_is_not_kept_for_later(office: Office, monkeypatch: Any) -> None:
    """Approved in time, and not begun before the proposal ended: asked for anew."""
    before, proposal = balance(office), proposed(office)

    def away(*_: object, **__: object) -> None:
        raise Unavailable("audit_unavailable", "Later.")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "begin", away)
        assert approve(office, BOB, proposal).status == 503
    office.exchange.time_ms += LIFE_MS
    response = approve(office, BOB, proposal)
    assert (response.status, response.body["code"]) == (409, "proposal_expired")
    assert balance(office) == before


def test_a_refused_debit_whose_answer_was_lost_is_not_said_to_be_made(office: Office) -> None:
    body = CREDIT | {"amount": "5"}
    asked = ask(office, ALICE, user_path(office, "debit", CLEO), body)  # who has nothing
    office.exchange.lose_replies = True
    assert approve(office, BOB, asked.body["proposal"]).body["code"] == "no_answer"
    office.exchange.lose_replies = False
    response = approve(office, BOB, asked.body["proposal"])
    assert response.status == 422
    assert office.entries()[-1]["result"] == response.body["code"] != "done"


def role(office: Office, name: str | None) -> dict[str, Any]:
    body = {"role": name, "reason": "A new job"}
    proposal: dict[str, Any] = ask(office, ALICE, user_path(office, "role"), body).body["proposal"]
    return proposal


def test_a_role_that_broke_off_does_not_come_back_over_a_later_one(
    office: Office, monkeypatch: Any
) -> None:
    first = role(office, "finance")

    def away(*_: object, **__: object) -> None:
        raise Unavailable("audit_unavailable", "Later.")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "finish", away)
        assert approve(office, BOB, first).status == 503
    assert approve(office, BOB, role(office, None)).status == 200
    response = approve(office, BOB, first)
    assert (response.status, response.body["code"]) == (409, "overtaken")
    found = office.send(ALICE, "GET", "/admin/users", query={"email": EVE}).body["items"][0]
    assert found["role"] is None


def test_a_session_that_began_while_a_role_was_taken_ends_with_it(
    office: Office, monkeypatch: Any
) -> None:
    proposal = role(office, "support")

    def away(*_: object, **__: object) -> None:
        raise Unavailable("audit_unavailable", "Later.")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "finish", away)
        approve(office, BOB, proposal)
    office.exchange.time_ms += 600_000
    assert approve(office, BOB, proposal).status == 200
    directory = DirectoryTable(office.exchange._dynamodb, "directory")
    user = directory.user_of(TENANT, office.people[TENANT, EVE])
    assert user is not None
    assert user.signed_out_at == office.clock.now_ms() // 1_000


class TooLate:
    """The intake of an engine that has forgotten."""

    reason = w.REASON_COMMAND_TOO_OLD

    def now_ms(self) -> int:
        return 10**12

    def submit(self, _submission: object, _options: object) -> Sequence[CommandOutcome]:
        words: dict[str, Any] = dict.fromkeys(Result._fields, 0)
        words |= {"command_kind": w.COMMAND_CREDIT, "reason": self.reason}
        return [CommandOutcome(Result(**words))]


def test_what_the_engine_no_longer_knows_is_not_said_to_be_refused() -> None:
    account = AccountId(TENANT, 1)
    request = CommandId.from_parts(account, "back-office", "alice/k").hex()
    deed = Deed(request, "alice", "owner", "credit", "user:eve", {}, "why", "", "")
    intake = TooLate()

    def submit() -> None:
        StaffCommands(intake).submit(
            Intent(TENANT, deed, 1, {}),
            account,
            [lambda header: codec.encode_funds(w.COMMAND_CREDIT, 1, 1, 5, **header.words())],
        )

    with pytest.raises(Conflict) as unknown:
        submit()
    assert unknown.value.code == "outcome_unknown"
    intake.reason = w.REASON_SUPPLY_LIMIT
    with pytest.raises(Refused):
        submit()


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [100_001, -100_001, 2**63, -(10**30)])
@pytest.mark.parametrize("field", ["maker_ppm", "taker_ppm"])
def test_a_fee_beyond_a_tenth_is_not_proposed(office: Office, field: str, ppm: int) -> None:
    body = {"maker_ppm": 0, "taker_ppm": 0, "reason": "x", field: ppm}
    response = ask(office, ALICE, "/admin/fees", body)
    assert (response.status, response.body["code"]) == (400, f"invalid_{field}")
    assert not office.entries()


def test_credits_that_no_balance_holds_are_refused(office: Office) -> None:
    body = CREDIT | {"amount": "900000000"}  # nine tenths of what a word holds
    results = []
    for _ in range(3):
        asked = ask(office, ALICE, user_path(office, "credit"), body)
        results.append(approve(office, BOB, asked.body["proposal"]).status)
    assert results[-1] == 422
    assert set(results) <= {200, 422}
    assert balance(office) >= 0
