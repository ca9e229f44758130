"""The operator's routes by HTTP events: what is read, what becomes a job, what is refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml
from aws_lambda_powertools import Logger, Metrics

from bursa.dialects.native.http_api import RestApi
from bursa.dialects.operator.routes import BODY_BYTES_MAX, OperatorRoutes
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.tenants.jobs import Job, JobKind, JobOrder, JobOrigin, JobState
from bursa.tenants.life import Change, TenantRecord, TenantState
from operator_api.routes import add_routes
from tests.doubles.exchange import read_event
from tests.unit.conftest import Context
from tests.unit.onboard.test_tenant_file import PLAIN

DANA = "arn:aws:sts::123456789012:assumed-role/bursa-OperatorRole/dana"
KEY = {"Idempotency-Key": "one"}
TENANT = yaml.safe_load(PLAIN)
REASON = {"reason": "Contract 4711"}


class Records:
    """Three tenants, the second of them deleted."""

    known = (
        TenantRecord("t1", "demo", 0, "https://pool"),
        TenantRecord("t2", "gone", 0, "https://gone", TenantState.DELETED),
        TenantRecord(
            "t3", "aurora", 0, "https://own", history=(Change(5, TenantState.ACTIVE, "dana", "x"),)
        ),
    )  # fmt: skip

    def named(self, named: str) -> TenantRecord | None:
        return next((one for one in self.known if named in {one.tenant, one.name}), None)

    def page(self, after: int, limit: int) -> Sequence[TenantRecord]:
        return self.known[after : after + limit]

    def last_number(self) -> int:
        return len(self.known)


class Jobs:
    """Remembers what was begun."""

    def __init__(self) -> None:
        self.begun: dict[str, Job] = {}
        self.origins: list[JobOrigin] = []

    def begin(self, job: str, order: JobOrder, origin: JobOrigin) -> Job:
        self.origins.append(origin)
        found = self.begun.setdefault(job, Job(job, order, JobState.RUNNING, 1_000))
        if found.order != order:
            raise Conflict("idempotency_key_reused", "Choose another name.")
        return found

    def find(self, job: str) -> Job | None:
        return self.begun.get(job)


class Markets:
    def all(self, tenant: TenantId) -> Sequence[Market]:
        return []


class Api:
    def __init__(self) -> None:
        self.jobs = Jobs()
        self.app = RestApi(Logger(), Metrics(), SystemClock())
        add_routes(self.app, lambda: OperatorRoutes(Records(), Markets(), self.jobs))

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = KEY,
        query: Mapping[str, str] | None = None,
        by: str | None = DANA,
    ) -> tuple[int, Any]:
        event = read_event("operator-tenants")
        event |= {"httpMethod": method, "path": f"/operator{path}"}
        event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        event["headers"] = dict(headers)
        event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        event["queryStringParameters"] = None if query is None else dict(query)
        event["multiValueQueryStringParameters"] = (
            None if query is None else {name: [value] for name, value in query.items()}
        )
        event["requestContext"]["identity"]["userArn"] = by
        response = self.app.handle(event, Context())  # type: ignore[arg-type]  # a double
        return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def api() -> Api:
    return Api()


def test_tenants_come_by_pages_without_their_markets(api: Api) -> None:
    status, first = api.send("GET", "/tenants", query={"limit": "2"})
    assert (status, [one["id"] for one in first["items"]]) == (200, ["t1", "t2"])
    assert first["next_cursor"] == "2"
    _, second = api.send("GET", "/tenants", query={"limit": "2", "cursor": "2"})
    assert ([one["id"] for one in second["items"]], second["next_cursor"]) == (["t3"], None)
    assert second["items"][0]["markets"] is None
    _, shown = api.send("GET", "/tenants/aurora")
    assert (shown["id"], shown["markets"], shown["history"][0]["by"]) == ("t3", {}, "dana")


CHANGES = {
    "suspend": {"grace_ms": 0},
    "resume": {},
    "export": {},
    "delete": {"waiting_ms": 7 * 86_400_000},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_a_job_and_the_same_again_the_same_job(api: Api, kind: str) -> None:
    body = REASON | CHANGES[kind]
    status, job = api.send("POST", f"/tenants/aurora/{kind}", body)
    assert (status, job["state"], job["kind"], job["tenant"]) == (202, "running", kind, "t3")
    assert (job["by"], job["reason"]) == (DANA, "Contract 4711")
    assert api.send("POST", f"/tenants/t3/{kind}", body) == (202, job)
    (begun,) = api.jobs.begun.values()
    assert begun.order.asked == CHANGES[kind]
    assert api.send("GET", f"/jobs/{job['job_id']}") == (200, job)
    # Where it came from is the gateway's word.
    assert {one.address for one in api.jobs.origins} == {"198.51.100.7"}
    status, problem = api.send("POST", f"/tenants/t1/{kind}", body)
    assert (status, problem["code"]) == (409, "idempotency_key_reused")
    # Nobody finds or uses up the requests of somebody else.
    _, other = api.send("POST", f"/tenants/t1/{kind}", body, by="arn:aws:iam::1:user/mia")
    assert other["job_id"] != job["job_id"]


def test_opening_takes_what_a_file_has(api: Api) -> None:
    status, job = api.send("POST", "/tenants", REASON | {"tenant": TENANT})
    assert (status, job["kind"], job["tenant"]) == (202, "create", "brand")
    (begun,) = api.jobs.begun.values()
    assert begun.order == JobOrder(JobKind.CREATE, "brand", TENANT, DANA, "Contract 4711")


def test_every_fault_of_a_tenant_is_said_at_once(api: Api) -> None:
    wrong = TENANT | {"name": "t7", "fees": {"maker_ppm": -3_000, "taker_ppm": 5}}
    status, problem = api.send("POST", "/tenants", REASON | {"tenant": wrong})
    assert (status, problem["code"], problem["field"]) == (400, "invalid_tenant", "tenant.name")
    assert "name: looks like" in problem["detail"]
    assert "fees.maker_ppm: a rebate" in problem["detail"]
    assert not api.jobs.begun


BIG = REASON | {"tenant": TENANT | {"name": "x" * BODY_BYTES_MAX}}
REFUSED: dict[str, tuple[str, Any, Mapping[str, str], int, str]] = {
    "no key": ("/tenants/t1/suspend", REASON, {}, 400, "missing_idempotency_key"),
    "a bad key": (
        "/tenants/t1/suspend", REASON, {"Idempotency-Key": "a b"}, 400, "invalid_idempotency_key",
    ),
    "no body": ("/tenants/t1/suspend", None, KEY, 400, "missing_body"),
    "no JSON": ("/tenants/t1/suspend", "{", KEY, 400, "invalid_json"),
    "a key twice": (
        "/tenants/t1/suspend", '{"reason": "x", "reason": "y"}', KEY, 400, "duplicate_key",
    ),
    "no reason": ("/tenants/t1/resume", {}, KEY, 400, "missing_field"),
    "an empty reason": ("/tenants/t1/resume", {"reason": " "}, KEY, 400, "invalid_reason"),
    "two lines": ("/tenants/t1/resume", {"reason": "a\nb"}, KEY, 400, "invalid_reason"),
    "a tenant in a body": (
        "/tenants/t1/suspend", REASON | {"tenant": "t3"}, KEY, 400, "unknown_field",
    ),
    "a grace as text": (
        "/tenants/t1/suspend", REASON | {"grace_ms": "0"}, KEY, 400, "wrong_type",
    ),
    "a grace before now": (
        "/tenants/t1/suspend", REASON | {"grace_ms": -1}, KEY, 400, "invalid_grace_ms",
    ),
    "too short a wait": (
        "/tenants/t1/delete", REASON | {"waiting_ms": 1}, KEY, 400, "invalid_waiting_ms",
    ),
    "nobody": ("/tenants/nobody/suspend", REASON, KEY, 404, "unknown_tenant"),
    "an injected name": ("/tenants/t1%23x/suspend", REASON, KEY, 404, "unknown_tenant"),
    "an unknown change": ("/tenants/t1/rename", REASON, KEY, 404, "unknown_route"),
    "no description": ("/tenants", REASON, KEY, 400, "missing_field"),
    "too much": ("/tenants", BIG, KEY, 413, "body_too_large"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"), REFUSED.values(), ids=REFUSED
)
def test_a_bad_request_begins_nothing(
    api: Api, path: str, body: Any, headers: Mapping[str, str], status: int, code: str
) -> None:
    answered, problem = api.send("POST", path, body, headers)
    assert (answered, problem["code"]) == (status, code)
    assert problem["detail"]
    assert not api.jobs.begun


@pytest.mark.parametrize("by", [None, ""])
def test_who_did_not_sign_changes_nothing(api: Api, by: str | None) -> None:
    assert api.send("POST", "/tenants/t1/suspend", REASON, by=by)[0] == 401
    assert api.send("POST", "/tenants", REASON | {"tenant": TENANT}, by=by)[0] == 401
    assert not api.jobs.begun


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/tenants", {"cursor": "0"}, "invalid_cursor"),
        ("/tenants", {"cursor": "t1"}, "invalid_cursor"),
        ("/tenants", {"limit": "201"}, "invalid_limit"),
        ("/tenants", {"name": "demo"}, "unknown_parameter"),
        ("/tenants/..%2f", None, "unknown_tenant"),
        ("/jobs/0123", None, "unknown_job"),
        (f"/jobs/{'f' * 32}", None, "unknown_job"),
    ],
)
def test_a_bad_question_is_refused(
    api: Api, path: str, query: Mapping[str, str] | None, code: str
) -> None:
    assert api.send("GET", path, query=query, headers={})[1]["code"] == code


def test_a_job_says_why_it_was_refused(api: Api) -> None:
    _, job = api.send("POST", "/tenants/t3/resume", REASON)
    known = api.jobs.begun[job["job_id"]]
    api.jobs.begun[known.id] = replace(
        known, state=JobState.REFUSED, ended_at_ms=2_000, code="wrong_tenant_state", detail="No."
    )
    _, found = api.send("GET", f"/jobs/{known.id}")
    assert (found["state"], found["code"], found["ended_at_ms"]) == (
        "refused", "wrong_tenant_state", 2_000,
    )  # fmt: skip
