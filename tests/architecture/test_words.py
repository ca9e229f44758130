"""Names are made of words that have one meaning (docs/words.md, "Words that are not names")."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.architecture.house import ROOT, modules

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
SECTION = "## Words that are not names"
ROW = re.compile(r"^\| (`.+`) \| (.+) \| ?(.*?) ?\|$", re.MULTILINE)
CODE_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Avoided:
    """A word that is not used in names, and the files where it has another meaning."""

    word: str
    except_in: tuple[str, ...]


@cache
def avoided() -> tuple[Avoided, ...]:
    section = (ROOT / "docs/words.md").read_text().partition(SECTION)[2]
    return tuple(
        Avoided(word, tuple(CODE_SPAN.findall(places)))
        for words, _, places in ROW.findall(section)
        for word in CODE_SPAN.findall(words)
    )


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every name that a module gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


@cache
def uses() -> dict[str, tuple[tuple[str, int, str], ...]]:
    """Return file, line and name of every use of each word."""
    found = defaultdict(list)
    for module in modules():
        own = (1, module.name.rpartition(".")[2])
        for line, name in (own, *names(module.tree)):
            for word in {part.lower() for part in WORD.findall(name)}:
                found[word].append((module.place, line, name))
    return {word: tuple(places) for word, places in found.items()}


@pytest.mark.parametrize("one", avoided(), ids=lambda one: one.word)
def test_a_name_has_no_word_that_means_something_else(one: Avoided) -> None:
    found = [
        f"{place}:{line} {name}"
        for place, line, name in uses().get(one.word, ())
        if not place.startswith(one.except_in)
    ]
    assert not found, "\n".join(found)


def test_an_exception_is_still_needed() -> None:
    idle = [
        f"{one.word} in {place}"
        for one in avoided()
        for place in one.except_in
        if not any(used.startswith(place) for used, _, _ in uses().get(one.word, ()))
    ]
    assert avoided()
    assert not idle
