"""What takes two people: who may approve what, until when, and that it is made once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.back_office.four_eyes import DECISIONS, LIFE_MS, PROPOSALS
from bursa.back_office.roles import SENSITIVE, Action, Role, group_of
from bursa.kernel import keys
from tests.doubles.exchange import NOON_MS, TENANT, USDT
from tests.unit.back_office.office import OTHER, Office, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CLEO,
    CREDIT,
    EVE,
    FINN,
    OLGA,
    ROLES,
    approve,
    ask,
    balance,
    eves_account,
    proposed,
    user_path,
)
from tests.unit.conftest import Response

DAY_MS = 86_400_000


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        for who in (BOB, FINN, CLEO):
            found.add(who, ROLES[who])
        yield found


def test_an_approved_credit_is_made_once(office: Office) -> None:
    before, proposal = balance(office), proposed(office)
    assert balance(office) == before, "nothing is made yet"
    done = approve(office, BOB, proposal)
    assert (done.status, done.body["state"]) == (200, "done"), done
    assert done.body["proposal"]["state"] == "approved"
    assert balance(office) == before + 125 * 10**9
    # Whoever approved may send it again; nobody else may.
    assert approve(office, BOB, proposal).body["after"] == done.body["after"]
    assert approve(office, FINN, proposal).body["code"] == "already_decided"
    assert balance(office) == before + 125 * 10**9
    kinds = [entry["kind"] for entry in office.entries()]
    assert kinds == ["proposal", "approval", "intent", "outcome"]
    intent = office.entries()[2]
    assert intent["actor"] == office.people[TENANT, BOB]
    assert intent["asked"]["asked_by"] == office.people[TENANT, ALICE]
    assert intent["reason"] == CREDIT["reason"]


def test_what_broke_off_after_the_approval_is_made_when_it_comes_again(office: Office) -> None:
    before, proposal = balance(office), proposed(office)
    office.exchange.lose_replies = True
    assert approve(office, BOB, proposal).body["code"] == "no_answer"
    office.exchange.lose_replies = False
    assert approve(office, FINN, proposal).body["code"] == "already_decided"
    # Also after the proposal would have ended: it was approved in time.
    office.exchange.time_ms += 1_000
    assert approve(office, BOB, proposal).status == 200
    assert balance(office) == before + 125 * 10**9


def expire(office: Office, _: dict[str, Any]) -> None:
    office.exchange.time_ms = NOON_MS + LIFE_MS + 60_000


def reject(office: Office, proposal: dict[str, Any]) -> None:
    path = f"/admin/proposals/{proposal['proposal_id']}/reject"
    assert ask(office, FINN, path, {"reason": "No ticket"}).body["state"] == "rejected"


def alter(office: Office, proposal: dict[str, Any]) -> None:
    """Write another amount over it, as who has rights to the table might."""
    key = {
        "pk": {"S": keys.audit_notes(TENANT, PROPOSALS)},
        "sk": {"S": proposal["proposal_id"]},
    }
    row = office.exchange._dynamodb.get_item(TableName="audit", Key=key)["Item"]
    content = json.loads(row["content"]["S"])
    content["asked"]["amount"] = "1000000"
    row["content"] = {"S": json.dumps(content)}
    office.exchange._dynamodb.put_item(TableName="audit", Item=row)


def nothing(_office: Office, _proposal: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize(
    ("who", "first", "digest", "status", "code"),
    [
        (ALICE, nothing, "", 403, "not_the_asker"),
        (CLEO, nothing, "", 403, "role_may_not"),
        (BOB, nothing, "0" * 64, 409, "other_proposal"),
        (BOB, nothing, "x", 409, "other_proposal"),
        (BOB, nothing, "é", 409, "other_proposal"),
        (BOB, alter, "", 409, "proposal_altered"),
        (BOB, expire, "", 409, "proposal_expired"),
        (BOB, reject, "", 409, "already_decided"),
        (FINN, reject, "", 409, "already_decided"),
        (ALICE, expire, "", 403, "not_the_asker"),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)[:12]),
)
def test_who_may_not_approve_and_what_is_no_longer_approved(
    office: Office, who: str, first: Any, digest: str, status: int, code: str
) -> None:
    before, proposal = balance(office), proposed(office)
    first(office, proposal)
    entries = len(office.entries())
    response = approve(office, who, proposal, digest)
    assert (response.status, response.body["code"]) == (status, code)
    assert len(office.entries()) == entries
    assert balance(office) == before


def test_a_proposal_is_of_its_own_tenant(office: Office) -> None:
    proposal = proposed(office)
    path = f"/admin/proposals/{proposal['proposal_id']}/approve"
    body = {"digest": proposal["digest"], "reason": "x", "code": "123456"}
    for named in (path, "/admin/proposals/nothing/approve"):
        response = office.send(OLGA, "POST", named, body, tenant=OTHER)
        assert (response.status, response.body["code"]) == (404, "unknown_proposal")
    assert office.send(OLGA, "GET", "/admin/proposals", tenant=OTHER).body["items"] == []


def test_a_repeat_is_the_same_proposal_and_another_request_is_refused(office: Office) -> None:
    first = proposed(office, key="k")
    assert proposed(office, key="k") == first
    other = ask(office, ALICE, user_path(office, "credit"), CREDIT | {"amount": "13"}, "k")
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")
    listed = office.send(ALICE, "GET", "/admin/proposals").body["items"]
    assert [one["proposal_id"] for one in listed] == [first["proposal_id"]]


@pytest.mark.parametrize("word", ["credit", "debit", "unfreeze", "role"])
def test_nobody_asks_for_themself(office: Office, word: str) -> None:
    body: dict[str, Any] = {"reason": "x"}
    body |= {"asset": "USDT", "amount": "1"} if word in {"credit", "debit"} else {}
    body |= {"role": "owner"} if word == "role" else {}
    response = ask(office, ALICE, user_path(office, word, ALICE), body)
    assert (response.status, response.body["code"]) == (403, "not_your_own")
    assert not office.entries()


def test_nobody_approves_what_is_about_themself(office: Office) -> None:
    asked = ask(office, ALICE, user_path(office, "credit", BOB), CREDIT).body["proposal"]
    response = approve(office, BOB, asked)
    assert (response.status, response.body["code"]) == (403, "not_your_own")


def test_an_amount_is_for_one_person_once_two_have_set_it(office: Office) -> None:
    asked = ask(office, ALICE, "/admin/four-eyes/USDT", {"amount": "100", "reason": "Small ones"})
    assert asked.body["state"] == "proposed"
    assert proposed(office)["state"] == "open"
    assert approve(office, BOB, asked.body["proposal"]).body["after"] == {"amount": "100"}
    before = balance(office)
    path = user_path(office, "credit")
    done = ask(office, FINN, path, CREDIT | {"amount": "100"}, "exactly")
    assert (done.body["state"], done.body["after"]["amount"]) == ("done", "100")
    more = ask(office, FINN, path, CREDIT | {"amount": "100.0000000001"})
    assert more.body["state"] == "proposed"
    # A debit is held to the same amount, and each asset has its own.
    office.exchange.time_ms += DAY_MS
    debit = ask(office, FINN, user_path(office, "debit"), CREDIT | {"amount": "100"})
    assert debit.body["state"] == "done"
    bitcoin = ask(office, FINN, path, CREDIT | {"asset": "BTC", "amount": "0.00000001"})
    assert bitcoin.body["state"] == "proposed"
    assert balance(office) == before


def test_a_request_stays_what_it_was_when_the_amount_changes(office: Office) -> None:
    asked = ask(office, ALICE, "/admin/four-eyes/USDT", {"amount": "100", "reason": "x"})
    first = proposed(office, FINN, key="before")
    approve(office, BOB, asked.body["proposal"])
    assert proposed(office, FINN, key="before")["proposal_id"] == first["proposal_id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"asset": "NOPE"}, 404, "unknown_asset"),
        ({"amount": "0"}, 400, "amount_not_positive"),
        ({"amount": "-1"}, 400, "amount_not_positive"),
        ({"amount": "1e3"}, 400, "invalid_amount"),
        ({"amount": "0.00000000001"}, 400, "amount_too_precise"),
        ({"amount": "9999999999999"}, 400, "amount_too_large"),
        ({"amount": 1}, 400, "not_a_string"),
        ({"reason": ""}, 400, "invalid_reason"),
    ],
    ids=str,
)
def test_money_that_is_not_well_asked_for_is_not_proposed(
    office: Office, body: dict[str, Any], status: int, code: str
) -> None:
    response = ask(office, ALICE, user_path(office, "credit"), CREDIT | body)
    assert (response.status, response.body["code"]) == (status, code)
    assert not office.entries()


def test_a_debit_of_more_than_there_is_is_refused_by_the_engine_and_on_record(
    office: Office,
) -> None:
    much = CREDIT | {"amount": "100000000"}
    asked = ask(office, ALICE, user_path(office, "debit"), much).body["proposal"]
    response = approve(office, BOB, asked)
    assert response.status == 422
    assert office.entries()[-1]["result"] == response.body["code"]
    assert approve(office, BOB, asked).body["code"] == "already_refused"


def test_freezing_is_done_at_once_and_unfreezing_takes_two(office: Office) -> None:
    sub_account = eves_account(office).sub_account(2)
    seats = SubAccountList({2: SubAccount(sub_account, "bot", 1)}, 0)
    assert SubAccountsTable(dynamodb_client(), "directory").replace(eves_account(office), seats)
    frozen = ask(office, CLEO, user_path(office, "freeze"), {"reason": "A court order"})
    assert (frozen.body["state"], frozen.body["after"]) == ("done", {"state": "frozen"})
    find = {"email": EVE}
    assert office.send(ALICE, "GET", "/admin/users", query=find).body["items"][0]["frozen"] is True  # type: ignore[arg-type]
    account = eves_account(office)
    state = office.exchange.engine.state.accounts[account.number]
    assert state.state == office.exchange.engine.state.accounts[sub_account.number].state == 1
    asked = ask(office, CLEO, user_path(office, "unfreeze"), {"reason": "It was lifted"})
    assert asked.body["state"] == "proposed"
    done = approve(office, ALICE, asked.body["proposal"])
    assert done.body["after"] == {"state": "active"}
    for one in (account, sub_account):
        assert office.exchange.engine.state.accounts[one.number].state == 0
    assert office.send(ALICE, "GET", "/admin/users", query=find).body["items"][0]["frozen"] is False  # type: ignore[arg-type]
    assert USDT


def groups_of(office: Office, who: str) -> set[str]:
    found = cognito_client().admin_list_groups_for_user(
        UserPoolId=office.pools[TENANT], Username=who
    )
    return {one["GroupName"] for one in found["Groups"]}


def test_a_role_is_given_changed_and_taken_away_by_two_and_ends_the_sessions(
    office: Office,
) -> None:
    def change(role: str | None, **more: object) -> Response:
        body = {"role": role, "reason": "A new job", **more}
        asked = ask(office, ALICE, user_path(office, "role"), body)
        assert asked.body["state"] == "proposed", asked
        office.exchange.time_ms += 1  # the latest term counts
        return approve(office, BOB, asked.body["proposal"])

    assert change("support").body["after"] == {"role": "support", "until_ms": None}
    assert groups_of(office, EVE) == {group_of(Role.SUPPORT)}
    until_ms = office.clock.now_ms() + 86_400_000
    change("regulator", until_ms=until_ms)
    assert groups_of(office, EVE) == {group_of(Role.REGULATOR)}
    me = office.send(EVE, "GET", "/admin/me", role=Role.REGULATOR)
    assert (me.status, me.body.get("until_ms")) == (200, until_ms), me
    change(None)
    assert groups_of(office, EVE) == set()
    # Whatever a token of before says, a regulator's term is over.
    assert office.send(EVE, "GET", "/admin/me", role=Role.REGULATOR).body["code"] == "term_over"
    found = office.send(ALICE, "GET", "/admin/users", query={"email": EVE}).body["items"][0]
    assert found["signed_out_at_ms"]


@pytest.mark.parametrize(
    "body",
    [
        {"role": "regulator"},
        {"role": "support", "until_ms": NOON_MS + 1_000_000},
        {"role": None, "until_ms": NOON_MS + 1_000_000},
    ],
    ids=str,
)
def test_a_term_is_a_regulators(office: Office, body: dict[str, Any]) -> None:
    response = ask(office, ALICE, user_path(office, "role"), body | {"reason": "x"})
    assert (response.status, response.body["code"]) == (400, "invalid_until_ms")


def test_fees_are_set_by_two(office: Office) -> None:
    body = {"maker_ppm": 100, "taker_ppm": 300, "reason": "A campaign"}
    asked = ask(office, FINN, "/admin/fees", body).body["proposal"]
    assert approve(office, ALICE, asked).body["after"] == {"maker_ppm": 100, "taker_ppm": 300}
    market = office.send(ALICE, "GET", "/admin/markets").body["items"][0]
    assert (market["maker_ppm"], market["taker_ppm"]) == (100, 300)
    assert office.entries()[-1]["before"] == {"maker_ppm": 1_000, "taker_ppm": 2_000}


def test_a_decision_is_one_however_often_it_comes_and_refusals_are_counted(office: Office) -> None:
    proposal = proposed(office)
    path = f"/admin/proposals/{proposal['proposal_id']}/reject"
    # Whoever asked may take it back.
    first = ask(office, ALICE, path, {"reason": "A mistake"})
    assert first.body["decided_by"] == office.people[TENANT, ALICE]
    assert ask(office, ALICE, path, {"reason": "A mistake"}).body == first.body
    assert ask(office, BOB, path, {"reason": "x"}).body["code"] == "already_decided"
    row = office.exchange._dynamodb.get_item(
        TableName="audit",
        Key={
            "pk": {"S": keys.audit_notes(TENANT, DECISIONS)},
            "sk": {"S": proposal["proposal_id"]},
        },
    )["Item"]
    assert json.loads(row["content"]["S"])["decision"] == "rejected"


def test_what_takes_two_is_what_opens_or_moves() -> None:
    assert {str(action) for action in SENSITIVE} == {
        "unfreeze_accounts",
        "set_fees",
        "set_roles",
        "set_four_eyes",
        "set_market_limits",
        "list_markets",
        "set_fee_tiers",
        "pin_fee_tiers",
        "set_account_limits",
    }
    assert Action.FREEZE_ACCOUNTS not in SENSITIVE
