"""What the documents promise: links lead somewhere, named files exist, decisions have one form."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.architecture.test_imports import AWS_NAMES

COLUMNS_MAX = 100
NOT_OURS = {".git", ".venv", ".local", ".aws-sam", "build", "__pycache__", ".hypothesis"}
NOT_OURS |= {".pytest_cache", ".mypy_cache", ".ruff_cache"}
TEXTS = {".py", ".md", ".yaml", ".toml", ".sh", ".mk", ".service"}

DECISION = re.compile(r"^### (D\d+) \S", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
DECISIONS_CITED = re.compile(r"\bDESIGN((?:(?:,| and)? D\d+)+)")
SECTION_CITED = re.compile(r'(?:docs/design\.md|\bDESIGN), "([^"]+)"')
CITED_OTHERWISE = re.compile(r"\bDESIGN (?!D\d)\S+")

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(py|md|yaml|toml|sh|mk|in|lock|txt|json|service)")
FOLDER = re.compile(r"[\w.-]+(/[\w.-]+)*/")
# What programs write while they run.
MADE = {
    "outputs.json",
    "deployed.json",
    "keys.json",
    "passwords.json",
    ".local/keys.json",
    "processes.json",
    ".local/",
}
# Names of layers in a feature's folder; not every one has a file of that name.
LAYER_FILES = {f"{name}.py" for name in AWS_NAMES}

ADR_NAME = re.compile(r"\d{4}-[a-z0-9-]+\.md")
ADR_STATUS = re.compile(r"\d{4}-\d\d-\d\d · (accepted|superseded by \[\d{4}\]\([^)]+\))")
ADR_SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"]


@cache
def files() -> tuple[Path, ...]:
    """Return the tree's own files."""
    return tuple(sorted(_below(ROOT)))


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_OURS or path.is_symlink():
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def by_name(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name_of)


def decisions() -> list[Path]:
    return [path for path in documents() if ADR_NAME.fullmatch(path.name)]


def rooms() -> list[Path]:
    packages = [
        path.parent
        for path in files()
        if path.name == "__init__.py" and (ROOT / "layers") in path.parents
    ]
    return [*packages, *(ROOT / name for name in ("engine", "worker", "functions", "infra"))]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is neither code nor part of a table."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ", "```")):
            yield number, line


def test_every_decision_cited_is_in_the_design() -> None:
    design = (ROOT / "docs/design.md").read_text()
    known, headings = set(DECISION.findall(design)), set(HEADING.findall(design))
    cited, unknown = set(), []
    for path in files():
        if path.suffix not in TEXTS or path == Path(__file__):
            continue
        text = path.read_text()
        found = {d for run in DECISIONS_CITED.findall(text) for d in re.findall(r"D\d+", run)}
        sections = set(SECTION_CITED.findall(text))
        cited |= found | sections
        strange = (found - known) | (sections - headings) | set(CITED_OTHERWISE.findall(text))
        unknown += [f"{name_of(path)} cites {one}" for one in sorted(strange)]
    assert cited
    assert not unknown, "\n".join(unknown)


def test_decisions_of_the_design_are_numbered_without_a_gap() -> None:
    found = DECISION.findall((ROOT / "docs/design.md").read_text())
    assert found == [f"D{number}" for number in range(1, len(found) + 1)]


@by_name(documents())
def test_a_link_leads_somewhere(path: Path) -> None:
    text = "\n".join(line for _, line in unfenced(path.read_text()))
    broken = [target for target in LINK.findall(text) if not resolves(path, target)]
    assert not broken


