"""What the policy scanner finds is held to reasoned exceptions."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lint import policies

FOUND = {("A", "a.yaml One"): "Ensure one", ("A", "a.yaml Two"): "Ensure one"}


@pytest.mark.parametrize(
    ("exceptions", "said"),
    [
        ({"A": ["a.yaml *"]}, []),
        ({"A": ["a.yaml One", "a.yaml Two"]}, []),
        ({"A": ["a.yaml One"]}, ["a.yaml Two: Ensure one (A)"]),
        ({}, ["a.yaml One: Ensure one (A)", "a.yaml Two: Ensure one (A)"]),
        (
            {"A": ["a.yaml *"], "B": ["a.yaml One"]},
            ["a.yaml One: B has an exception in exceptions.yaml and no finding; remove it"],
        ),
    ],
    ids=["all", "each", "one is left", "none", "one too many"],
)
def test_findings_and_exceptions_answer_each_other(
    exceptions: dict[str, list[str]], said: list[str]
) -> None:
    given = {check: {"why": "so", "where": where} for check, where in exceptions.items()}
    assert list(policies.compare(FOUND, given)) == said


def test_every_exception_has_a_reason() -> None:
    for check, one in yaml.safe_load(policies.EXCEPTIONS.read_text()).items():
        assert set(one) == {"why", "where"}, check
        assert len(one["why"]) > 40, check
        assert one["where"] == sorted(one["where"]), check


def report(*failed: str, parsing_errors: tuple[str, ...] = ()) -> str:
    checks = [
        {"check_id": "A", "file_path": "/infra/a.yaml", "resource": f"T.{name}", "check_name": "x"}
        for name in failed
    ]
    results = {"failed_checks": checks, "parsing_errors": list(parsing_errors)}
    return json.dumps({"results": results, "summary": {"passed": 7}})


@pytest.mark.parametrize(
    ("output", "status", "said"),
    [
        (report(), 0, "7 policy checks passed"),
        (report("One"), 1, "a.yaml One: x (A)"),
        (report(parsing_errors=("infra/a.yaml",)), 1, "it can't be parsed"),
        ("Traceback", 1, "checkov broke"),
    ],
    ids=["clean", "a finding", "no template", "broken"],
)
def test_exit_status(
    output: str,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exceptions = tmp_path / "exceptions.yaml"
    exceptions.write_text("{}")
    monkeypatch.setattr(policies, "EXCEPTIONS", exceptions)

    def answer(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, output, "")

    monkeypatch.setattr(subprocess, "run", answer)
    assert policies.main(["checkov", "infra/a.yaml"]) == status
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
