"""The APIs do what their descriptions say, whatever is asked: schemathesis reads and asks.

No response is a 5xx, each has a status, a content type, headers and a shape that the description
has. The seed is fixed, so a failure comes again; ``make test-long`` asks more.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients.conftest import environment
from tests.doubles.rest_server import rest_server
from tests.unit.conftest import opened

DOCS = Path(__file__).parents[2] / "docs"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Phases, and examples of each operation. Coverage asks each boundary of each parameter.
AMOUNTS = (
    pytest.param(("fuzzing", 5), id="some"),
    pytest.param(("coverage,fuzzing", 60), id="more", marks=pytest.mark.long),
)
# Public, of trading, and of sub-accounts. The others need a pool of users or a person.
ROUTES = (
    "^/v1/(health|tenant|markets|openapi.json|orders|order-lists|fills|balances|fees|sub-accounts"
    "|transfers)"
)
# The gateway answers unexpected methods itself; an example is asked as it stands.
SETTINGS = """
[phases.coverage]
unexpected-methods = []

[phases.examples.extra-data-sources]
responses = false
"""
_RUN_S, _SENT_S = 900, 30


def readable(document: Any) -> Any:
    """Return a document with pairs as lists of two; schemathesis 4.32 can't read prefixItems."""
    if isinstance(document, list):
        return [readable(one) for one in document]
    if not isinstance(document, dict):
        return document
    return {
        "items" if name == "prefixItems" else name: readable(
            value[0] if name == "prefixItems" else value
        )
        for name, value in document.items()
    }


def ask(folder: Path, document: Path, url: str, amount: tuple[str, int], *options: str) -> str:
    """Let schemathesis ask; return what it reports, empty where all is well.

    It keeps what has failed in the folder where it runs, and begins with that the next time.
    """
    (folder / "schemathesis.toml").write_text(SETTINGS)
    command = [
        *(str(environment("schemathesis")), "-m", "schemathesis.cli", "run", str(document)),
        *("--url", url, "--checks", ",".join(CHECKS), "--phases", amount[0]),
        *("--max-examples", str(amount[1]), "--seed", "1", "--generation-deterministic"),
        *("--continue-on-failure", "--no-shrink", "--suppress-health-check", "all"),
        *("--warnings", "off", "--no-color", *options),
    ]
    done = subprocess.run(  # noqa: S603 - schemathesis, as it is
        command, cwd=folder, capture_output=True, text=True, timeout=_RUN_S, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.timeout(_RUN_S)
@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_rest_api_does_what_its_description_says(
    tmp_path: Path, amount: tuple[str, int]
) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(readable(json.loads((DOCS / document.name).read_text()))))
    with opened() as exchange, rest_server(exchange) as url:
        assert requests.get(f"{url}/v1/balances", timeout=_SENT_S).ok, "nobody is signed in"
        report = ask(tmp_path, document, url, amount, "--include-path-regex", ROUTES)

    assert not report, report


@pytest.mark.timeout(_RUN_S)
@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_binance_dialect_does_what_its_description_says(
    signing_url: str, tmp_path: Path, amount: tuple[str, int]
) -> None:
    account = f"{signing_url}/api/v3/account?timestamp=1"
    assert requests.get(account, timeout=_SENT_S).ok, "nobody signs"
    report = ask(tmp_path, DOCS / "binance-openapi.json", signing_url, amount)

    assert not report, report
