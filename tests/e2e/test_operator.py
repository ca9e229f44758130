"""The operator's API on the running exchange: a tenant's life by HTTP, signed as IAM wants it."""

import json
import secrets
import time
from typing import Any

import boto3
import pytest
import requests
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scripts.client import Deployment, Json
from tests.doubles.local_exchange import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

PATIENCE_S = 120.0
TIMEOUT_S = 30
REASON = {"reason": "A test"}
NAME = "cirrus"


class Operator:
    """Who may call the API: on AWS a role that takes a second factor, here a user with its rights.

    The emulator never has a second factor, so nobody takes the role there.
    """

    def __init__(self, exchange: Deployment) -> None:
        api = exchange.stack_outputs["OperatorApiId"]
        self.url = f"{exchange.endpoint_url}/_aws/execute-api/{api}/v1/operator"
        self.region = exchange.region
        iam, name = client_of(exchange, "iam"), f"operator-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        resource = f"arn:aws:execute-api:{self.region}:*:{api}/v1/*/operator/*"
        may = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_user_policy(UserName=name, PolicyName="operator", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        self.name = name

    def send(
        self, method: str, path: str, body: Json | None = None, key: str = ""
    ) -> requests.Response:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        data = None if body is None else json.dumps(body)
        request = AWSRequest(method, f"{self.url}{path}", headers, data)
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        signed = dict(request.headers)
        return requests.request(
            method, f"{self.url}{path}", data=data, headers=signed, timeout=TIMEOUT_S
        )

    def get(self, path: str) -> Json:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        content: Json = answer.json()
        return content

    def do(self, path: str, **asked: Any) -> Json:
        """Ask for a job and return it once it has ended."""
        answer = self.send("POST", path, REASON | asked, secrets.token_hex(8))
        assert answer.status_code == 202, answer.text
        return self.ended(answer.json()["job_id"])

    def ended(self, job: str) -> Json:
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.get(f"/jobs/{job}"))["state"] == "running":
            assert time.monotonic() < deadline, found
            time.sleep(0.3)
        return found


@pytest.fixture(scope="module")
def operator(exchange: Deployment) -> Operator:
    return Operator(exchange)


def description() -> Json:
    """Return a third brand, as its file has it."""
    content: Json = yaml.safe_load((ROOT / "docs/examples/tenants/aurora.yaml").read_text())
    users = [{"email": "erin@cirrus.example", "level": 1}]
    own = {"name": NAME, "hosts": [f"{NAME}.localhost"], "users": users, "play_money": False}
    return content | own | {"admin": {"email": "olga@cirrus.example", "level": 1}}


@pytest.fixture(scope="module")
def opened(operator: Operator) -> Json:
    """Open it, and return its job; the same request again is the same job."""
    asked, key = REASON | {"tenant": description()}, secrets.token_hex(8)
    begun = [operator.send("POST", "/tenants", asked, key) for _ in range(2)]
    assert [answer.status_code for answer in begun] == [202, 202], begun[0].text
    (job,) = {answer.json()["job_id"] for answer in begun}
    other = asked | {"reason": "Another"}
    refused = operator.send("POST", "/tenants", other, key)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")
    return operator.ended(job)


def test_a_request_that_nobody_signed_is_refused(operator: Operator) -> None:
    for method in ("GET", "POST"):
        refused = requests.request(method, f"{operator.url}/tenants", timeout=TIMEOUT_S)
        assert refused.status_code == 403
        forged = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIA0/20261121/us-east-1/execute-api"
        }
        refused = requests.request(
            method, f"{operator.url}/tenants", headers=forged, timeout=TIMEOUT_S
        )
        assert refused.status_code in {401, 403}


def test_tenants_are_listed_by_pages(operator: Operator) -> None:
    first = operator.get("/tenants?limit=1")
    assert [one["name"] for one in first["items"]] == ["demo"]
    second = operator.get(f"/tenants?limit=1&cursor={first['next_cursor']}")
    assert [one["name"] for one in second["items"]] == ["aurora"]
    assert second["items"][0]["markets"] is None
    shown = operator.get("/tenants/aurora")
    assert (shown["id"], shown["markets"]) == ("t2", {"BTC-EUR": "open"})
    assert operator.send("GET", "/tenants/nobody").json()["code"] == "unknown_tenant"
    assert operator.send("GET", f"/jobs/{'0' * 32}").json()["code"] == "unknown_job"


def test_a_description_with_faults_begins_nothing(operator: Operator) -> None:
    wrong = description() | {"fees": {"maker_ppm": "1", "taker_ppm": 2}, "hosts": ["https://x"]}
    refused = operator.send("POST", "/tenants", REASON | {"tenant": wrong}, "faults")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_tenant")
    assert "hosts.0: " in refused.json()["detail"]
    assert "fees.maker_ppm: " in refused.json()["detail"]


def test_a_tenant_is_opened_suspended_resumed_exported_and_closed(
    exchange: Deployment, operator: Operator, opened: Json
) -> None:
    assert opened["state"] == "done", opened
    result = opened["result"]
    tenant = result["tenant"]["id"]
    assert (result["markets"], result["accounts"], result["has_owner"]) == (["BTC-EUR"], 2, True)
    assert "example" not in json.dumps(result)
    about = requests.get(
        f"{exchange.rest_url}/tenant", headers={"Host": f"{NAME}.localhost"}, timeout=TIMEOUT_S
    ).json()
    assert about["name"] == NAME
    # What is there stays as it is.
    again = operator.do("/tenants", tenant=description())
    assert (again["state"], again["result"]["changes"]) == ("done", 0)

    suspended = operator.do(f"/tenants/{NAME}/suspend", grace_ms=0)
    assert (suspended["state"], suspended["result"]["state"]) == ("done", "suspended")
    resumed = operator.do(f"/tenants/{tenant}/resume")
    assert (resumed["state"], resumed["result"]["state"]) == ("done", "active")
    exported = operator.do(f"/tenants/{tenant}/export")
    prefix = exported["result"]["prefix"]
    assert exported["result"]["rows"]["users.jsonl"] == 2
    manifest = client_of(exchange, "s3").get_object(
        Bucket=exchange.stack_outputs["ExportBucket"], Key=f"{prefix}/manifest.json"
    )
    assert json.load(manifest["Body"])["tenant"]["id"] == tenant
    closed = operator.do(f"/tenants/{tenant}/delete")
    assert (closed["state"], closed["result"]["state"]) == ("done", "closing")
    # Asked for anew it would be deleted, but for the waiting period.
    refused = operator.do(f"/tenants/{tenant}/delete")
    assert (refused["state"], refused["code"]) == ("refused", "waiting_period")
    shown = operator.get(f"/tenants/{tenant}")
    assert [one["state"] for one in shown["history"]] == ["suspended", "active", "closing"]
    assert {one["reason"] for one in shown["history"]} == {"A test"}
    assert {one["by"].rpartition("/")[2] for one in shown["history"]} == {operator.name}
    assert entries(exchange, tenant) == [
        *("create_tenant", "done") * 2,
        *("suspend_tenant", "done", "resume_tenant", "done", "export_tenant", "done"),
        *("delete_tenant", "done", "delete_tenant", "waiting_period"),
    ]


def entries(exchange: Deployment, tenant: str) -> list[str]:
    """Return a tenant's audit log: of each intent what is done, of each outcome its result."""
    rows = client_of(exchange, "dynamodb").query(
        TableName=exchange.stack_outputs["AuditTable"],
        KeyConditionExpression="pk = :log",
        ExpressionAttributeValues={":log": {"S": f"{tenant}#entries"}},
        ConsistentRead=True,
    )["Items"]
    found = [json.loads(row["line"]["S"]) for row in rows]
    return [one["action"] if one["kind"] == "intent" else one["result"] for one in found]


def client_of(exchange: Deployment, service: Any) -> Any:
    return boto3.client(
        service,
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )
