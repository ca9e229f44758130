"""`make lake`: what it says to good and to bad questions, and what it reads of the journal."""

import json
from pathlib import Path
from typing import Any

import pytest

from bursa.journal.archive_file import FileArchive
from bursa.journal.record import EncodedRecord
from scripts import lake
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell


class Journal:
    """The table, in memory."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def read(self, first_sequence: int) -> list[EncodedRecord]:
        return [one for one in self._shard.records if one.first_sequence >= first_sequence][:3]


@pytest.fixture
def shard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shard:
    made = Shard()
    archive = FileArchive(tmp_path / "archive", 0)
    variables = {"ARCHIVE_BUCKET": "archive", "JOURNAL_TABLE": "journal"}
    monkeypatch.setattr(lake, "connect", lambda *_: (None, variables))
    monkeypatch.setattr(lake, "S3Archive", lambda *_: archive)
    monkeypatch.setattr(lake, "DynamoJournal", lambda *_: Journal(made))
    return made


def asked(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> dict[str, Any]:
    assert lake.main([*words, "--json", "--folder", str(tmp_path / "lake")]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_is_in_no_segment_yet_is_read_anew(
    shard: Shard, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shard.run(buy(ALICE, 100, 10), sell(BOB, 100, 4))
    shard.run(sell(BOB, 100, 1))
    for _ in range(2):
        (row,) = asked(capsys, tmp_path, "daily-volume")["rows"]
        assert (row["market"], row["trades"], row["base_units"]) == ("BTC-USDT", 2, 5)
        assert row["quote_units"] == 500
    shard.run(sell(BOB, 100, 2))
    (row,) = asked(capsys, tmp_path, "SELECT SUM(base_units) AS units FROM trades")["rows"]
    assert row == {"units": 7}


def test_the_days_and_the_tenant_are_those_that_are_named(
    shard: Shard, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shard.run(buy(ALICE, 100, 10), sell(BOB, 100, 4))
    day = asked(capsys, tmp_path, "daily-fees")["rows"][0]["day"]
    assert asked(capsys, tmp_path, "daily-fees", "--from", day, "--to", day)["rows"]
    assert asked(capsys, tmp_path, "daily-fees", "--to", "2000-01-01")["rows"] == []
    assert asked(capsys, tmp_path, "daily-fees", "--tenant", "t2")["rows"] == []
    assert asked(capsys, tmp_path, "daily-fees", "--closed-only")["rows"] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [("daily-volumes", "daily-volume, "), ("SELECT nothing FROM nowhere", "The tables are trades")],
    ids=["a name", "SQL"],
)
@pytest.mark.usefixtures("shard")
def test_what_is_no_question_is_refused_with_a_sentence(
    query: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert lake.main([query, "--folder", str(tmp_path)]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_without_a_question_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert lake.main([]) == 0
    assert "daily-volume" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--from", "--to"])
@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-13-01", "\u0967\u0968", ""])
def test_a_day_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        lake.main(["daily-fees", option, text])
    assert ended.value.code == 2
    assert "is no day: write 2026-12-31." in capsys.readouterr().err
