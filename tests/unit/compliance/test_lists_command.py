"""The operator's commands about sanctions lists."""

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from scripts.bursa.lists import app
from tests.doubles.screening_set import DATA, made_list
from tests.unit.compliance.test_sanctions_list import sdn

SDN, ALT = str(DATA / "sdn.csv"), str(DATA / "alt.csv")
RUN = CliRunner()


def run(*words: str, status: int = 0) -> str:
    result = RUN.invoke(app, words)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def short(tmp_path: Path) -> tuple[str, str]:
    """Return files of a list of one entry, and of one that can't be compared."""
    (tmp_path / "sdn.csv").write_bytes(sdn((1, "DOE, John"), (2, "ไทย")))
    (tmp_path / "alt.csv").write_bytes(b"")
    return str(tmp_path / "sdn.csv"), str(tmp_path / "alt.csv")


def test_a_list_is_described(short: tuple[str, str]) -> None:
    said = run("check", *short)
    assert "1 individuals with 1 names." in said
    assert "1 of them have no date of birth; 1 more can't be compared." in said
    assert "These need a person: 2" in said
    found = json.loads(run("check", SDN, ALT, "--json"))
    assert (found["individuals"], found["digest"]) == (60, made_list().digest)


def test_a_person_is_compared_and_each_hit_explained() -> None:
    words = ("compare", SDN, ALT, "--name", "Dimitri Sokolow", "--born", "1961-03-14")
    (hit,) = json.loads(run(*words, "--json"))
    assert (hit["entry"], hit["birth"]) == ("2001", "the date of birth is the same")
    assert {"theirs": "sokolow", "listed": "sokoloff", "likeness": 980} in hit["words"]
    assert "2001" in run(*words)
    assert "No hit from 850 on." in run("compare", SDN, ALT, "--name", "Anna Lindqvist")


def test_people_of_ones_own_are_measured(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "name,born,entry\n"
        "Dimitri Sokolow,1961-03-14,2001\n"
        "Anna Lindqvist,,\n"
        "Zhang Wen,1970-05-06,\n"
        "Mullah Karimzai,,3015\n"
        "ไทย,,\n",
        encoding="utf-8",
    )
    said = run("measure", SDN, ALT, str(people)).splitlines()
    assert said[0] == "2 people on the list, 3 others; 1 refused"
    (row,) = [line.split() for line in said if line.endswith("<")]
    assert row == ["850", "0.500", "0.500", "1", "1", "<"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("compare", SDN, ALT, "--name", "ไทย"), "name_not_readable"),
        (("compare", SDN, ALT, "--name", "Anna", "--born", "28.02.1990"), "invalid_date"),
        (("check", ALT, ALT), "invalid_list"),
        (("measure", SDN, ALT, SDN), "invalid_people"),
    ],
)
def test_what_is_wrong_is_one_sentence(words: tuple[str, ...], code: str) -> None:
    said = run(*words, status=1)
    assert said.startswith("bursa: ")
    assert f"({code})" in said
    assert "Traceback" not in said


def test_a_list_is_put_in_force_and_a_shorter_one_by_its_digest(
    monkeypatch: pytest.MonkeyPatch, short: tuple[str, str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    where = ("--bucket", "lists", "--list", "ofac-sdn")
    with mock_aws():
        said = run("publish", SDN, ALT, *where, status=1)
        assert "lists_unavailable" in said
        assert "NoSuchBucket" in said
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="lists")
        assert "no_list" in run("verify", *where, status=1)
        assert json.loads(run("publish", SDN, ALT, *where, "--json"))["entries"] == 60
        assert "60 individuals are in force" in run("verify", *where)
        assert "list_shrunk" in run("publish", *short, *where, status=1)
        digest = json.loads(run("check", *short, "--json"))["digest"]
        run("publish", *short, *where, "--confirm", digest)
        assert "1 individuals are in force" in run("verify", *where)
