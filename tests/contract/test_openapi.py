"""The API's description, its code and its template say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from aws_lambda_powertools import Logger, Metrics

from admin_api import fee_tier_routes, limit_routes, report_routes, statement_routes
from admin_api import routes as admin_routes
from bursa.dialects.binance.openapi import CODES, binance_document
from bursa.dialects.native.admin_kyc_operations import ADMIN_KYC_OPERATIONS
from bursa.dialects.native.admin_kyc_operations import PATH as ADMIN_KYC_PATH
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS
from bursa.dialects.native.admin_operations import PATH as ADMIN_PATH
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.openapi import openapi_document
from bursa.dialects.native.operations import OPERATIONS
from bursa.dialects.operator.operations import OPERATIONS as OPERATORS_OPERATIONS
from bursa.dialects.operator.operations import operator_document
from bursa.identity.principal import Scope
from bursa.kernel.clock import SystemClock
from identity_api import notice_routes
from identity_api import routes as identity_routes
from kyc import case_routes
from kyc import routes as kyc_routes
from market_api import routes as market_routes
from operator_api import routes as operator_routes
from sub_accounts import routes as sub_account_routes
from trading_api import fee_routes, order_list_routes
from trading_api import routes as trading_routes

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
Route = tuple[str, str]
NOT_CALLED: Any = None  # listing routes calls nothing


def documented(*, public: bool | None = None) -> set[Route]:
    return {
        (operation.method.upper(), operation.path)
        for operation in OPERATIONS
        if public in (None, operation.public)
    }


OF_KYC = {route for route in documented() if route[1].startswith("/kyc")}
OF_SUB_ACCOUNTS = {
    route for route in documented() if route[1].startswith(("/sub-accounts", "/transfers"))
}
# Of providers, who sign.
HOOK = ("POST", "/kyc/callbacks/{tenant}/{provider}")
# Everything else that needs a token is the trading API's.
OF_THE_IDENTITY_API = {("GET", "/me"), ("POST", "/ws-ticket")} | {
    (operation.method.upper(), operation.path)
    for operation in OPERATIONS
    if operation.scope is Scope.ACCOUNT
} - OF_KYC - OF_SUB_ACCOUNTS
OF_THE_TRADING_API = documented(public=False) - OF_THE_IDENTITY_API - OF_KYC - OF_SUB_ACCOUNTS


def routes_of(api: RestApi) -> set[Route]:
    return {
        ("".join(route.method), re.sub(r"<(\w+)>", r"{\1}", route.path))
        for route in api._static_routes + api._dynamic_routes
    }


def test_signed_in_routes_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    trading_routes.add_routes(api, NOT_CALLED)
    fee_routes.add_fee_routes(api, NOT_CALLED)
    order_list_routes.add_order_list_routes(api, NOT_CALLED)
    assert routes_of(api) == OF_THE_TRADING_API


def test_routes_about_the_caller_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    identity_routes.add_routes(api, *[NOT_CALLED] * 5)
    notice_routes.add_notice_routes(api, NOT_CALLED)
    assert routes_of(api) == OF_THE_IDENTITY_API


def test_public_routes_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    market_routes.add_routes(api, NOT_CALLED, NOT_CALLED, NOT_CALLED)
    assert routes_of(api) == documented(public=True) - {HOOK}


def test_routes_about_who_users_are_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    kyc_routes.add_routes(api, NOT_CALLED)
    assert routes_of(api) == OF_KYC


def test_routes_about_sub_accounts_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    sub_account_routes.add_routes(api, NOT_CALLED)
    assert routes_of(api) == OF_SUB_ACCOUNTS


def test_routes_of_the_back_office_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    admin_routes.add_routes(api, NOT_CALLED, NOT_CALLED)
    statement_routes.add_statement_routes(api, NOT_CALLED)
    report_routes.add_report_routes(api, NOT_CALLED)
    limit_routes.add_limit_routes(api, NOT_CALLED)
    fee_tier_routes.add_fee_tier_routes(api, NOT_CALLED)
    assert routes_of(api) == {(one.method.upper(), one.path) for one in ADMIN_OPERATIONS}


def test_routes_of_compliance_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    case_routes.add_case_routes(api, NOT_CALLED)
    assert routes_of(api) == {(one.method.upper(), one.path) for one in ADMIN_KYC_OPERATIONS}


def test_routes_of_operators_are_what_is_documented() -> None:
    api = RestApi(Logger(), Metrics(), SystemClock())
    operator_routes.add_routes(api, NOT_CALLED)
    assert routes_of(api) == {(one.method.upper(), one.path) for one in OPERATORS_OPERATIONS}


def test_the_operators_document_is_what_the_code_generates() -> None:
    document = json.loads((ROOT / "docs" / "operator-openapi.json").read_text())
    assert operator_document("1") == document, "run scripts/openapi.py"
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == named


def test_the_binance_document_is_what_the_code_generates() -> None:
    document = json.loads((ROOT / "docs" / "binance-openapi.json").read_text())
    assert binance_document("1") == document, "run scripts/openapi.py"


def test_the_binance_document_has_every_error_that_the_dialect_writes() -> None:
    sources = (ROOT / "layers/core/bursa/dialects/binance").glob("*.py")
    written = {
        int(code)
        for source in sources
        if source.name != "openapi.py"
        for code in re.findall(r"\(\s*(-[12][0-9]{3})\b|return (-1[0-9]{3}),", source.read_text())
        for code in code
        if code
    }
    assert written == set(CODES)


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
    # What a browser asks before it sends is no operation of the API (test_cross_origin.py).
    routed = [one for one in template_routes() if one[1][0] != "OPTIONS"]

    expected = {
        (function, route, route in documented(public=True))
        for function, routes in (
            ("market_api", documented(public=True) - {HOOK}),
            ("kyc", OF_KYC | {("GET", ADMIN_KYC_PATH), ("POST", ADMIN_KYC_PATH)}),
            ("sub_accounts", OF_SUB_ACCOUNTS),
            ("trading_api", OF_THE_TRADING_API),
            ("identity_api", OF_THE_IDENTITY_API),
            # Behind one path, and by two methods only.
            ("admin_api", {("GET", ADMIN_PATH), ("POST", ADMIN_PATH)}),
        )
        for route in routes
    }
    assert set(routed) == expected


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
            assert operation["security"] in (
                [[]] if public else [[{"bearer": []}], [{"bearer": []}, {"api_key": []}]]
            )


def test_a_key_is_never_for_what_protects_the_account() -> None:
    for operation in OPERATIONS:
        described = DOCUMENT["paths"][f"/v1{operation.path}"][operation.method]
        takes_keys = {"api_key": []} in described["security"]
        assert takes_keys == (not operation.public and operation.scope is not Scope.ACCOUNT)
