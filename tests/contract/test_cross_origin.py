"""What browsers are told before they send, against the API's description and the template."""

from bursa.dialects.native.admin_kyc_operations import PATH as ADMIN_KYC_PATH
from bursa.dialects.native.admin_operations import PATH as ADMIN_PATH
from bursa.dialects.native.cross_origin import METHODS, REQUEST_HEADERS, RESPONSE_HEADERS
from bursa.dialects.native.openapi import openapi_document
from bursa.dialects.native.operations import OPERATIONS
from bursa.identity.signatures import HEADERS as SIGNATURE_HEADERS
from tests.contract.templates import APPLICATION, NESTED, TEMPLATES, Json, resources

# Sent by any client, whatever the route; the others are in the description.
OF_EVERY_ROUTE = {"authorization", "content-type", "if-none-match", "x-account", "x-tenant"}
# They take no header of a page's own, so no browser asks before it sends.
WITHOUT_HEADERS = {"/health", "/openapi.json"}
# AWS's own quota of the document that says who may call a function, in bytes.
POLICY_BYTES_MAX = 20_480


def events() -> dict[str, dict[str, Json]]:
    """Return the REST events of each function."""
    return {
        name: {
            event: content["Properties"]
            for event, content in body["Properties"].get("Events", {}).items()
            if content["Type"] == "Api"
        }
        for name, body in resources(APPLICATION, "AWS::Serverless::Function").items()
    }


def test_every_path_of_the_api_answers_a_preflight_to_anybody() -> None:
    asked = {
        event["Path"]: event
        for function in ("MarketApi", "SubAccounts", "IdentityApi")
        for event in events()[function].values()
        if event["Method"] == "OPTIONS"
    }
    # They fit in no single function's document (below).
    assert {
        event["Path"] for event in events()["SubAccounts"].values() if event["Method"] == "OPTIONS"
    } == {path for path in asked if path.split("/")[1] in {"sub-accounts", "transfers"}}
    of_identity = {
        event["Path"] for event in events()["IdentityApi"].values() if event["Method"] == "OPTIONS"
    }
    assert of_identity == {path for path in asked if path.split("/")[1] in {"me", "notices"}}
    # No page sends what a provider has signed.
    paths = {one.path for one in OPERATIONS if not one.path.startswith("/kyc/callbacks/")}
    assert set(asked) == paths - WITHOUT_HEADERS | {ADMIN_PATH, ADMIN_KYC_PATH}
    assert {event["Auth"]["Authorizer"] for event in asked.values()} == {"NONE"}


def test_a_preflight_allows_what_the_api_takes() -> None:
    described = {
        parameter.name.lower()
        for operation in OPERATIONS
        for parameter in operation.parameters
        if parameter.location == "header"
    }
    assert set(REQUEST_HEADERS) == OF_EVERY_ROUTE | described | set(SIGNATURE_HEADERS)
    assert set(METHODS) == {operation.method.upper() for operation in OPERATIONS}


def test_a_page_may_read_every_header_that_is_described() -> None:
    described = {
        header
        for operations in openapi_document("1")["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
        for header in response.get("headers", {})
    }
    assert described
    assert described <= set(RESPONSE_HEADERS)


def test_nothing_ever_allows_credentials() -> None:
    """A response to everybody is safe only while no browser adds cookies to what it answers."""
    for path in (*TEMPLATES, *NESTED):
        assert "Allow-Credentials" not in path.read_text()
        assert "AllowCredentials" not in path.read_text()


def test_who_may_call_a_function_fits_its_document() -> None:
    """SAM writes a statement for each event; this is one with the longest names."""
    statement = (
        '{"Sid":"%s","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},'
        '"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:ap-southeast-3:111122223333:'
        'function:%s","Condition":{"ArnLike":{"AWS:SourceArn":'
        '"arn:aws:execute-api:ap-southeast-3:111122223333:abcdefghij/*/%s%s"}}},'
    )
    for function, own in events().items():
        size = sum(
            len(statement % (f"{'s' * 64}", "f" * 64, event["Method"], event["Path"]))
            for event in own.values()
        )
        assert size < POLICY_BYTES_MAX, f"{function}: let another function have some of these"
