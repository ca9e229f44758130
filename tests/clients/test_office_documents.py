"""The routes of users, compliance, back offices and the operator do what the documents say.

Each operation is asked by an example first, which must succeed: that shows that schemathesis gets
past who may ask, and to what is there. Those that don't succeed are named.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.office_examples import with_examples
from tests.clients.test_documents import DOCS, ask, readable
from tests.doubles.office_server import OfficeFunctions, known, opened_functions
from tests.doubles.rest_server import served

_RUN_S = 900
AMOUNTS = (
    pytest.param(("examples,fuzzing", 1), id="some"),
    pytest.param(("examples,coverage,fuzzing", 20), id="more", marks=pytest.mark.long),
)
ROUTES = (
    "^/v1/(me|kyc|sessions|ws-ticket|api-keys|second-factor|notices|security-events|admin|operator)"
    "(/|$)"
)
# Of the back office's, those with a parameter or a body.
_REFUSED_MIN = 20
# Operations without a success here, each with its reason.
UNREACHED: Mapping[str, str] = {
    "POST /kyc/callbacks/{tenant}/{provider}": "signed over its body by a provider",
}


@pytest.fixture
def functions() -> Iterator[OfficeFunctions]:
    with opened_functions() as functions:
        yield functions


def asked(name: str) -> dict[str, Any]:
    """Return a document with the paths that are asked for here only."""
    document: dict[str, Any] = readable(json.loads((DOCS / name).read_text()))
    document["paths"] = {
        path: item for path, item in document["paths"].items() if re.match(ROUTES, path)
    }
    return document


def unreached(document: dict[str, Any], functions: OfficeFunctions) -> set[str]:
    """Return the operations that had no success."""
    missing = set()
    for path, item in document["paths"].items():
        pattern = re.sub(r"{\w+}", "[^/]+", path.removeprefix("/v1"))
        for method in item:
            statuses = {
                status
                for (verb, concrete), seen in functions.seen.items()
                if verb.lower() == method and re.fullmatch(pattern, concrete)
                for status in seen
            }
            if not any(200 <= status < 300 for status in statuses):
                missing.add(f"{method.upper()} {path.removeprefix('/v1')}")
    return missing


@pytest.mark.timeout(_RUN_S)
@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("name", ["openapi.json", "operator-openapi.json"])
def test_the_routes_of_people_do_what_their_description_says(
    functions: OfficeFunctions, tmp_path: Path, name: str, amount: tuple[str, int]
) -> None:
    document = asked(name)
    path = tmp_path / name
    path.write_text(json.dumps(with_examples(document, known(functions))))
    functions.seen.clear()
    with served(functions) as url:
        report = ask(tmp_path, path, url, amount)

    assert not report, report
    operations = {
        f"{method.upper()} {one.removeprefix('/v1')}"
        for one, item in document["paths"].items()
        for method in item
    }
    assert unreached(document, functions) == UNREACHED.keys() & operations


@pytest.mark.timeout(_RUN_S)
@pytest.mark.parametrize(("caller", "status"), [("nobody", 401), ("a user", 403)])
def test_who_has_no_role_is_refused_as_the_description_says(
    functions: OfficeFunctions, tmp_path: Path, caller: str, status: int
) -> None:
    document = asked("openapi.json")
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(with_examples(document, known(functions))))
    functions.seen.clear()
    functions.caller = caller
    with served(functions) as url:
        report = ask(tmp_path, path, url, ("examples", 1), "--include-path-regex", "/admin/")

    assert not report, report
    # What schemathesis asks to learn what a server takes is no operation.
    asked_for = [seen for (_, one), seen in functions.seen.items() if one.startswith("/admin/")]
    assert len(asked_for) > _REFUSED_MIN
    assert set().union(*asked_for) == {status}
