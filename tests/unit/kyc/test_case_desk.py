"""The routes of compliance about users' cases, through the function as API Gateway calls it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from types import ModuleType
from typing import Any

import pytest
from pydantic import TypeAdapter

from bursa.aws import clients
from bursa.back_office.audit_chain import verify
from bursa.back_office.audit_dynamodb import ENTRIES, AuditTable
from bursa.back_office.roles import Action, Role, may
from bursa.back_office.staff import TERM_SHELF, term_name
from bursa.compliance.cases import Case, CaseFile, CasePolicy, CaseState, Hit, open_case
from bursa.compliance.cases_dynamodb import CasesTable
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.personal_data_dynamodb import PersonalRecordsTable
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from bursa.dialects.native.admin_kyc_operations import ADMIN_KYC_OPERATIONS
from bursa.dialects.native.admin_operations import AdminOperation
from bursa.identity.records_dynamodb import IdentityModels
from bursa.kernel import keys
from bursa.kernel.calendar_time import CalendarDate
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import TENANT, Exchange, read_event
from tests.unit.conftest import Context, Response, opened, query_parts, response_of, started
from tests.unit.kyc.test_routes import PERSON

OTHER = TenantId(2)
NOW = 1_795_300_000_000
MIA, TOM = "mia", "tom"
WHY: dict[str, Any] = {"reason": "Ticket 4711"}
# No two requests have one name.
NUMBERS = count(1)


class Desk:
    """People of compliance before the function, and the tables behind it."""

    def __init__(self, exchange: Exchange, function: ModuleType) -> None:
        self.exchange, self.function = exchange, function
        self.cases = CasesTable("compliance", lambda _tenant: None)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str = MIA,
        role: Role | None = Role.COMPLIANCE,
        tenant: TenantId = TENANT,
        query: dict[str, str | list[str]] | None = None,
        key: str = "",
        sign_in: str = "user_pool",
        **more: str,
    ) -> Response:
        number = next(NUMBERS)
        event = read_event("kyc") | {"httpMethod": method, "path": path, "resource": path}
        event |= query_parts(query or {})
        event["body"] = None if body is None else json.dumps(body)
        context = event["requestContext"]
        context["requestId"] = f"gateway-{number}"
        context["authorizer"] |= {"tenant": str(tenant), "user": who, "role": str(role), **more}
        context["authorizer"] |= {"account": f"{tenant}-1", "method": sign_in}
        if role is None:
            del context["authorizer"]["role"]
        event["headers"]["idempotency-key"] = key or f"request-{number}"
        event["multiValueHeaders"] = {name: [text] for name, text in event["headers"].items()}
        return response_of(self.function.handler(event, Context()))

    def keep(self, user: str, tenant: TenantId = TENANT, **more: Any) -> Case:
        """Keep a case that waits for a person."""
        files = (
            CaseFile("selfie", f"documents/{tenant}/{user}/1/selfie-x.png", "image/png", "v1"),
            CaseFile("proof_of_address", f"documents/{tenant}/{user}/1/proof-x.pdf", "x/y"),
        )
        case = replace(
            open_case(str(tenant), user),
            attempt=1,
            target=2,
            files=files,
            files_are_good=True,
            is_screened=True,
            hits=(Hit("101", "a", 930),),
            **more,
        )
        known = self.cases.find(tenant, user)
        case = replace(case, version=known.version if known else 0)
        return self.cases.save(case.enter(CaseState.DECIDING, NOW, "system", "a test"))

    def case(self, user: str) -> Case:
        found = self.cases.find(TENANT, user)
        assert found is not None
        return found

    def entries(self, tenant: TenantId = TENANT) -> list[dict[str, Any]]:
        rows = self.exchange._dynamodb.query(
            TableName="audit",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.audit_notes(tenant, ENTRIES)}},
        )["Items"]
        return [json.loads(row["line"]["S"]) for row in rows]


def add_index(exchange: Exchange) -> None:
    """Give the double's table the index that the queue is read from."""
    kinds: dict[str, Any] = {"pk": "S", "sk": "S", "state_key": "S", "changed_at_ms": "N"}
    schema = [("state_key", "HASH"), ("changed_at_ms", "RANGE")]
    index = {
        "IndexName": keys.CASES_BY_STATE,
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in schema],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    exchange._dynamodb.update_table(
        TableName="compliance",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
        ],
        GlobalSecondaryIndexUpdates=[{"Create": index}],  # type: ignore[typeddict-item]
    )


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with opened() as exchange:
        for tenant in (TENANT, OTHER):
            key_id = clients.kms_client().create_key()["KeyMetadata"]["KeyId"]
            alias = f"alias/bursa-{tenant}-data"
            clients.kms_client().create_alias(AliasName=alias, TargetKeyId=key_id)
        for bucket in ("archive", "documents"):
            clients.s3_client().create_bucket(Bucket=bucket)
        add_index(exchange)
        directory = DirectoryTable(exchange._dynamodb, "directory")
        directory.add_tenant(TenantProfile(OTHER, 0, "other", "https://other", frozenset({"c"})))
        factor = IdentityModels("identity").factor
        for tenant, who in ((TENANT, MIA), (TENANT, TOM), (OTHER, MIA)):
            records = keys.user_records(tenant, who)
            factor(records, keys.SECOND_FACTOR, sealed=b"sealed", since_ms=1).save()
        exchange._dynamodb.put_item(
            TableName="audit",
            Item={
                "pk": {"S": keys.audit_notes(TENANT, TERM_SHELF)},
                "sk": {"S": term_name(MIA, 1)},
                "content": {"S": json.dumps({"until_ms": 10**14})},
            },
        )
        yield exchange


