"""A storm: real workers, killed and stopped, over a network that loses and refuses.

Commands go to the emulator directly (their sender knows that they are accepted); the
workers reach it through microburst, which loses requests and answers, throttles and delays.
"""

import json
import random
import signal
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.rig import Rig, free_port, wait_until_ready
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import GENESIS_HASH, EncodedRecord, decode_record
from bursa.journal.replica import Head, Replica
from engine.core import Engine
from tests.simulation.wire import EPOCH_MS
from tests.simulation.workload import ClientMessage, Workload
from wire import layout as w
from worker.results import result_offsets, result_reason

if TYPE_CHECKING:
    import subprocess

_DRAIN_S_MAX = 90.0
# A busy machine takes a while to start two workers.
_LEADER_S_MAX = 60.0
# Of the strikes, so many are meant for the leader.
_LEADER_SHARE = 0.75
RULES = [
    {"service": "dynamodb", "operation": "PutItem", "probability": 0.03, "reset": True},
    {"service": "dynamodb", "operation": "PutItem", "probability": 0.03,
     "response": {"abort_bytes": 0}},
    {"service": "dynamodb", "operation": "PutItem", "probability": 0.03,
     "error": {"code": "ProvisionedThroughputExceededException"}},
    {"service": "dynamodb", "probability": 0.05, "latency": {"min": 50, "max": 400}},
    {"service": "dynamodb", "operation": "Query", "probability": 0.02, "reset": True},
    {"service": "sqs", "probability": 0.04, "reset": True},
    {"service": "sqs", "probability": 0.04, "response": {"abort_bytes": 0}},
    {"service": "s3", "probability": 0.1, "reset": True},
]  # fmt: skip


@dataclass(slots=True)
class Storm:
    """What a storm did, for its checks."""

    accepted: list[ClientMessage]
    records: list[EncodedRecord]
    faults: int
    epochs: int


def start_proxy(rig: Rig) -> str:
    """Start microburst before the emulator; returns where it listens."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "microburst", "--upstream", rig.endpoint, "--port", str(port)]
    proxy = rig.start("proxy", [*command, "--host", "127.0.0.1"], {})
    wait_until_ready(f"{endpoint}/_microburst/health", proxy)
    return endpoint


def set_rules(endpoint: str, rules: list[dict[str, object]]) -> None:
    """Replace the proxy's rules."""
    request = urllib.request.Request(  # noqa: S310 - our own process
        f"{endpoint}/_microburst/rules",
        json.dumps(rules).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - our own process


def faults_fired(endpoint: str) -> int:
    """Ask the proxy how much it has done."""
    with urllib.request.urlopen(f"{endpoint}/_microburst/metrics", timeout=5) as response:  # noqa: S310
        text = response.read().decode()
    lines = [line for line in text.splitlines() if line.startswith("microburst_faults_total{")]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)


