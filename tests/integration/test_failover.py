"""Leader and standby as real processes with default settings: handed over, killed, stopped."""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from benchmarks.rig import Rig
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import EncodedRecord, decode_record
from bursa.journal.replica import Head, Replica
from engine.core import Engine
from tests.integration.storm import send, sent_now
from tests.simulation.workload import ClientMessage, Workload
from wire import layout as w

if TYPE_CHECKING:
    import subprocess


class Shard:
    """Two workers at a time, a user, and a reader of the journal."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.journal = DynamoJournal(rig.client("dynamodb"), "journal", 0)
        self._workload = Workload(random.Random(3), accounts=5, commands_max=4)
        self._sqs = rig.client("sqs")
        self._records: list[EncodedRecord] = []
        self._commands: set[bytes] = set()
        for message in [
            self._workload.listing(sent_now()),
            *self._workload.credits(sent_now()),
        ]:
            self.send(message)

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        return self.rig.worker(name, HEARTBEAT_S="2")

    def said(self, name: str, message: str) -> bool:
        return any(
            json.loads(line).get("message") == message
            for line in self.rig.log(name).splitlines()
            if line.startswith("{")
        )

    def send(self, message: ClientMessage | None = None) -> ClientMessage:
        message = message or self._workload.next(sent_now())
        send(self.rig, [message])
        return message

    def records(self) -> list[EncodedRecord]:
        position = self._records[-1].last_sequence + 1 if self._records else 1
        while page := self.journal.read(position):
            self._records += page
            position = page[-1].last_sequence + 1
            for record in page:
                commands = decode_record(record).commands
                self._commands |= {
                    commands[start + 8 : start + 24]
                    for start in range(0, len(commands), w.COMMAND_BYTES)
                }
        return self._records

    def has(self, message: ClientMessage) -> bool:
        self.records()
        return message.command_ids <= self._commands


def seconds_until(happened: Callable[[], bool], most: float) -> float:
    started = time.monotonic()
    while not happened():
        assert time.monotonic() - started < most, f"not within {most} s"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.fixture(scope="module")
def shard() -> Iterator[Shard]:
    with Rig() as rig:
        yield Shard(rig)


def test_leaders_come_and_go_without_losing_a_command(shard: Shard) -> None:
    first = shard.start("first")
    seconds_until(lambda: shard.said("first", "Leading"), 15)
    second = shard.start("second")
    seconds_until(lambda: shard.said("second", "State rebuilt"), 15)

    # Asked to stop: it drains, leaves a checkpoint and hands over.
    messages = [shard.send() for _ in range(20)]
    first.send_signal(signal.SIGTERM)
    assert seconds_until(lambda: first.poll() is not None, 6) < 4
    assert first.returncode == 0
    assert shard.said("first", "Checkpoint stored")
    assert seconds_until(lambda: shard.said("second", "Leading"), 6) < 4
    messages.append(shard.send())
    seconds_until(lambda: all(map(shard.has, messages)), 15)

    # Killed while it holds messages: the standby has the first waiting command within 15 s.
    third = shard.start("third")
    seconds_until(lambda: shard.said("third", "State rebuilt"), 15)
    messages += [shard.send() for _ in range(20)]
    second.kill()
    waiting = shard.send()
    assert seconds_until(lambda: shard.has(waiting), 20) < 15
    seconds_until(lambda: all(map(shard.has, messages)), 15)

    # Stopped for longer than its lease: it finds out before it does anything.
    fourth = shard.start("fourth")
    seconds_until(lambda: shard.said("fourth", "State rebuilt"), 15)
    third.send_signal(signal.SIGSTOP)
    seconds_until(lambda: shard.said("fourth", "Leading"), 15)
    epoch = shard.records()[-1].epoch
    third.send_signal(signal.SIGCONT)
    messages += [shard.send() for _ in range(20)]
    seconds_until(lambda: shard.said("third", "Deposed"), 10)
    seconds_until(lambda: all(map(shard.has, messages)), 20)
    assert shard.records()[-1].epoch >= epoch
    assert {third.poll(), fourth.poll()} == {None}

    replica = Replica(Engine(), Head())
    for record in shard.records():
        replica.follow(record)
    replica.engine.check()
    assert replica.head.epoch >= 4


def test_wrong_settings_are_one_sentence_and_a_status(shard: Shard) -> None:
    worker = shard.rig.worker("wrong", JOURNAL_TABLE="journal", LEASE_MS="soon")

    assert worker.wait(20) == 2
    assert shard.rig.log("wrong").count("\n") == 1
    assert "LEASE_MS" in shard.rig.log("wrong")


def test_a_missing_table_is_one_sentence_and_a_status(shard: Shard) -> None:
    worker = shard.rig.worker("lost", JOURNAL_TABLE="nowhere")

    assert worker.wait(20) == 1
    complaint = shard.rig.log("lost").splitlines()[-1]
    assert complaint.startswith("worker: ")
    assert "nowhere" in complaint or "not found" in complaint
