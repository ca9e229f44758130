"""Writes docs/errors.md: every code that an error of the product may have, from the code itself.

A code is the first argument of an exception of `bursa.kernel.errors`, a sentence the second; those
of the engine's reasons are in a table. What is put together when it is raised (`invalid_<field>`)
is shown with what it is put together from.
"""

import argparse
import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from bursa.dialects.native.problems import STATUS  # noqa: E402
from bursa.dialects.native.refusals import refusal  # noqa: E402
from wire import layout as w  # noqa: E402

PAGE: Final = ROOT / "docs" / "errors.md"
_SOURCES: Final = ROOT / "layers" / "core" / "bursa"
_STATUS: Final[Mapping[str, int]] = {kind.__name__: status for kind, status in STATUS.items()}
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request breaks a rule of form: correct it. Nothing was done.",
    401: "Not signed in, or the proof of it is not accepted.",
    403: "Who asks is known, and may not do this.",
    404: "It does not exist, or belongs to somebody else; which is not said.",
    409: "It is used for, or has become, something else.",
    413: "It is larger than any request needs to be.",
    422: "Well formed, but the exchange's rules or the account forbid it. Nothing has changed.",
    429: "A share is used up: try again after `Retry-After` seconds. Nothing was done.",
    500: "A fault of the exchange: report the `request_id`.",
    503: "Try again after `Retry-After` seconds: nothing was lost.",
}
_HEAD: Final = """# Error codes

Written by `python -m scripts.error_codes` from the code; a test compares. How an error looks is in
[api.md](api.md#errors). The sentence says what to do; `…` stands for what is named when it happens.
A code stays what it is; a sentence may change. Codes of operators' tools are among them.
"""


class Code(NamedTuple):
    """A code with its status, and a sentence."""

    status: int
    name: str
    sentence: str


@cache
def codes() -> list[Code]:
    """Return all codes, by status and name; of several sentences, each."""
    found = {code for path in sorted(_SOURCES.rglob("*.py")) for code in _codes_in(path)}
    found |= set(_faults_of_bodies())
    for reason, name in w.REASON_NAMES.items():
        if reason != w.REASON_ACCEPTED:
            error = refusal(reason)
            found.add(Code(STATUS[type(error)], name, error.detail))
    return sorted(found)


def page() -> str:
    """Return the page as it is committed."""
    lines = [_HEAD.rstrip()]
    known = codes()
    for status, meaning in _MEANINGS.items():
        lines += ["", f"## {status}", "", meaning, "", "| code | what it says |", "|---|---|"]
        rows: dict[str, list[str]] = {}
        for code in known:
            if code.status == status:
                rows.setdefault(code.name, []).append(code.sentence)
        lines += [f"| `{name}` | {' / '.join(said)} |" for name, said in rows.items()]
    return "\n".join(lines) + "\n"


def _faults_of_bodies() -> Iterator[Code]:
    """Yield what pydantic's words for a body's faults are to a client: a table of pairs."""
    path = _SOURCES / "dialects" / "native" / "request_bodies.py"
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(name)), ast.Constant(value=str(said))]):
                if " " in said and " " not in name:
                    yield Code(400, name.replace("{name}", "…"), said.replace("{name}", "…"))


class _Maker(NamedTuple):
    """A function that makes an error of its arguments: which kind, and where code and text are."""

    status: int
    code: int
    sentence: int


# Of `bursa.aws.failures`, which raises it for what goes wrong inside.
_UNAVAILABLE: Final = {"unavailable": _Maker(503, 0, 1)}


def _codes_in(path: Path) -> Iterator[Code]:
    tree = ast.parse(path.read_text())
    makers = {name: _Maker(status, 0, 1) for name, status in _STATUS.items()}
    makers |= _UNAVAILABLE | dict(_makers_in(tree))
    known = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        maker = makers.get(_name_of(node.func))
        arguments = list(_arguments(node, known))
        if maker is None or len(arguments) <= max(maker.code, maker.sentence):
            continue
        name, sentence = _shown(arguments[maker.code]), _shown(arguments[maker.sentence])
        if name.strip("…"):
            said = sentence.replace("|", "\\|")
            yield Code(maker.status, name, said if said.strip("…. ") else "*what, in words*")


def _makers_in(tree: ast.Module) -> Iterator[tuple[str, _Maker]]:
    """Yield the functions that hand a code and a sentence on to an error, by name."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [one.arg for one in function.args.args if one.arg != "self"]
        for node in ast.walk(function):
            status = _STATUS.get(_name_of(node.func)) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and status is not None and len(node.args) > 1:
                given = [one.id if isinstance(one, ast.Name) else "" for one in node.args[:2]]
                if set(given) <= set(names):
                    yield function.name, _Maker(status, *map(names.index, given))


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _arguments(call: ast.Call, known: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """Yield what a call is given, constants of the module by their values."""
    for one in call.args:
        value = known.get(_name_of(one.value)) if isinstance(one, ast.Starred) else None
        if isinstance(value, ast.Tuple):
            yield from value.elts
        else:
            yield known.get(one.id, one) if isinstance(one, ast.Name) else one


def _shown(node: ast.expr) -> str:
    """Return a text as it is written, with `…` for what only its moment knows."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_shown, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _shown(left) + _shown(right)
        case _:
            return "…"


def main() -> int:
    """Write or check the page; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when outdated")
    arguments = parser.parse_args()
    text, name = page(), PAGE.relative_to(ROOT)
    if PAGE.exists() and PAGE.read_text() == text:
        print(f"{name} is up to date.")
        return 0
    if arguments.check:
        print(f"{name} is outdated: python -m scripts.error_codes")
        return 1
    PAGE.write_text(text)
    print(f"Wrote {name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
