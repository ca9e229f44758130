"""The errors that the REST API's gateway returns by itself, and how a change reaches the stage."""

import hashlib
import json

from bursa.dialects.native.problems import TYPE_PREFIX
from tests.contract.templates import APPLICATION, ROOT, Json, resources

STACK = ROOT / "infra" / "gateway-responses.yaml"
RESPONSES = resources(STACK, "AWS::ApiGateway::GatewayResponse")
STATUSES = {
    "UNAUTHORIZED": "401",
    "ACCESS_DENIED": "403",
    "MISSING_AUTHENTICATION_TOKEN": "404",
    "REQUEST_TOO_LARGE": "413",
    "THROTTLED": "429",
    "AUTHORIZER_FAILURE": "503",
    "WAF_FILTERED": "403",
    "DEFAULT_4XX": "400",
    # A fault keeps the gateway's own status: 500, 502, 503 or 504.
    "DEFAULT_5XX": None,
}


def test_gateway_errors_are_problems_of_the_api() -> None:
    for name, response in RESPONSES.items():
        properties = response["Properties"]
        headers = {
            parameter.removeprefix("gatewayresponse.header."): value
            for parameter, value in properties["ResponseParameters"].items()
        }
        if name in {"Throttled", "SignInFault"}:
            assert headers.pop("Retry-After") == "'1'"
        assert headers == {
            "Content-Type": "'application/problem+json'",
            "Cache-Control": "'no-store'",
            "Strict-Transport-Security": "'max-age=31536000'",
            "X-Content-Type-Options": "'nosniff'",
            # Fixed texts, and never credentials: any page may read that it was refused.
            "Access-Control-Allow-Origin": "'*'",
            "Access-Control-Expose-Headers": "'Retry-After, x-amzn-RequestId'",
        }
        body = json.loads(properties["ResponseTemplates"]["application/json"])
        assert set(body) == {"type", "title", "status", "code", "detail", "request_id"}, name
        assert body["type"] == f"{TYPE_PREFIX}{body['code']}"
        assert str(body["status"]) == properties.get("StatusCode", "503")


def test_every_error_of_the_gateway_has_its_status() -> None:
    assert {
        body["Properties"]["ResponseType"]: body["Properties"].get("StatusCode")
        for body in RESPONSES.values()
    } == STATUSES


def test_a_changed_gateway_response_is_another_deployment() -> None:
    """A stage returns what its deployment has captured, so a change needs a new one."""
    content = json.dumps(RESPONSES, sort_keys=True).encode()
    name = f"Deployment{hashlib.sha256(content).hexdigest()[:8]}"
    assert list(resources(STACK, "AWS::ApiGateway::Deployment")) == [name]


def test_the_stage_is_deployed_after_all_gateway_responses() -> None:
    (deployment,) = resources(STACK, "AWS::ApiGateway::Deployment").values()
    assert set(deployment["DependsOn"]) == set(RESPONSES)
    assert deployment["Properties"]["StageName"] == {"Ref": "Stage"}
    assert parameters() == {"RestApiId": {"Ref": "RestApi"}, "Stage": {"Ref": "RestApi.Stage"}}


def test_a_deployment_that_a_stage_uses_is_not_deleted() -> None:
    (deployment,) = resources(STACK, "AWS::ApiGateway::Deployment").values()
    assert (deployment["DeletionPolicy"], deployment["UpdateReplacePolicy"]) == ("Retain", "Retain")


def parameters() -> Json:
    found: Json = resources(APPLICATION)["GatewayResponses"]["Properties"]["Parameters"]
    return found
