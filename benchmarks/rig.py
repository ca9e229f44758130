"""A small exchange without its edge: an emulator of its own, the worker's tables, and workers.

For benchmarks and storms, which must not disturb the exchange that `make up` runs. Everything is
in a temporary folder, on a free port, and ends with the `with` block.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

_ROOT = Path(__file__).resolve().parents[1]
_START_S_MAX = 60
_STOP_S_MAX = 10
_TABLES = {
    "journal": (("pk", "S"), ("sk", "N")),
    "replies": (("pk", "S"),),
    "progress": (("pk", "S"), ("sk", "S")),
}
_BUCKET = "checkpoints"
_ARCHIVE = "archive"


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for any HTTP response; raises `RuntimeError` when the process ends or takes too long."""
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} has ended with {process.returncode}.")
        try:
            urllib.request.urlopen(url, timeout=1)  # noqa: S310 - our own process
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} does not answer.")


class Rig:
    """An emulator with the worker's tables, queue and bucket."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bursa-rig-")
        self.path = Path(self._folder.name)
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        port = self.endpoint.rpartition(":")[2]
        emulator = self.start(
            "emulator",
            # Behind the front that refuses web pages. Signatures are not checked: the figures of
            # earlier rigs stay comparable.
            [sys.executable, "-m", "scripts.emulator"],
            {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port, "IOT_MTLS_ENABLED": "0",
             "TMPDIR": str(self.path), "STATE_DIR": str(self.path / "state"),
             "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(), "LOG_LEVEL": "WARNING"},
        )  # fmt: skip
        try:
            wait_until_ready(f"{self.endpoint}/_ministack/health", emulator)
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started here."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_STOP_S_MAX)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._folder.cleanup()

    def client(self, service: str) -> Any:  # noqa: ANN401 - a client of that service
        """Make a client that talks to the emulator itself."""
        client: Any = boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - opens nothing
            config=Config(max_pool_connections=16),
        )
        return client

    def _make(self) -> None:
        dynamodb = self.client("dynamodb")
        for name, keys in _TABLES.items():
            dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": kind} for key, kind in keys
                ],
                KeySchema=[
                    {"AttributeName": key, "KeyType": "HASH" if key == "pk" else "RANGE"}
                    for key, _ in keys
                ],
            )
        s3 = self.client("s3")
        s3.create_bucket(Bucket=_BUCKET)
        s3.create_bucket(Bucket=_ARCHIVE, ObjectLockEnabledForBucket=True)
        self.queue_url, self.funds_queue_url = self.create_queues(0)

    def create_queues(self, shard: int) -> tuple[str, str]:
        """Create a shard's queues; return the URLs of its trading queue and its funds queue."""
        self._create_queue(f"transfers-{shard}.fifo")
        return self._create_queue(f"commands-{shard}.fifo"), self._create_queue(
            f"funds-{shard}.fifo"
        )

    def _create_queue(self, name: str) -> str:
        url: str = self.client("sqs").create_queue(
            QueueName=name,
            Attributes={
                "FifoQueue": "true",
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
                "MessageRetentionPeriod": "3600",
            },
        )["QueueUrl"]
        return url

    @property
    def queue_url_prefix(self) -> str:
        """What the URLs of all shards' trading queues begin with."""
        return self.queue_url.removesuffix("0.fifo")

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Return a worker's environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": f"{_ROOT}:{_ROOT / 'layers' / 'core'}",
            "PYTHONUNBUFFERED": "1",
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "SHARD": "0",
            "COMMAND_QUEUE_URL": self.queue_url,
            "FUNDS_QUEUE_URL": self.funds_queue_url,
            "TRANSFERS_QUEUE_URL": transfers_queue(self.queue_url),
            "JOURNAL_TABLE": "journal",
            "REPLIES_TABLE": "replies",
            "PROGRESS_TABLE": "progress",
            "CHECKPOINT_BUCKET": _BUCKET,
            "ARCHIVE_BUCKET": _ARCHIVE,
            "POWERTOOLS_METRICS_NAMESPACE": "Bursa/rig",
        }

    def start(
        self, name: str, command: list[str], variables: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a process that ends with the rig; its output goes to a file of its name."""
        with (self.path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own
                command,
                cwd=_ROOT,
                env={**os.environ, **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def worker(
        self, name: str, endpoint: str | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker process."""
        return self.start(
            name, [sys.executable, "-m", "worker"], {**self.environment(endpoint), **variables}
        )

    def log(self, name: str) -> str:
        """Read what a process has said so far."""
        return (self.path / f"{name}.log").read_text()


def transfers_queue(queue_url: str) -> str:
    """Return the URL of the transfers queue beside a shard's trading queue."""
    return queue_url.replace("/commands-", "/transfers-")