def unfenced(text: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def resolves(path: Path, target: str) -> bool:
    if "://" in target:
        return True
    name, _, anchor = target.partition("#")
    file = (path.parent / name) if name else path
    if not file.exists():
        return False
    return not anchor or anchor in {slug(one) for one in HEADING.findall(file.read_text())}


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


@by_name([path for path in documents() if path.name != "CHANGELOG.md"])
def test_a_file_that_a_document_names_exists(path: Path) -> None:
    known = {f"/{name_of(file)}" for file in files()}
    missing = [
        name
        for name in CODE_SPAN.findall(path.read_text())
        if FILE.fullmatch(name)
        and name not in MADE | LAYER_FILES
        and not any(one.endswith(f"/{name}") for one in known)
    ]
    assert not missing


@by_name(
    [
        ROOT / "README.md",
        ROOT / "docs/architecture.md",
        ROOT / "docs/recipes.md",
        *(room / "README.md" for room in rooms() if (room / "README.md").exists()),
    ]
)
def test_a_folder_that_a_document_names_exists(path: Path) -> None:
    known = {
        f"/{name_of(folder)}/"
        for file in files()
        for folder in file.parents
        if ROOT in folder.parents
    }
    missing = [
        name
        for name in CODE_SPAN.findall(path.read_text())
        if is_folder(name)
        and name not in MADE
        and not any(one.endswith(f"/{name.rstrip('/')}/") for one in known)
    ]
    assert not missing


def is_folder(name: str) -> bool:
    """Return whether a code span means a folder: it ends so, or begins with one of the tree's."""
    inside = name.partition("/")[0] in {path.name for path in ROOT.iterdir()}
    return bool(FOLDER.fullmatch(f"{name.rstrip('/')}/")) and (
        name.endswith("/") or ("/" in name and inside and not FILE.fullmatch(name))
    )


@by_name(rooms())
def test_a_room_says_its_rule(path: Path) -> None:
    assert (path / "README.md").read_text().startswith(f"# {path.name}\n")


@by_name(documents())
def test_prose_keeps_within_the_columns(path: Path) -> None:
    long = [
        f"{name_of(path)}:{number}"
        for number, line in prose(path.read_text())
        if len(line) > COLUMNS_MAX and " " in line.lstrip("#*- ")
    ]
    assert not long


@by_name(decisions())
def test_a_decision_has_the_form_of_all(path: Path) -> None:
    text = path.read_text()
    title, status = text.splitlines()[0], text.splitlines()[2]
    assert re.fullmatch(rf"# {path.name[:4]} \S.+", title)
    assert ADR_STATUS.fullmatch(status)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_SECTIONS
    assert not re.search(r"^## .+\n+(##|\Z)", text, re.MULTILINE), "a section is empty"


def test_no_two_decisions_have_the_same_number() -> None:
    """A number that is missing is that of work which is not here yet."""
    numbers = [path.name[:4] for path in decisions()]
    assert numbers == sorted(set(numbers))


def test_the_index_names_every_decision_by_its_title() -> None:
    index = (ROOT / "docs/adr/README.md").read_text()
    rows = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+?) \| (\S+) \|$", index, re.MULTILINE)
    assert rows == [
        (
            path.name[:4],
            path.name,
            (lines := path.read_text().splitlines())[0][7:],
            lines[2].split()[0],
        )
        for path in decisions()
    ]


def rows(path: Path) -> list[list[str]]:
    """Return the cells of all rows of a document's tables, without the lines below heads."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_function_is_listed() -> None:
    listed = {name for row in rows(ROOT / "functions/README.md") for name in spans(row[0])}
    assert listed == {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}


def test_every_folder_is_listed() -> None:
    listed = {name.split("/")[0] for row in rows(ROOT / "README.md") for name in spans(row[0])}
    assert {path.relative_to(ROOT).parts[0] for path in files()} - listed <= {
        path.name for path in ROOT.iterdir() if path.is_file() or path.name.startswith(".")
    }


def spans(cell: str) -> list[str]:
    return CODE_SPAN.findall(cell)


def test_a_word_has_one_meaning() -> None:
    words = [word.strip() for row in rows(ROOT / "docs/words.md") for word in row[0].split(",")]
    heads = {"word", "not a name"}
    twice = {word for word in words if words.count(word) > 1} - heads
    assert not twice
