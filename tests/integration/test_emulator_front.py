"""A web page attacks the emulator of a developer who visits it; other programs try their luck.

The attack is the one that works on MiniStack as it comes: a preflight, CreateFunction and Invoke,
which runs the page's code as the developer.
"""

import base64
import hashlib
import io
import json
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from benchmarks.rig import free_port, wait_until_ready

ROOT = Path(__file__).parents[2]
EVIL = "https://evil.example"
WEB = "http://demo.localhost:5173"
REGION = "us-east-1"
TIMEOUT_S = 30


@dataclass
class Emulator:
    port: int
    key: str
    secret: str
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, key: str = "", secret: str = "") -> Any:
        return get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key or self.key,
            aws_secret_access_key=secret or self.secret,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    emulator = Emulator(free_port(), "BURSATEST", secrets.token_urlsafe(), folder)
    variables = {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": emulator.key,
        "AWS_SECRET_ACCESS_KEY": emulator.secret,
        "BIND_HOST": "127.0.0.1",
        "BURSA_ORIGINS": WEB,
        "GATEWAY_PORT": str(emulator.port),
        "IOT_MTLS_ENABLED": "0",
        "STATE_DIR": str(folder),
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.emulator"],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_ready(f"{emulator.url}/_ministack/health", process)
            trust = {
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]
            }
            emulator.client("iam").create_role(
                RoleName="role", AssumeRolePolicyDocument=json.dumps(trust)
            )
            yield emulator
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)


def send(emulator: Emulator, method: str, path: str, **more: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, emulator.url + path, timeout=TIMEOUT_S, **more)


def preflight(emulator: Emulator, origin: str, path: str = "/2015-03-31/functions") -> str | None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return send(emulator, "OPTIONS", path, headers=asked).headers.get("Access-Control-Allow-Origin")


def run_code(emulator: Emulator, mark: Path, headers: dict[str, str]) -> None:
    """Create a function that leaves a mark, and invoke it, as a page's script would."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("f.py", f"def handler(event, context):\n    open({str(mark)!r}, 'w')\n")
    name = f"attack-{secrets.token_hex(4)}"
    body = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Role": "arn:aws:iam::000000000000:role/role",
        "Handler": "f.handler",
        "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
    }
    made = json.dumps(body)
    send(emulator, "POST", "/2015-03-31/functions", data=made, headers=headers)
    invocations = f"/2015-03-31/functions/{name}/invocations"
    send(emulator, "POST", invocations, data="{}", headers=headers)


# What a page, or a program that knows MiniStack, may claim.
CLAIMS = {
    "nothing": "",
    "root's well-known key": "test",
    "an account": "000000000000",
    "the right key": "BURSATEST",
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
@pytest.mark.parametrize("origin", [EVIL, "null", ""], ids=["evil", "sandboxed", "no page"])
def test_nobody_without_the_secret_runs_code(
    emulator: Emulator, tmp_path: Path, origin: str, claim: str
) -> None:
    mark = tmp_path / "mark"
    headers = {"Origin": origin} if origin else {}
    if claim:
        headers["X-Amz-Date"] = "20261128T000000Z"
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={claim}/20261128/{REGION}/lambda/aws4_request,"
            " SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
        )
    run_code(emulator, mark, headers)
    assert not mark.exists()


def test_a_browser_gets_no_permission_for_a_foreign_page(emulator: Emulator) -> None:
    assert preflight(emulator, EVIL) is None
    assert preflight(emulator, "null") is None
    assert preflight(emulator, WEB) in {"*", WEB}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4566", "127.0.0.1.nip.example"])
def test_a_rebound_name_reaches_nothing(emulator: Emulator, host: str) -> None:
    for path in ("/_ministack/health", "/2015-03-31/functions", "/_aws/execute-api/a/v1/health"):
        refused = send(emulator, "GET", path, headers={"Host": host})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_host")


def test_a_form_of_a_foreign_page_empties_nothing(emulator: Emulator) -> None:
    emulator.client("sqs").create_queue(QueueName="kept")
    sent = send(emulator, "POST", "/_ministack/reset", headers={"Origin": EVIL})
    assert sent.status_code == 403
    assert send(emulator, "POST", "/_ministack/reset").status_code == 403
    assert emulator.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize("service", ["dynamodb", "lambda", "sqs", "cognito-idp", "s3"])
@pytest.mark.parametrize("key", ["test", "000000000000", "BURSATEST"])
def test_a_wrong_secret_is_refused(emulator: Emulator, service: str, key: str) -> None:
    client = emulator.client(service, key, "test")
    with pytest.raises(ClientError) as refused:
        look(client)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    look(emulator.client(service))


def look(client: Any) -> None:
    service = client.meta.service_model.service_name
    operation = {
        "dynamodb": "list_tables",
        "lambda": "list_functions",
        "sqs": "list_queues",
        "s3": "list_buckets",
    }
    if service == "cognito-idp":
        client.list_user_pools(MaxResults=1)
    else:
        getattr(client, operation[service])()


def test_a_functions_keys_do_not_follow_from_its_name(emulator: Emulator) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("f.py", "import os\n\ndef handler(e, c):\n    return dict(os.environ)\n")
    role = "arn:aws:iam::000000000000:role/role"
    functions = emulator.client("lambda")
    made = functions.create_function(
        FunctionName="keys",
        Runtime="python3.11",
        Role=role,
        Handler="f.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    variables = json.load(functions.invoke(FunctionName="keys", Payload=b"{}")["Payload"])
    digest = hashlib.sha256(f"{made['FunctionArn']}:{role}".encode()).hexdigest()
    assert variables["AWS_SECRET_ACCESS_KEY"] not in {emulator.secret, "", "test"}
    assert variables["AWS_ACCESS_KEY_ID"] != f"ASIA{digest[:16].upper()}"
    assert (
        variables["AWS_SECRET_ACCESS_KEY"]
        != hashlib.sha256(b"secret:" + digest.encode()).hexdigest()
    )


def test_a_large_object_passes_both_ways(emulator: Emulator) -> None:
    content = os.urandom(24 * 1024 * 1024)
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="large-objects")
    s3.put_object(Bucket="large-objects", Key="one", Body=content)
    assert s3.get_object(Bucket="large-objects", Key="one")["Body"].read() == content
