import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from bursa.journal.file import last_sequence, read_records, write_records
from bursa.journal.record import RECORD_SCHEMA, EncodedRecord, RecordError, record_hash
from scripts import journal
from tests.simulation.engines import SmallEngines
from tests.simulation.running import run_seed
from wire import layout as w

SEED = 6


@pytest.fixture(scope="module")
def records() -> list[EncodedRecord]:
    return run_seed(SEED, SmallEngines("core")).records


def run_tool(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = journal.main([*arguments, "--json"])
    return status, capsys.readouterr().out


def test_a_file_gives_back_what_was_saved(tmp_path: Path, records: list[EncodedRecord]) -> None:
    path = tmp_path / "journal.bin"

    assert write_records(path, records) == len(records)
    assert list(read_records(path)) == records
    assert last_sequence(path) == records[-1].last_sequence


def test_a_file_without_records_ends_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "journal.bin"

    assert write_records(path, []) == 0
    assert list(read_records(path)) == []
    assert last_sequence(path) == 0


@pytest.mark.parametrize("missing", [1, 9, 100])
def test_a_torn_file_gives_what_is_whole_and_then_says_so(
    tmp_path: Path, records: list[EncodedRecord], missing: int
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    path.write_bytes(path.read_bytes()[:-missing])
    reading = read_records(path)

    assert list(islice(reading, len(records) - 1)) == records[:-1]
    with pytest.raises(RecordError):
        next(reading)
    with pytest.raises(RecordError):
        last_sequence(path)


def test_verify_and_replay_report_the_same_end(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    status, text = run_tool(capsys, "verify", "--file", str(path))
    verified = json.loads(text)

    assert status == 0
    assert verified["hash"] == records[-1].hash.hex()
    assert verified["sequences"] == records[-1].last_sequence
    assert run_tool(capsys, "replay", "--file", str(path))[0] == 0


def test_both_engines_have_one_digest_at_any_sequence(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    digests = set()
    middle = records[-1].first_sequence - 2
    for last in (middle - 1, middle, records[-1].last_sequence):
        status, text = run_tool(capsys, "digest", "--file", str(path), "--to", str(last))
        assert status == 0
        found = json.loads(text)
        assert found["core"] == found["reference"]
        digests.add(found["core"])
    assert len(digests) == 3


def test_show_prints_each_sequence_once(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    status, text = run_tool(capsys, "show", "--file", str(path), "--from", "5", "--to", "9")
    rows = [json.loads(line) for line in text.splitlines()]

    assert status == 0
    assert [row["sequence"] for row in rows] == [5, 6, 7, 8, 9]
    assert {row["command"] for row in rows} <= set(w.COMMAND_NAMES.values())
    assert all(row["events"][0]["event"] == "Result" for row in rows)


def test_show_names_fields_and_uses_symbols_that_were_defined_before(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    _, text = run_tool(capsys, "show", "--file", str(path), "--from", "40")
    placed = [row for line in text.splitlines() if (row := json.loads(line))["command"] == "place"]

    assert placed
    assert {row["fields"]["market"] for row in placed} == {"BTC-"}
    assert {row["fields"]["side"] for row in placed} == {"buy", "sell"}
    assert {row["fields"]["type"] for row in placed} == {"limit"}
    assert all(row["account"].startswith("t1-") for row in placed)


def test_show_is_a_table_for_people(
    tmp_path: Path,
    records: list[EncodedRecord],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    path = tmp_path / "journal.bin"
    write_records(path, records)

    assert journal.main(["show", "--file", str(path), "--from", "1", "--to", "9"]) == 0
    printed = capsys.readouterr().out
    assert "sequence" in printed
    assert "symbol=BTC" in printed


def without_one(records: list[EncodedRecord]) -> list[EncodedRecord]:
    return records[:3] + records[4:]


def flipped(records: list[EncodedRecord]) -> list[EncodedRecord]:
    body = records[3].body
    return [*records[:3], replace(records[3], body=body[:-1] + bytes([body[-1] ^ 1])), *records[4:]]


def forged(records: list[EncodedRecord]) -> list[EncodedRecord]:
    changed = replace(records[3], time_ms=records[3].time_ms + 1)
    return [*records[:3], replace(changed, hash=record_hash(changed)), *records[4:]]


def swapped(records: list[EncodedRecord]) -> list[EncodedRecord]:
    return [*records[:3], records[4], records[3], *records[5:]]


@pytest.mark.parametrize("harm", [without_one, flipped, forged, swapped])
def test_a_harmed_journal_is_called_so(
    harm: Callable[[list[EncodedRecord]], list[EncodedRecord]],
    tmp_path: Path,
    records: list[EncodedRecord],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, harm(records))

    assert run_tool(capsys, "verify", "--file", str(path))[0] == 1


def test_a_journal_of_an_earlier_version_is_refused_in_a_sentence(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    earlier = replace(records[0], schema=RECORD_SCHEMA - 3)
    write_records(path, [replace(earlier, hash=record_hash(earlier)), *records[1:]])

    assert journal.main(["verify", "--file", str(path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    schemas = (
        f"Record 1 has the schema {RECORD_SCHEMA - 3}, and this version reads {RECORD_SCHEMA} only"
    )
    assert f"{schemas}: an older version" in said


def test_a_torn_file_is_called_so(
    tmp_path: Path, records: list[EncodedRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.bin"
    write_records(path, records)
    path.write_bytes(path.read_bytes()[:-9])

    assert run_tool(capsys, "verify", "--file", str(path))[0] == 1


def test_without_an_exchange_it_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert journal.main(["verify", "--outputs", str(tmp_path / "none.json")]) == 2
    assert "make up" in capsys.readouterr().err