@pytest.fixture(scope="module")
def desk(exchange: Exchange) -> Desk:
    set_policy(exchange, CasePolicy())
    return Desk(exchange, started("kyc.app"))


def set_policy(exchange: Exchange, policy: CasePolicy) -> None:
    RulesTable(exchange._dynamodb, "directory").write(
        TENANT, Rules(DEFAULT_LEVELS, policy, "manual")
    )


def concrete(operation: AdminOperation, user: str = "nothing") -> str:
    return operation.path.replace("{user_id}", user).replace("{document}", "selfie")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("operation", ADMIN_KYC_OPERATIONS, ids=lambda one: one.name)
def test_a_role_may_do_what_the_table_says(
    desk: Desk, operation: AdminOperation, role: Role
) -> None:
    response = desk.send(operation.method.upper(), concrete(operation), role=role)
    is_refused = (response.status, response.body.get("code")) == (403, "role_may_not")
    assert is_refused == (not may(role, operation.action))
    assert is_refused or response.status in {200, 400, 404}, response


@pytest.mark.parametrize("operation", ADMIN_KYC_OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"role": None}, "no_role"),
        ({"sign_in": "api_key"}, "token_required"),
        ({"signed_in_at": "0"}, "sign_in_again"),
        ({"who": "nobody"}, "second_factor_required"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_who_is_not_let_in_learns_and_changes_nothing(
    desk: Desk, operation: AdminOperation, how: dict[str, Any], code: str
) -> None:
    before = len(desk.entries())
    response = desk.send(operation.method.upper(), concrete(operation), **how)
    assert (response.status, response.body["code"]) == (403, code)
    assert len(desk.entries()) == before


def test_personal_data_is_for_compliance_alone() -> None:
    assert [role for role in Role if may(role, Action.READ_PERSONAL_DATA)] == [Role.COMPLIANCE]


def test_responses_have_the_documented_shape(desk: Desk) -> None:
    bodies: dict[str, Any] = {
        "decideCase": {"attempt": 1, "outcome": "approve", "documents_end_on": "2031-05-01"},
        "lowerLevel": {"level": 1},
        "eraseUser": {"ended_on": "2020-01-01"},
    }
    give_data(desk, "shape")
    desk.keep("shape")
    for operation in ADMIN_KYC_OPERATIONS:
        if operation.name == "reopenCase":
            desk.cases.save(replace(desk.case("shape"), state=CaseState.REJECTED))
        is_read = operation.method == "get"
        body = None if is_read else WHY | bodies.get(operation.name, {})
        named = [one for one in operation.parameters if one.name == "reason"]
        response = desk.send(
            operation.method.upper(),
            concrete(operation, "shape"),
            body,
            query=dict(WHY) if named else {},
        )
        assert response.status == 200, (operation.name, response)
        adapter = TypeAdapter(operation.response)
        known = adapter.dump_python(adapter.validate_json(json.dumps(response.body)), mode="json")
        assert known == response.body, operation.name


def give_data(desk: Desk, user: str) -> None:
    given = desk.send("PUT", "/kyc/personal-data", PERSON, who=user, role=None)
    assert given.status == 200, given


def test_the_queue_goes_on_page_by_page_and_is_one_tenants(desk: Desk) -> None:
    users = {f"queue-{number}" for number in range(5)}
    for user in users:
        desk.keep(user)
    desk.keep("queue-other", OTHER)
    seen: list[str] = []
    cursor = None
    while True:
        query: Any = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = desk.send("GET", "/admin/kyc/cases", query=query).body
        seen += [item["user_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert users <= set(seen)
    assert "queue-other" not in seen
    assert len(seen) == len(set(seen))
    others = desk.send("GET", "/admin/kyc/cases", tenant=OTHER).body["items"]
    assert [item["user_id"] for item in others] == ["queue-other"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "open"}, "invalid_state"),
        ({"limit": "0"}, "invalid_limit"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"cursor": "1.a#b"}, "invalid_cursor"),
        ({"user": "x"}, "unknown_parameter"),
    ],
)
def test_a_queue_that_is_asked_for_wrongly_is_refused(
    desk: Desk, query: dict[str, Any], code: str
) -> None:
    response = desk.send("GET", "/admin/kyc/cases", query=query)
    assert (response.status, response.body["code"]) == (400, code)