class Weather:
    """Kills and stops workers, and starts new ones."""

    def __init__(self, rig: Rig, endpoint: str, rng: random.Random) -> None:
        self._rig = rig
        self._endpoint = endpoint
        self._rng = rng
        self._started = 0
        self.workers: list[subprocess.Popen[bytes]] = []
        self._struck = False
        self._names: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped: list[tuple[float, subprocess.Popen[bytes]]] = []

    def start_worker(self) -> None:
        self._started += 1
        name = f"worker-{self._started}"
        worker = self._rig.worker(
            name, self._endpoint, LEASE_MS="2000", VISIBILITY_S="4", POLL_MS="200",
            CHECKPOINT_COMMANDS="1500", HEARTBEAT_S="5",
        )  # fmt: skip
        self._names[name] = worker
        self.workers.append(worker)

    def wait_for_leader(self) -> None:
        deadline = time.monotonic() + _LEADER_S_MAX
        while self._leader() is None:
            assert time.monotonic() < deadline, "no worker leads"
            time.sleep(0.1)

    def strike(self) -> str:
        """Do something to one of the workers."""
        at_leader = not self._struck or self._rng.random() < _LEADER_SHARE
        self._struck = True
        worker = self._leader() if at_leader else None
        worker = worker or self._rng.choice(self.workers)
        if self._rng.random() < 0.5:
            worker.kill()
            worker.wait()
            self.workers.remove(worker)
            self.start_worker()
            return "killed"
        worker.send_signal(signal.SIGSTOP)
        self._stopped.append((time.monotonic() + 3.5, worker))
        return "stopped"

    def _leader(self) -> "subprocess.Popen[bytes] | None":
        """Find the worker that said last that it leads."""
        latest, leader = 0, None
        for name, worker in self._names.items():
            for line in self._rig.log(name).splitlines():
                said = json.loads(line) if line.startswith("{") else {}
                if said.get("message") == "Leading" and said["time_ms"] > latest:
                    latest, leader = said["time_ms"], worker
        return leader if leader in self.workers else None

    def stop(self) -> None:
        """End those that are left, in good order."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            assert worker.wait(10) == 0

    def wake(self, *, at_once: bool = False) -> None:
        """Continue the processes that were paused for long enough."""
        now = time.monotonic()
        for due, worker in list(self._stopped):
            if at_once or due <= now:
                self._stopped.remove((due, worker))
                if worker.poll() is None:
                    worker.send_signal(signal.SIGCONT)


def sent_now() -> float:
    """Return now as the workload counts it."""
    return time.time() - EPOCH_MS / 1000


def send(rig: Rig, messages: list[ClientMessage]) -> None:
    """Hand messages in, each to its queue, as a function would that accepts them."""
    sqs = rig.client("sqs")
    for message in messages:
        funds = message.queue is QueueKind.FUNDS
        sqs.send_message(
            QueueUrl=rig.funds_queue_url if funds else rig.queue_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.message_id,
        )


def run_storm(rig: Rig, seed: int, commands: int, strikes: int) -> Storm:
    """Send commands while the weather is bad, then wait until all are done."""
    rng = random.Random(seed)
    endpoint = start_proxy(rig)
    weather = Weather(rig, endpoint, rng)
    workload = Workload(rng, accounts=12, commands_max=3)
    listing = workload.listing(sent_now())
    for _ in range(2):
        weather.start_worker()
    weather.wait_for_leader()
    send(rig, [listing])
    wait_until_done(rig, set(listing.command_ids))
    funding = workload.credits(sent_now())
    accepted = [listing, *funding]
    send(rig, funding)
    total = 0
    while total < commands:
        accepted.append(workload.next(sent_now()))
        total += len(accepted[-1].commands) // w.COMMAND_BYTES
    set_rules(endpoint, RULES)
    _send_through_storm(rig, accepted[1 + len(funding) :], weather, strikes)
    weather.wake(at_once=True)
    faults = faults_fired(endpoint)
    set_rules(endpoint, [])
    records = wait_until_done(rig, {name for message in accepted for name in message.command_ids})
    weather.stop()
    return Storm(accepted, records, faults, records[-1].epoch)


def _send_through_storm(
    rig: Rig, messages: list[ClientMessage], weather: Weather, strikes: int
) -> None:
    batches = [messages[start : start + 10] for start in range(0, len(messages), 10)]
    strike_at = {len(batches) * (number + 1) // (strikes + 1) for number in range(strikes)}
    for number, batch in enumerate(batches):
        send(rig, batch)
        if number in strike_at:
            weather.strike()
            deadline = time.monotonic() + 4
            while time.monotonic() < deadline:
                time.sleep(0.2)
                weather.wake()
        weather.wake()


def wait_until_done(rig: Rig, wanted: set[bytes]) -> list[EncodedRecord]:
    """Wait until these commands are in the journal and the queue is empty; returns the journal."""
    journal = DynamoJournal(rig.client("dynamodb"), "journal", 0)
    sqs = rig.client("sqs")
    wanted = set(wanted)
    records: list[EncodedRecord] = []
    deadline = time.monotonic() + _DRAIN_S_MAX
    while time.monotonic() < deadline:
        position = records[-1].last_sequence + 1 if records else 1
        while page := journal.read(position):
            records += page
            position = page[-1].last_sequence + 1
            for record in page:
                wanted -= _ids(decode_record(record).commands)
        attributes = sqs.get_queue_attributes(
            QueueUrl=rig.queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]  # fmt: skip
        if not wanted and not any(int(value) for value in attributes.values()):
            return records
        time.sleep(0.5)
    raise AssertionError(f"{len(wanted)} accepted commands are not done, {attributes}.")


def _ids(commands: bytes) -> set[bytes]:
    size = w.COMMAND_BYTES
    return {commands[start + 8 : start + 24] for start in range(0, len(commands), size)}


def decisions(records: list[EncodedRecord]) -> dict[bytes, int]:
    """Replay; return at which sequence each command was decided; none may be so twice."""
    replica = Replica(Engine(), Head())
    decided: dict[bytes, int] = {}
    for encoded in records:
        replica.follow(encoded)
        record = decode_record(encoded)
        offsets = result_offsets(record.events)
        for index in range(len(offsets) - 1):
            name = record.commands[index * w.COMMAND_BYTES + 8 : index * w.COMMAND_BYTES + 24]
            if result_reason(record.events, offsets[index]) != w.REASON_DUPLICATE_COMMAND:
                assert name == bytes(16) or name not in decided, "a command was decided twice"
                decided[name] = record.first_sequence + index
    replica.engine.check()
    return decided


def check_storm(storm: Storm) -> None:
    """Each accepted command once, in its account's order; one chain; books that add up."""
    decided = decisions(storm.records)
    assert storm.records[0].previous_hash == GENESIS_HASH
    latest: dict[tuple[int, QueueKind], int] = {}
    for message in storm.accepted:
        lane = (message.account, message.queue)
        for start in range(0, len(message.commands), w.COMMAND_BYTES):
            sequence = decided[message.commands[start + 8 : start + 24]]
            assert sequence > latest.get(lane, 0), "an account's order was not kept"
            latest[lane] = sequence
