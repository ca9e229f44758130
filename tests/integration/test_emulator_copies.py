"""An emulator that is killed, and started again from its last copy."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import get_session

from benchmarks.rig import free_port, wait_until_ready
from scripts.emulator.copies import Places, restore

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0


class Emulator:
    """An emulator with copies of its state, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "copies", folder / "state", folder / "s3")
        self.port = free_port()
        self.secret = secrets.token_urlsafe()
        self.folder = folder

    def start(self) -> "subprocess.Popen[bytes]":
        variables = {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "BURSATEST",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "BIND_HOST": "127.0.0.1",
            "BURSA_COPIES": str(self.places.copies),
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "S3_DATA_DIR": str(self.places.objects),
            "S3_PERSIST": "1",
            "STATE_DIR": str(self.places.state),
            "TMPDIR": str(self.folder),
        }
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scripts.emulator"],
                cwd=ROOT,
                env=os.environ | variables,
                stdout=log,
                stderr=log,
            )
        wait_until_ready(f"http://127.0.0.1:{self.port}/_ministack/health", process)
        return process

    def client(self, service: str) -> Any:
        return get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="BURSATEST",
            aws_secret_access_key=self.secret,
            config=Config(proxies={}),
        )

    def wait_for_a_copy(self) -> Path:
        """Wait for the next copy; it is begun after this, so it has all that is there now."""
        now = time.time()
        complete = self.places.copies / "complete"
        wait_until(lambda: complete.exists() and complete.stat().st_mtime > now)
        return complete


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.timeout(300)
def test_everything_up_to_the_last_copy_survives_a_kill(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    process = emulator.start()
    try:
        dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
        dynamodb.create_table(
            TableName="rows",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        dynamodb.put_item(TableName="rows", Item={"pk": {"S": "first"}, "b": {"B": b"\0\xff"}})
        s3.create_bucket(Bucket="objects")
        s3.put_object(Bucket="objects", Key="kept", Body=b"first")
        pool = emulator.client("cognito-idp").create_user_pool(PoolName="pool")["UserPool"]["Id"]
        emulator.wait_for_a_copy()
        # Only a row is new: it is copied without any other change.
        dynamodb.put_item(TableName="rows", Item={"pk": {"S": "second"}})
        s3.put_object(Bucket="objects", Key="kept", Body=b"second")
        emulator.wait_for_a_copy()
        s3.put_object(Bucket="objects", Key="later", Body=b"after the copy")
    finally:
        process.kill()
        process.wait()

    assert restore(emulator.places) is not None
    process = emulator.start()
    try:
        found = emulator.client("dynamodb").scan(TableName="rows")["Items"]
        assert {item["pk"]["S"] for item in found} == {"first", "second"}
        s3 = emulator.client("s3")
        listed = s3.list_objects_v2(Bucket="objects")["Contents"]
        assert [entry["Key"] for entry in listed] == ["kept"]
        assert s3.get_object(Bucket="objects", Key="kept")["Body"].read() == b"second"
        assert emulator.client("cognito-idp").describe_user_pool(UserPoolId=pool)
    finally:
        process.terminate()
        process.wait()