def test_a_read_of_personal_data_is_logged_before_it_is_answered(desk: Desk) -> None:
    give_data(desk, "reader")
    desk.keep("reader")
    path = "/admin/kyc/cases/reader/personal-data"
    before = len(desk.entries())
    for reason in ("", " ", "x" * 301):
        assert desk.send("GET", path, query={"reason": reason}).body["code"] == "invalid_reason"
    found = desk.send("GET", path, query=dict(WHY))
    assert found.body["family_name"] == "Lindqvist"
    (entry,) = desk.entries()[before:]
    assert (entry["kind"], entry["action"]) == ("read", "read_personal_data")
    assert (entry["actor"], entry["about"], entry["reason"]) == (MIA, "user:reader", "Ticket 4711")
    assert "Lindqvist" not in json.dumps(desk.entries())
    latest = PersonalRecordsTable("compliance").accesses(TENANT, "reader")[0]
    assert (latest.kind, latest.by, latest.reason) == ("read", MIA, "Ticket 4711")


@pytest.mark.parametrize("path", ["personal-data", "documents/selfie"])
def test_what_can_not_be_logged_is_not_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    user = f"unlogged-{path.partition('/')[0]}"
    give_data(desk, user)
    desk.keep(user)
    monkeypatch.setattr(AuditTable, "append", _broken)
    before = len(PersonalRecordsTable("compliance").accesses(TENANT, user))
    found = desk.send("GET", f"/admin/kyc/cases/{user}/{path}", query=dict(WHY))
    assert found.status == 500
    assert "Lindqvist" not in json.dumps(found.body)
    assert "url" not in found.body
    assert len(PersonalRecordsTable("compliance").accesses(TENANT, user)) == before


def _broken(*_: object) -> None:
    raise RuntimeError("broken")


def test_a_document_is_read_in_the_version_that_was_checked_for_a_minute(desk: Desk) -> None:
    desk.keep("shows")
    before = len(desk.entries())
    found = desk.send("GET", "/admin/kyc/cases/shows/documents/selfie", query=dict(WHY)).body
    assert "documents/t1/shows/1/selfie-x.png" in found["url"]
    for part in ("versionId=v1", "X-Amz-Expires=60", "response-content-disposition=attachment"):
        assert part in found["url"]
    (entry,) = desk.entries()[before:]
    assert entry["about"] == "document:selfie:1:shows"
    # One that nobody has checked, and none at all.
    for document in ("proof_of_address", "source_of_funds", "..%2Fx"):
        path = f"/admin/kyc/cases/shows/documents/{document}"
        assert desk.send("GET", path, query=dict(WHY)).status == 404


@pytest.mark.parametrize("path", ["", "/personal-data", "/documents/selfie"])
def test_another_tenants_case_is_no_case(desk: Desk, path: str) -> None:
    desk.keep("theirs")
    query: Any = dict(WHY) if path else {}
    theirs = desk.send("GET", f"/admin/kyc/cases/theirs{path}", tenant=OTHER, query=query)
    nobodys = desk.send("GET", f"/admin/kyc/cases/nobody{path}", tenant=OTHER, query=query)
    assert (theirs.status, theirs.body["code"]) == (404, "no_case")
    assert nobodys.body["code"] == "no_case"
    decision = WHY | {"attempt": 1, "outcome": "approve"}
    path = "/admin/kyc/cases/theirs/decision"
    assert desk.send("POST", path, decision, tenant=OTHER).body["code"] == "no_case"
    assert desk.case("theirs").state is CaseState.DECIDING


def decide(desk: Desk, user: str, outcome: str = "approve", **more: Any) -> Response:
    asked = WHY | {"attempt": more.pop("attempt", 1), "outcome": outcome}
    if "ends" in more:
        asked["documents_end_on"] = more.pop("ends")
    return desk.send("POST", f"/admin/kyc/cases/{user}/decision", asked, **more)


