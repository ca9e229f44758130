"""The back office by HTTP: who is let in, cell by cell, and what each route does and writes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from bursa.aws.clients import cognito_client, s3_client
from bursa.back_office.audit_chain import verify
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_log import Tail
from bursa.back_office.roles import Action, Role, may
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS, AdminOperation
from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.principal import Scope
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import NOON_MS, TENANT
from tests.unit.back_office.office import OTHER, Office, give_term, opened_office
from tests.unit.back_office.test_market_limits import LIMITS

ALICE, EVE, OLGA = "alice@demo.example", "eve@demo.example", "olga@other.example"
STATE = "/admin/markets/BTC-USDT/state"
HALT = {"state": "halted", "reason": "A wrong tick size"}


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        yield found


def test_every_role_needs_a_second_factor(office: Office) -> None:
    office.require_factor(office.people[TENANT, ALICE], since_ms=0)
    for role in Role:
        response = office.send(ALICE, "GET", "/admin/me", role=role)
        assert (response.status, response.body["code"]) == (403, "second_factor_required")


def test_a_regulators_time_is_kept_here_and_ends(office: Office) -> None:
    def ask() -> Any:
        return office.send(ALICE, "GET", "/admin/me", role=Role.REGULATOR)

    assert ask().body["code"] == "term_over"
    give_term(office, ALICE, office.clock.now_ms() + 1_000)
    assert ask().body["until_ms"] == office.clock.now_ms() + 1_000
    office.exchange.time_ms += 1_000
    assert ask().body["code"] == "term_over"
    # The latest counts, whether it is longer or shorter.
    give_term(office, ALICE, office.clock.now_ms() + 5_000, at_ms=2)
    assert ask().status == 200
    give_term(office, ALICE, 0, at_ms=3)
    assert ask().body["code"] == "term_over"


# Query parameters without which there is no answer.
REQUIRED = {
    Action.READ_STATEMENTS: {"from_ms": "0"},
    Action.READ_REPORTS: {"first_day": "2026-11-01", "last_day": "2026-11-30"},
}
READS = [operation for operation in ADMIN_OPERATIONS if operation.method == "get"]


@pytest.mark.parametrize("operation", READS, ids=lambda one: one.name)
def test_whatever_a_regulator_reads_is_logged_first_and_what_others_read_is_not(
    office: Office, operation: AdminOperation
) -> None:
    give_term(office, ALICE, NOON_MS + 86_400_000)
    eve = office.people[TENANT, EVE]
    path = operation.path.replace("{user_id}", eve)
    query: Any = {"user_id": eve} if operation.name == "findUsers" else {}
    query |= REQUIRED.get(operation.action, {})
    assert office.send(ALICE, "GET", path, query=query).status == 200
    assert not office.entries()
    assert office.send(ALICE, "GET", path, query=query, role=Role.REGULATOR).status == 200
    (entry,) = office.entries()
    assert (entry["kind"], entry["role"], entry["action"]) == (
        "read",
        "regulator",
        str(operation.action),
    )
    assert entry["actor"] == office.people[TENANT, ALICE]


def test_what_a_regulator_would_read_unlogged_is_not_read(office: Office) -> None:
    give_term(office, ALICE, NOON_MS + 86_400_000)
    # The entries' partition is full up to what a put would need: make the table go away.
    terms = office.exchange._dynamodb.scan(TableName="audit")["Items"]
    office.exchange._dynamodb.delete_table(TableName="audit")
    assert terms
    response = office.send(ALICE, "GET", "/admin/markets", role=Role.REGULATOR)
    assert (response.status, response.body["code"]) == (503, "audit_unavailable")


def test_nothing_is_changed_that_can_not_be_logged_before(office: Office) -> None:
    assert office.send(ALICE, "GET", "/admin/markets").status == 200
    commands = len(office.exchange.records)
    office.exchange._dynamodb.delete_table(TableName="audit")
    response = office.send(ALICE, "POST", STATE, HALT)
    assert (response.status, response.body["code"]) == (503, "audit_unavailable")
    assert len(office.exchange.records) == commands
    assert market_state(office) == "open"


def test_own_role(office: Office) -> None:
    response = office.send(ALICE, "GET", "/admin/me", role=Role.SUPPORT)
    assert response.body["role"] == "support"
    assert set(response.body["actions"]) == {
        str(action) for action in Action if may(Role.SUPPORT, action)
    }


def test_a_user_is_found_by_address_or_id_and_only_in_the_own_tenant(office: Office) -> None:
    eve = office.people[TENANT, EVE]
    by_email = office.send(ALICE, "GET", "/admin/users", query={"email": EVE})
    (found,) = by_email.body["items"]
    assert found["user_id"] == eve
    assert found["email"] == EVE
    assert found["role"] is None
    assert office.send(ALICE, "GET", "/admin/users", query={"user_id": eve}).body == by_email.body
    own = office.send(ALICE, "GET", "/admin/users", query={"email": ALICE}).body["items"][0]
    assert own["role"] == "owner"
    theirs: dict[str, str | list[str]] = {"email": OLGA}
    nobody: dict[str, str | list[str]] = {"email": "nobody@demo.example"}
    assert (
        office.send(ALICE, "GET", "/admin/users", query=theirs).body
        == office.send(ALICE, "GET", "/admin/users", query=nobody).body
        == {"items": [], "next_cursor": None}
    )


def test_a_market_is_halted_once_with_two_entries(office: Office) -> None:
    first = office.send(ALICE, "POST", STATE, HALT, key="halt")
    assert (first.status, first.body) == (200, {"state": "halted"})
    assert market_state(office) == "halted"
    commands = len(office.exchange.records)
    assert office.send(ALICE, "POST", STATE, HALT, key="halt").body == first.body
    assert len(office.exchange.records) == commands
    intent, outcome = office.entries()
    assert (intent["kind"], outcome["kind"]) == ("intent", "outcome")
    assert (outcome["before"], outcome["after"]) == ({"state": "open"}, {"state": "halted"})
    assert outcome["result"] == "done"
    assert intent["reason"] == HALT["reason"]
    assert intent["address"] == "198.51.100.7"
    assert intent["actor"] == office.people[TENANT, ALICE]
    assert office.send(ALICE, "POST", STATE, HALT | {"state": "open"}).status == 200
    assert market_state(office) == "open"


def market_state(office: Office) -> str:
    markets = office.send(ALICE, "GET", "/admin/markets").body["items"]
    return str(next(one["state"] for one in markets if one["market"] == "BTC-USDT"))


def test_a_key_is_of_one_request(office: Office) -> None:
    office.send(ALICE, "POST", STATE, HALT, key="k")
    other = office.send(ALICE, "POST", STATE, HALT | {"state": "open"}, key="k")
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")
    assert market_state(office) == "halted"
    # And of one person: another's same key is another request.
    bob = "bob@demo.example"
    office.add(bob, Role.OWNER)
    assert office.send(bob, "POST", STATE, HALT | {"state": "open"}, key="k").status == 200


def test_what_broke_off_between_is_made_once_when_it_comes_again(office: Office) -> None:
    office.exchange.lose_replies = True
    first = office.send(ALICE, "POST", STATE, HALT, key="k")
    assert (first.status, first.body["code"]) == (503, "no_answer")
    assert [entry["kind"] for entry in office.entries()] == ["intent"]
    office.exchange.lose_replies = False
    assert office.send(ALICE, "POST", STATE, HALT, key="k").body == {"state": "halted"}
    assert [entry["kind"] for entry in office.entries()] == ["intent", "outcome"]


def test_what_the_engine_rejects_is_an_outcome_too(office: Office) -> None:
    auction = {"state": "auction", "reason": "A test"}
    office.send(ALICE, "POST", STATE, HALT, key="a")
    response = office.send(ALICE, "POST", "/admin/users/nobody/sessions/revoke", {"reason": "x"})
    assert (response.status, response.body["code"]) == (404, "unknown_user")
    assert len(office.entries()) == 2, "nothing was about to be changed"
    assert office.send(ALICE, "POST", STATE, auction).status in {200, 422}
    assert office.entries()[-1]["kind"] == "outcome"


def test_no_market_opens_while_its_tenant_stands_still(office: Office) -> None:
    office.send(ALICE, "POST", STATE, HALT)
    office.exchange._dynamodb.update_item(
        TableName="directory",
        Key={"pk": {"S": "t1"}, "sk": {"S": "profile"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": {"S": "suspended"}},
    )
    for state in ("open", "post_only", "auction"):
        response = office.send(ALICE, "POST", STATE, HALT | {"state": state})
        assert (response.status, response.body["code"]) == (409, "wrong_tenant_state")
    assert office.send(ALICE, "POST", STATE, HALT | {"state": "cancel_only"}).status == 200


def test_sessions_end_here_and_in_the_pool(office: Office) -> None:
    eve = office.people[TENANT, EVE]
    path = f"/admin/users/{eve}/sessions/revoke"
    ended = office.send(ALICE, "POST", path, {"reason": "A stolen phone"}, role=Role.SUPPORT)
    assert ended.status == 200
    directory = DirectoryTable(office.exchange._dynamodb, "directory")
    user = directory.user_of(TENANT, eve)
    assert user is not None
    assert user.signed_out_at == ended.body["ended_at_ms"] // 1_000
    theirs = office.people[OTHER, OLGA]
    refused = office.send(ALICE, "POST", f"/admin/users/{theirs}/sessions/revoke", {"reason": "x"})
    assert (refused.status, refused.body["code"]) == (404, "unknown_user")


def add_key(office: Office, tenant: TenantId, who: str) -> ApiKey:
    subject = office.people[tenant, who]
    account = DirectoryTable(office.exchange._dynamodb, "directory").account_of(tenant, subject)
    assert account is not None
    scopes, name = frozenset({Scope.READ}), "0" * 24
    key = ApiKey(account, name, subject, "bot", scopes, Algorithm.ED25519, b"p" * 32, NOON_MS)
    event = SecurityEvent(SecurityEventKind.API_KEY_MADE, account, subject, NOON_MS, "", key.id)
    ApiKeysTable(IdentityModels("identity")).add(key, event, 0)
    return key


def test_keys_are_listed_and_revoked_and_the_user_sees_it(office: Office) -> None:
    key, eve = add_key(office, TENANT, EVE), office.people[TENANT, EVE]
    listed = office.send(ALICE, "GET", f"/admin/users/{eve}/api-keys").body["items"]
    assert [one["key_id"] for one in listed] == [key.id]
    path = f"/admin/api-keys/{key.id}/revoke"
    revoked = office.send(ALICE, "POST", path, {"reason": "Leaked"})
    assert revoked.status == 200
    again = office.send(ALICE, "POST", path, {"reason": "Leaked, again"})
    assert again.body["revoked_at_ms"] == revoked.body["revoked_at_ms"]
    listed = office.send(ALICE, "GET", f"/admin/users/{eve}/api-keys").body["items"]
    assert listed[0]["state"] == "revoked"


def test_keys_of_another_tenant_and_of_nobody_look_the_same(office: Office) -> None:
    key = add_key(office, OTHER, OLGA)
    nobodys = f"{AccountId(OTHER, 99)}.{'0' * 24}"
    for named in (key.id, nobodys, "nothing", "%23", key.id.upper()):
        path = f"/admin/api-keys/{named}/revoke"
        response = office.send(ALICE, "POST", path, {"reason": "x"})
        assert (response.status, response.body["code"]) == (404, "unknown_api_key")
    assert not office.entries(OTHER)
    olgas = office.people[OTHER, OLGA]
    for user in (olgas, "nobody"):
        response = office.send(ALICE, "GET", f"/admin/users/{user}/api-keys")
        assert (response.status, response.body["code"]) == (404, "unknown_user")


def test_the_log_is_read_in_pages_and_verified_with_its_heads(office: Office) -> None:
    for number in range(3):
        office.send(ALICE, "POST", STATE, HALT | {"reason": f"No. {number}"})
    seen: list[int] = []
    cursor: str | None = None
    while True:
        query: Any = {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = office.send(ALICE, "GET", "/admin/audit", query=query).body
        seen += [entry["number"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1]
    heads = {}
    for item in s3_client().list_objects_v2(Bucket="archive")["Contents"]:
        body = s3_client().get_object(Bucket="archive", Key=item["Key"])["Body"].read().decode()
        heads[int(item["Key"].rpartition("/")[2])] = body
    assert set(heads) == {2, 4, 6}
    report = verify(TENANT, AuditTable("audit").entries(TENANT), heads)
    assert report.is_whole
    assert not report.unfinished
    assert Tail(6, report.head) == AuditTable("audit").tail(TENANT)


def test_another_tenants_log_is_its_own(office: Office) -> None:
    office.send(ALICE, "POST", STATE, HALT)
    page = office.send(OLGA, "GET", "/admin/audit", tenant=OTHER)
    assert page.body == {"items": [], "next_cursor": None}


BODIES: dict[Action, dict[str, Any]] = {
    Action.SET_MARKET_STATE: HALT,
    Action.CREDIT: {"asset": "USDT", "amount": "1"},
    Action.DEBIT: {"asset": "USDT", "amount": "1"},
    Action.SET_ROLES: {"role": "support"},
    Action.SET_FEES: {"maker_ppm": 1, "taker_ppm": 2},
    Action.SET_FOUR_EYES: {"amount": "10"},
    Action.SET_MARKET_LIMITS: LIMITS,
}


# What takes two people: test_four_eyes.py, test_fee_tiers.py, test_new_markets.py and
# test_account_limits.py.
ELSEWHERE = {
    Action.DECIDE_PROPOSALS,
    Action.LIST_MARKETS,
    Action.SET_ACCOUNT_LIMITS,
    Action.PIN_FEE_TIERS,
    Action.SET_FEE_TIERS,
}


def test_responses_have_the_documented_shape(office: Office) -> None:
    add_key(office, TENANT, EVE)
    eve = office.people[TENANT, EVE]
    for operation in ADMIN_OPERATIONS:
        if operation.action in ELSEWHERE:
            continue
        path = operation.path.replace("{user_id}", eve).replace("{market}", "BTC-USDT")
        path = path.replace("{key_id}", f"{TENANT}-2.{'0' * 24}").replace("{asset}", "USDT")
        query: Any = {"user_id": eve} if operation.name == "findUsers" else {}
        query |= REQUIRED.get(operation.action, {})
        body = {"reason": "x"} | BODIES.get(operation.action, {})
        sent = None if operation.method == "get" else body
        response = office.send(ALICE, operation.method.upper(), path, sent, query=query)
        assert response.status == 200, (operation.name, response)
        adapter = TypeAdapter(operation.response)
        known = adapter.dump_python(adapter.validate_json(json.dumps(response.body)), mode="json")
        assert known == response.body, operation.name


def test_the_pool_is_asked_for_names_of_the_own_tenant_only(office: Office) -> None:
    """The same address in two brands is two people."""
    office.add(EVE, tenant=OTHER)
    found = office.send(OLGA, "GET", "/admin/users", query={"email": EVE}, tenant=OTHER)
    assert found.body["items"][0]["user_id"] == office.people[OTHER, EVE]
    assert office.people[OTHER, EVE] != office.people[TENANT, EVE]
    assert cognito_client().list_user_pools(MaxResults=9)["UserPools"]
