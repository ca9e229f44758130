"""Look into a shard's journal: is it whole, what does it say, what state does it give.

    verify   walk the chain from the first record on: slots, numbers, hashes, epochs;
             with --against-archive compare it with the copy that nobody can change
    show     print the commands and events of a range of sequences by the names of their fields
    replay   apply it to an engine, events compared record by record, and add the books up
    digest   replay to a sequence with both engines and compare their digests and the checkpoints'
    save     write the records to a local file, which the others read with --file
    disown   say of an object in the archive that it is forged, so that what is true can take its
             place; docs/operations.md says when, and by which role

    make journal ARGS="verify"
    make journal ARGS="verify --against-archive"
    make journal ARGS="show --from 120 --to 130"
    make journal ARGS="replay --to 5000 --json"
    make journal ARGS="digest --to 5000"
    make journal ARGS="save --file journal.bin"
    make journal ARGS="disown --object heads/17 --why 'not of this journal, ticket 5'"
    make journal ARGS="verify --stack bursa"        a deployment on AWS

Ends with 0 when all is well, 1 when the journal is not, 2 with one sentence when it can't be read.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bursa.journal.archive import ArchiveDiffers
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.file import last_sequence, read_records, write_records
from bursa.journal.record import EncodedRecord, JournalRecord, RecordError, decode_record
from bursa.journal.replica import Head, JournalBroken, Replica, check_continues
from bursa.kernel.settings import SettingsError
from engine.errors import InvariantViolation
from scripts.client import OUTPUTS, ToolError
from scripts.journal_archive import ArchiveCheck, disown_object
from scripts.journal_text import Fields, JournalText, account_text, actor_text
from scripts.rebuild import connect
from wire import codec, layout
from wire.events import Event, Result

FOREVER = 1 << 62
_SHOWN_MAX = 200
# Where definitions are looked for before the range that is shown.
_DEFINITIONS_UNTIL = 1 << 14
_COLUMNS = ("sequence", "record", "epoch", "command", "account", "actor", "reason",
            "client_order_id")  # fmt: skip
# Drawing a bar costs as much as applying some commands.
_SHOWN_EVERY_RECORDS = 100

Report = dict[str, Any]


class Source:
    """The records, from a table or a file."""

    def __init__(self, journal: DynamoJournal | None, path: Path | None) -> None:
        self._journal = journal
        self._path = path

    def records(
        self, first_sequence: int = 1, last_sequence: int = FOREVER
    ) -> Iterator[EncodedRecord]:
        """Yield the records that hold anything between two sequences."""
        for record in self._all(first_sequence):
            if record.first_sequence > last_sequence:
                return
            if record.last_sequence >= first_sequence:
                yield record

    def _all(self, first_sequence: int) -> Iterator[EncodedRecord]:
        if self._journal is None:
            yield from read_records(self._path or Path())
            return
        position = self._start(first_sequence)
        while records := self._journal.read(position):
            yield from records
            position = records[-1].last_sequence + 1

    def _start(self, first_sequence: int) -> int:
        """Find the slot of the record that holds a sequence; records are at most this long."""
        longest = 1 << 14
        if self._journal is None or first_sequence <= 1:
            return 1
        before = self._journal.read_span(max(1, first_sequence - longest), first_sequence)
        return before[-1].first_sequence if before else 1

    def table(self) -> DynamoJournal:
        """Return the table; raises `ToolError` where the records are in a file."""
        if self._journal is None:
            raise ToolError(
                "What is disowned is compared with the journal itself, not with a file."
            )
        return self._journal

    def head_sequence(self) -> int:
        """Return the last sequence."""
        if self._journal is None:
            return last_sequence(self._path or Path())
        return self._journal.head_sequence(0)


def verify(source: Source, arguments: argparse.Namespace, progress: Progress) -> Report:
    """Walk the chain."""
    head, stored, time_ms = Head(), 0, 0
    task = progress.add_task("Verifying", total=min(source.head_sequence(), arguments.to))
    with ArchiveCheck(arguments) as archive:
        archive.begin(source.head_sequence())
        for record in source.records(1, arguments.to):
            archive.take(record)
            check_continues(head, record)
            decode_record(record)
            if record.time_ms < time_ms:
                raise JournalBroken(f"Time falls at record {record.number}.")
            head, time_ms = Head.of(record), record.time_ms
            stored += len(record.body)
            progress.update(task, completed=head.last_sequence)
        compared = archive.finish()
    return {
        **compared,
        "records": head.number,
        "sequences": head.last_sequence,
        "epoch": head.epoch,
        "body_bytes": stored,
        "bytes_per_command": round(stored / max(head.last_sequence, 1), 1),
        "hash": head.hash.hex(),
    }


def replay(source: Source, arguments: argparse.Namespace, progress: Progress) -> Report:
    """Apply it to an engine."""
    started = time.perf_counter()
    replica = _replayed(source, arguments.engine, arguments.to, progress)
    seconds = time.perf_counter() - started
    replica.engine.check()
    return {
        "sequences": replica.engine.sequence,
        "digest": _hex(replica.engine.digest()),
        "engine": arguments.engine,
        "seconds": round(seconds, 3),
        "commands_per_s": round(replica.engine.sequence / max(seconds, 1e-9)),
        "books": "add up",
    }


def digest(source: Source, arguments: argparse.Namespace, progress: Progress) -> Report:
    """Compare the digests of both engines."""
    digests = {
        name: _hex(_replayed(source, name, arguments.to, progress).engine.digest())
        for name in ("core", "reference")
    }
    if len(set(digests.values())) != 1:
        raise JournalBroken(f"The engines differ: {digests}.")
    return {"to": arguments.to if arguments.to != FOREVER else "head", **digests}


def _replayed(source: Source, engine: str, last_sequence: int, progress: Progress) -> Replica:
    replica = Replica(importlib.import_module(f"engine.{engine}").Engine(), Head())
    task = progress.add_task(
        f"Replaying with {engine}", total=min(source.head_sequence(), last_sequence)
    )
    for encoded in source.records(1, last_sequence):
        if encoded.last_sequence > last_sequence:
            check_continues(replica.head, encoded)
            count = last_sequence - replica.head.last_sequence
            replica.engine.apply(decode_record(encoded).commands[: count * layout.COMMAND_BYTES])
        else:
            replica.follow(encoded)
        if encoded.number % _SHOWN_EVERY_RECORDS == 0:
            progress.update(task, completed=replica.engine.sequence)
    progress.update(task, completed=replica.engine.sequence)
    return replica


def _hex(number: int) -> str:
    return f"{number:016x}"


def save(source: Source, arguments: argparse.Namespace, progress: Progress) -> Report:
    """Write the records to a file."""
    progress.add_task("Saving", total=None)
    if arguments.file is None:
        raise ToolError("Name the file to write with --file.")
    return {"file": str(arguments.file), "records": write_records(arguments.file, source.records())}


def show(source: Source, arguments: argparse.Namespace) -> Iterator[Report]:
    """Yield a range of sequences, a command with its events each.

    Assets and markets go by their symbols where they were defined in the range, or in the first
    sequences of the journal, where a shard usually defines what it lists.
    """
    text = JournalText()
    for encoded in source.records(1, min(_DEFINITIONS_UNTIL, arguments.first - 1)):
        for event in codec.decode_events(decode_record(encoded).events):
            text.define(event)
    for encoded in source.records(arguments.first, arguments.to):
        record = decode_record(encoded)
        events: dict[int, list[Event]] = {}
        for event in codec.decode_events(record.events):
            events.setdefault(event.sequence, []).append(event)
        commands = codec.decode_commands(record.commands)
        for sequence, command in enumerate(commands, record.first_sequence):
            for event in events[sequence]:
                text.define(event)
            if arguments.first <= sequence <= arguments.to:
                yield _row(record, sequence, command, events[sequence], text)


def _row(
    record: JournalRecord,
    sequence: int,
    command: codec.Command,
    events: list[Event],
    text: JournalText,
) -> Report:
    reasons = [event.reason for event in events if isinstance(event, Result)]
    return {
        "sequence": sequence,
        "record": record.number,
        "epoch": record.epoch,
        "command": layout.COMMAND_NAMES.get(command.kind, str(command.kind)),
        "account": account_text(command.account),
        "actor": actor_text(command.actor),
        "reason": layout.REASON_NAMES.get(reasons[0], str(reasons[0])),
        "client_order_id": record.client_order_ids.get(sequence, ""),
        "fields": text.command(command),
        "events": [text.event(event) for event in events],
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        source = _source(options)
        if options.command == "show":
            _print_rows(show(source, options), as_json=options.json)
            return 0
        if options.command == "disown":
            _print_report(disown_object(options, source.table()), as_json=options.json)
            return 0
        steps = {"verify": verify, "replay": replay, "digest": digest, "save": save}
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            report = steps[options.command](source, options, progress)
    except ArchiveDiffers as error:
        console.print(
            f"The journal is not what was archived: {error}", style="red", highlight=False
        )
        return 1
    except (JournalBroken, RecordError, InvariantViolation) as error:
        console.print(f"The journal is broken: {error}", style="red", highlight=False)
        return 1
    except (ToolError, SettingsError, BotoCoreError, ClientError, OSError) as error:
        console.print(f"journal: {error}", style="red", highlight=False)
        return 2
    _print_report(report, as_json=options.json)
    return 0


def _source(options: argparse.Namespace) -> Source:
    if options.file is not None and options.command != "save":
        return Source(None, options.file)
    client, variables = connect(options)
    try:
        table = variables["JOURNAL_TABLE"]
    except KeyError:
        raise ToolError("The stack has no output JournalTable.") from None
    return Source(DynamoJournal(client, table, options.shard), None)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report))
        return
    table = Table(show_header=False)
    for name, value in report.items():
        table.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)
        )
    Console().print(table)


def _print_rows(rows: Iterator[Report], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    table = Table()
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), overflow="fold")
    for name in ("fields", "events"):
        table.add_column(name, overflow="fold", ratio=1)
    for row in islice(rows, _SHOWN_MAX):
        events = [_line(fields) for fields in row["events"] if fields["event"] != Result.__name__]
        cells = [str(row[name]) for name in _COLUMNS]
        table.add_row(*cells, _line(row["fields"]), "\n".join(events))
    Console().print(table)
    if next(rows, None) is not None:
        print(f"Only the first {_SHOWN_MAX} are shown; narrow --from and --to, or use --json.")


def _line(fields: Fields) -> str:
    """Return fields in one line; an event begins with its kind."""
    return " ".join(
        str(value) if name == "event" else f"{name}={value}" for name, value in fields.items()
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make journal",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["verify", "show", "replay", "digest", "save", "disown"])
    parser.add_argument("--from", dest="first", type=int, default=1, help="first sequence")
    parser.add_argument("--to", type=int, default=FOREVER, help="last sequence; the head if absent")
    parser.add_argument("--engine", choices=["core", "reference"], default="core")
    parser.add_argument("--file", type=Path, help="records in a local file instead of the table")
    parser.add_argument("--shard", type=int, default=0, help="its number; 0 if absent")
    parser.add_argument("--stack", help="a deployment on AWS; else the exchange here")
    parser.add_argument("--region", help="of the deployment")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--against-archive", action="store_true", help="verify: compare with the archive too"
    )
    parser.add_argument("--archive", type=Path, help="an archive in a folder, not in the bucket")
    parser.add_argument("--object", help="disown: as heads/17, ends/0 or segments/0")
    parser.add_argument("--why", default="", help="disown: how you know; it is kept for good")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
