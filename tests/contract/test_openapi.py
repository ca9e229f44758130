"""The API's description, its code and its template say the same."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bursa.dialects.native.openapi import OPERATIONS, openapi_document
from tests.doubles.exchange import environment

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
Route = tuple[str, str]


def documented(*, public: bool | None = None) -> set[Route]:
    return {
        (operation.method.upper(), operation.path)
        for operation in OPERATIONS
        if public in (None, operation.public)
    }


def routes_of(function: str) -> set[Route]:
    """Ask a function for its routes in a process of its own, as it needs an environment."""
    code = (
        f"from {function}.app import app\n"
        "for route in app._static_routes + app._dynamic_routes:\n"
        "    print(route.method if isinstance(route.method, str) else route.method[0], route.path)"
    )
    paths = [str(ROOT / part) for part in ("", "layers/core", "functions")]
    answer = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        env=environment() | {"PYTHONPATH": ":".join(paths)},
        capture_output=True,
        check=True,
        text=True,
    )
    lines = (line.split(" ") for line in answer.stdout.splitlines())
    return {(method, re.sub(r"<(\w+)>", r"{\1}", path)) for method, path in lines}


@pytest.mark.parametrize(("function", "public"), [("trading_api", False), ("market_api", True)])
def test_code_serves_what_is_documented(function: str, public: bool) -> None:
    assert routes_of(function) == documented(public=public)


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub …) as plain values."""


def _short_form(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node)


_Template.add_multi_constructor("!", _short_form)


def template_routes() -> Iterator[tuple[str, Route, bool]]:
    """List function, route and whether it is public, for every REST event of the template."""
    text = (ROOT / "template.yaml").read_text()
    template = yaml.load(text, _Template)  # noqa: S506 - derived from SafeLoader
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        for event in properties.get("Events", {}).values():
            if event["Type"] == "Api":
                api: dict[str, Any] = event["Properties"]
                public = api.get("Auth", {}).get("Authorizer") == "NONE"
                route = (str(api["Method"]).upper(), str(api["Path"]))
                yield properties["Handler"].split(".")[0], route, public


def test_template_routes_what_is_documented() -> None:
    if not (ROOT / "template.yaml").exists():
        pytest.skip("there is no template yet")
    routed = list(template_routes())

    for public, function in ((True, "market_api"), (False, "trading_api")):
        found = {(name, route) for name, route, is_public in routed if is_public is public}
        assert found == {(function, route) for route in documented(public=public)}


def test_committed_document_is_what_the_code_generates() -> None:
    assert openapi_document("1") == DOCUMENT, "run scripts/openapi.py"


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    named = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}

    assert set(references(DOCUMENT)) == named


def test_only_public_operations_need_no_token() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            public = (method.upper(), path.removeprefix("/v1")) in documented(public=True)
            assert operation["security"] == ([] if public else [{"bearer": []}])
