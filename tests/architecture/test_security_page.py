"""What docs/security.md claims: every threat and every finding names a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

PAGE = ROOT / "docs/security.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
FINDING = re.compile(r"^(H[1-8]|M[1-9]|M1[0-4]|L[1-9])$")
# The supply chain of the worker belongs to deployment.
ELSEWHERE = {"M13"}


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def functions(path: Path) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("row", rows("Threats") + rows("Findings"), ids=lambda row: row[0][:40])
def test_a_row_names_tests_that_exist(row: list[str]) -> None:
    named = TEST.findall(row[-1])
    assert named, f"no test is named: {row}"
    for name, function in named:
        path = ROOT / name
        assert path.is_file(), f"{name} does not exist"
        assert not function or function in functions(path), f"{name} has no {function}"


def test_every_finding_has_a_row() -> None:
    wanted = (
        {f"H{n}" for n in range(1, 9)}
        | {f"M{n}" for n in range(1, 15)}
        | {f"L{n}" for n in range(1, 10)}
    )
    listed = [row[0] for row in rows("Findings")]
    assert all(FINDING.match(name) for name in listed)
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) | ELSEWHERE == wanted
