"""Rules of the house that no linter checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.templates import nested_templates
from tests.architecture.house import ROOT, Module, modules

LINES_MAX = 500
FUNCTION_LINES_MAX = 61
# How a docstring does not begin: it says what is returned or done.
TALKATIVE = {"Say", "Says", "Tell", "Tells", "Give", "Gives"}
# A table of names.
LONGER = {"layers/core/wire/layout.py": 660}
TEMPLATE_LINES_MAX = 800
WORD_LESS_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# Text or a value, then the separator; an expression's `#name` begins with it.
KEY = re.compile(r"[a-z}]#")
INTEGERS_ONLY = (
    "engine",
    "wire",
    "bursa.accounts",
    "bursa.dialects",
    "bursa.journal",
    "bursa.kernel",
    "bursa.read_models",
    "bursa.trading",
)
KEYS = {"bursa.kernel.keys", "bursa.kernel.object_keys", "bursa.kernel.wallet_keys"}
# Where floats are seconds, not money.
WITH_FLOATS = {
    "engine.build",
    "bursa.kernel.clock",
    "bursa.kernel.retry",
    "bursa.read_models.rebuild",
}


def source_files(pattern: str) -> Iterator[Path]:
    for folder in ("engine", "worker", "layers", "functions", "scripts", "benchmarks", "tests"):
        for path in (ROOT / folder).rglob(pattern):
            if not {"__pycache__", "build"} & set(path.parts) and not path.is_symlink():
                yield path


def of(*packages: str) -> list[Module]:
    prefixes = tuple(f"{package}." for package in packages)
    return [module for module in modules() if f"{module.name}.".startswith(prefixes)]


def test_a_file_is_one_subject() -> None:
    long = {
        place: lines
        for path in source_files("*.py")
        if (lines := len(path.read_text().splitlines()))
        > lines_max(place := str(path.relative_to(ROOT)))
    }
    assert not long


def lines_max(place: str) -> int:
    return next((lines for start, lines in LONGER.items() if place.startswith(start)), LINES_MAX)


def test_a_function_fits_a_screen() -> None:
    long = {
        f"{module.place}:{node.lineno} {node.name}": lines
        for module in modules()
        for node in functions(module.tree)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not long


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_docstring_says_what_is_returned_or_done() -> None:
    found = [
        f"{module.place}: {text.splitlines()[0]}"
        for module in modules()
        for node in (module.tree, *ast.walk(module.tree))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (text := ast.get_docstring(node) or "").partition(" ")[0] in TALKATIVE
    ]
    assert not found, "\n".join(found)


def test_a_template_can_be_read_in_one_sitting() -> None:
    templates = [ROOT / "template.yaml", *nested_templates()]
    long = {
        path.name: lines
        for path in templates
        if (lines := len(path.read_text().splitlines())) > TEMPLATE_LINES_MAX
    }
    assert len(templates) > 1
    assert not long


def test_no_file_is_a_link() -> None:
    """A copy of the tree by other means than git, as an archive of it, may not keep them."""
    folders = ("docs", "engine", "events", "functions", "infra", "layers", "scripts", "worker")
    found = [path for name in folders for path in (ROOT / name).rglob("*") if path.is_symlink()]
    assert not found


def test_a_module_is_called_after_what_it_is_for() -> None:
    nameless = [str(path) for path in source_files("*.py") if path.stem in WORD_LESS_NAMES]
    assert not nameless


def test_packages_of_the_core_import_nothing_by_themselves() -> None:
    full = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "layers" / "core" / "bursa").rglob("__init__.py")
        if path.read_text().strip()
    ]
    assert not full


def test_the_environment_is_read_in_one_place() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in of("bursa", "functions", "worker", "engine")
        if module.name not in {"bursa.kernel.settings", "engine.build"}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv", "environb"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    assert not found


def test_clocks_are_read_in_two_places() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in of("bursa", "functions", "worker")
        if module.name not in {"bursa.kernel.clock", "worker.threads"}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"time", "datetime"}
        and node.attr != "sleep"
    ]
    assert not found


def test_keys_are_made_in_one_place() -> None:
    found = [
        f"{module.place}:{line} {text!r}"
        for module in of("bursa", "functions", "worker")
        if module.name not in KEYS
        for line, text in strings(module.tree)
        if KEY.search(text)
    ]
    assert not found, "\n".join(found)


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string that is no docstring, values written as {}."""
    passed_over = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(part) for part in node.values}
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [] if id(node) in passed_over else [(node.lineno, node.value)]


def test_money_is_never_a_float() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in of(*INTEGERS_ONLY)
        if module.name not in WITH_FLOATS
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert not found


@pytest.mark.parametrize("lock", ["requirements.lock", "layers/dependencies/requirements.txt"])
def test_a_lock_names_versions_and_hashes_but_no_place(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#")]
    assert all(
        re.match(r"([a-z0-9._-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$", line)
        for line in lines
    )
    assert lines


def test_the_layer_is_a_subset_of_the_one_lock() -> None:
    def pins(path: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / path).read_text(), re.MULTILINE))

    assert pins("layers/dependencies/requirements.txt") < pins("requirements.lock")