def test_a_decision_is_made_once_and_is_two_entries(desk: Desk) -> None:
    desk.keep("once")
    before = len(desk.entries())
    for _ in range(2):
        found = decide(desk, "once", key="the-same", ends="2031-05-01")
        assert found.body == {
            "attempt": 1,
            "state": "approved",
            "level": 2,
            "erase_at_ms": None,
            "proposed": None,
        }
    intent, outcome = desk.entries()[before:]
    assert (intent["kind"], outcome["kind"], outcome["result"]) == ("intent", "outcome", "done")
    assert (intent["before"]["state"], outcome["after"]["state"]) == ("deciding", "approved")
    case = desk.case("once")
    assert case.level_ends_at_ms == (CalendarDate(2031, 5, 2).day_number) * 86_400_000
    assert case.history[-1].by == MIA
    assert ("101", "a") in case.cleared
    another = decide(desk, "once", "reject", key="the-same")
    assert (another.status, another.body["code"]) == (409, "idempotency_key_reused")
    heads = {
        int(item["Key"].rpartition("/")[2]): clients.s3_client()
        .get_object(Bucket="archive", Key=item["Key"])["Body"]
        .read()
        .decode()
        for item in clients.s3_client().list_objects_v2(Bucket="archive")["Contents"]
    }
    assert verify(TENANT, AuditTable("audit").entries(TENANT), heads).is_whole


def test_two_decide_where_the_tenant_wants_it(exchange: Exchange) -> None:
    set_policy(exchange, CasePolicy(four_eyes=True))
    # What a tenant wants is kept for half a minute.
    desk = Desk(exchange, started("kyc.app"))
    desk.keep("two")
    first = decide(desk, "two")
    assert (first.body["state"], first.body["proposed"]) == ("deciding", "approve")
    again = decide(desk, "two")
    assert (again.status, again.body["code"]) == (422, "same_person")
    second = decide(desk, "two", who=TOM)
    assert (second.body["state"], second.body["level"]) == ("approved", 2)
    set_policy(exchange, CasePolicy())
    started("kyc.app")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"attempt": 2}, 409, "stale_attempt"),
        ({"outcome": "review"}, 400, "invalid_outcome"),
        ({"ends": "2031-02-30"}, 400, "invalid_documents_end_on"),
        ({"ends": "next year"}, 400, "invalid_documents_end_on"),
        ({"attempt": "1"}, 400, "wrong_type"),
    ],
)
def test_a_decision_that_means_nothing_changes_nothing(
    desk: Desk, more: dict[str, Any], status: int, code: str
) -> None:
    desk.keep("unclear")
    before = desk.case("unclear")
    found = decide(desk, "unclear", **more)
    assert (found.status, found.body["code"]) == (status, code)
    assert desk.case("unclear") == before


def test_nobody_decides_about_themself(desk: Desk) -> None:
    desk.keep(MIA)
    found = decide(desk, MIA)
    assert (found.status, found.body["code"]) == (403, "not_your_own")
    reopened = desk.send("POST", f"/admin/kyc/cases/{MIA}/reopen", WHY)
    assert reopened.body["code"] == "not_your_own"
    assert desk.case(MIA).state is CaseState.DECIDING


def test_a_level_is_lowered_and_a_rejected_user_let_apply_again(desk: Desk) -> None:
    desk.keep("lowered")
    decide(desk, "lowered")
    path = "/admin/kyc/cases/lowered"
    found = desk.send("POST", f"{path}/lower", WHY | {"level": 1})
    assert (found.body["level"], desk.case("lowered").is_watched) == (1, True)
    higher = desk.send("POST", f"{path}/lower", WHY | {"level": 2})
    assert (higher.status, higher.body["code"]) == (400, "unknown_level")
    early = desk.send("POST", f"{path}/reopen", WHY)
    assert (early.status, early.body["code"]) == (409, "wrong_case_state")
    desk.keep("confirmed")
    assert decide(desk, "confirmed", "reject").body["state"] == "rejected"
    assert desk.case("confirmed").is_barred
    opened_again = desk.send("POST", "/admin/kyc/cases/confirmed/reopen", WHY)
    assert opened_again.body["state"] == "resubmission"
    assert not desk.case("confirmed").is_barred


def test_a_regulators_look_at_a_case_is_logged(desk: Desk) -> None:
    desk.keep("looked-at")
    before = len(desk.entries())
    assert desk.send("GET", "/admin/kyc/cases/looked-at", role=Role.REGULATOR).status == 200
    assert desk.send("GET", "/admin/kyc/cases", role=Role.REGULATOR).status == 200
    assert [entry["about"] for entry in desk.entries()[before:]] == [
        "user:looked-at",
        "cases:deciding",
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", entry["request"]) for entry in desk.entries())
