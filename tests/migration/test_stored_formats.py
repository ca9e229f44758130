"""What was stored since record schema 4 is read as it was meant; see this folder's README."""

import json
from pathlib import Path
from typing import Any

import pytest

from bursa.intake.message import MESSAGE_VERSION, decode_message
from bursa.intake.outcomes import read_outcomes
from bursa.intake.reply import own_events, unpack_events
from bursa.journal.checkpoint import CHECKPOINT_SCHEMA, decode_checkpoint
from bursa.journal.file import read_records
from bursa.journal.record import RECORD_SCHEMA, decode_record
from bursa.journal.replica import Head, Replica
from engine.checkpoint import VERSION
from tests.doubles.shard import ALICE, BOB
from tests.migration import files
from tests.migration.history import goes_on
from tests.unit.engine.engines import ENGINES
from wire import layout as w
from wire.events import Event

FOLDERS = sorted(files.DATA.iterdir())
NEWEST = FOLDERS[-1]


def expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / files.EXPECTED).read_text())
    return found


folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
engines = pytest.mark.parametrize("engine_class", ENGINES.values(), ids=ENGINES)


@folders
@engines
def test_a_journal_is_followed_to_the_same_state(folder: Path, engine_class: Any) -> None:
    replica = Replica(engine_class(), Head())
    records = list(read_records(folder / files.JOURNAL))
    for record in records:
        replica.follow(record)

    known = expected(folder)
    assert len(records) == known["records"]
    assert f"{replica.engine.digest():016x}" == known["state_digest"]
    assert replica.head.hash.hex() == known["last_hash"]
    replica.engine.check()


@folders
@engines
def test_a_checkpoint_goes_on_as_the_engine_that_wrote_it(folder: Path, engine_class: Any) -> None:
    header, state = decode_checkpoint((folder / files.CHECKPOINT).read_bytes())
    engine = engine_class.restore(state)
    known = expected(folder)
    assert header.record_hash.hex() == known["last_hash"]
    assert engine.sequence == header.last_sequence
    assert f"{engine.digest():016x}" == known["state_digest"]
    assert goes_on(engine).hex() == known["events_after"]


@folders
def test_the_read_models_are_the_same(folder: Path) -> None:
    records = list(read_records(folder / files.JOURNAL))
    assert files.read_models(records) == expected(folder)["read_models"]


@folders
def test_a_message_on_the_queue_is_read(folder: Path) -> None:
    message = decode_message((folder / files.MESSAGE).read_text())
    assert (message.account, message.client_order_ids) == (ALICE, {0: "ask-1"})
    assert len(message.commands) == w.COMMAND_BYTES


@folders
def test_a_stored_reply_is_read(folder: Path) -> None:
    events = unpack_events((folder / files.REPLY).read_bytes())
    record = decode_record(list(read_records(folder / files.JOURNAL))[2])
    assert events == own_events(record.events)
    assert any(outcome.result.accepted for outcome in read_outcomes(events, BOB))


def test_the_history_has_every_kind_of_command_and_of_event() -> None:
    commands, events = files.kinds(list(read_records(NEWEST / files.JOURNAL)))
    assert commands == set(range(1, w.COMMAND_KIND_LAST + 1))
    assert events == {kind.__name__ for kind in Event.__args__}


def test_a_schema_of_today_has_its_files() -> None:
    """Fails when a format changes: keep the old files, add a reader, write the new ones."""
    known = expected(NEWEST)
    assert (
        known["record_schema"],
        known["checkpoint_schema"],
    ) == (RECORD_SCHEMA, CHECKPOINT_SCHEMA)
    assert (known["engine_version"], known["message_version"]) == (VERSION, MESSAGE_VERSION)
