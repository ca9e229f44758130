"""The product's sources for the tests of the house: modules by dotted name, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where dotted names begin, and the packages there.
_ROOTS = {".": ("engine", "worker", "scripts", "benchmarks"), "layers/core": ("wire", "bursa")}
_FUNCTIONS = "functions"
_NOT_SOURCES = {"__pycache__", "build"}


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name (those of Lambda begin with ``functions.``) and its tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def place(self) -> str:
        """Path from the root, for messages."""
        return str(self.path.relative_to(ROOT))

    def imports_at_run_time(self) -> Iterator[str]:
        """Yield the full name of everything it imports, except for type checkers only."""
        for_types = {
            inner
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
            for inner in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        yield from (name for line, name in self.imports() if line not in for_types)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield line and full name of everything it imports, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.place}:{node.lineno} imports relatively"
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def modules() -> tuple[Module, ...]:
    """Parse every module of the product."""
    return tuple(_walk())


def _walk() -> Iterator[Module]:
    for root, packages in _ROOTS.items():
        for package in packages:
            yield from _below(ROOT / root, ROOT / root / package, "")
    yield from _below(ROOT / _FUNCTIONS, ROOT / _FUNCTIONS, f"{_FUNCTIONS}.")


def _below(root: Path, folder: Path, prefix: str) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(root)
        if _NOT_SOURCES.isdisjoint(relative.parts):
            parts = relative.with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            yield Module(prefix + name, path, ast.parse(path.read_text(), str(path)))
