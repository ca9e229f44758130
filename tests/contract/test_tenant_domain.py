"""A tenant's own domain names: the same APIs, stages and paths as the deployment's own."""

import re

from tests.contract.templates import APPLICATION, BY_COMMAND, ROOT, resources, template

DOMAIN = ROOT / "infra" / "tenant-domain.yaml"
EDGE = ROOT / "infra" / "edge.yaml"
PAGE = (ROOT / "docs" / "deploy.md").read_text()


def test_it_is_a_stack_for_each_tenant_and_none_of_the_application() -> None:
    assert DOMAIN in BY_COMMAND


def test_its_names_have_the_same_door_as_the_deployments_own() -> None:
    for kind in ("AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"):
        (own,) = resources(EDGE, kind).values()
        (of_a_tenant,) = resources(DOMAIN, kind).values()
        first, second = own["Properties"], of_a_tenant["Properties"]
        assert second | {"DomainName": ""} == first | {"DomainName": ""}
        assert "TLS_1_2" in str(second)


def test_they_are_mapped_under_the_version_that_is_stage_and_prefix() -> None:
    (rest,) = resources(DOMAIN, "AWS::ApiGateway::BasePathMapping").values()
    socket = resources(DOMAIN)["WebSocketMapping"]
    stages = {
        resources(APPLICATION)["RestApi"]["Properties"]["StageName"],
        resources(ROOT / "infra" / "websocket-routes.yaml")["Stage"]["Properties"]["StageName"],
    }
    assert stages == {"v1"}
    assert {rest["Properties"]["Stage"], socket["Properties"]["Stage"]} == stages
    assert {rest["Properties"]["BasePath"], socket["Properties"]["ApiMappingKey"]} == stages


def test_the_binance_dialect_is_under_rests_name_whatever_has_no_version() -> None:
    stage = resources(ROOT / "infra" / "binance.yaml")["Stage"]["Properties"]["StageName"]
    for template_of_names in (DOMAIN, EDGE):
        mapping = resources(template_of_names)["BinanceMapping"]
        assert mapping["Properties"]["DomainName"] == {"Ref": "RestDomain"}
        assert "ApiMappingKey" not in mapping["Properties"]
    assert resources(DOMAIN)["BinanceMapping"]["Properties"]["Stage"] == stage == "$default"


def test_what_it_asks_for_is_an_output_of_the_application_or_in_the_command() -> None:
    asked = set(template(DOMAIN)["Parameters"])
    outputs = set(template(APPLICATION)["Outputs"])
    assert {"RestApiId", "WebSocketApiId"} <= asked & outputs
    command = re.search(r"aws cloudformation deploy .*?\n```", PAGE, re.DOTALL)
    assert command is not None
    assert set(re.findall(r"(\w+)=", command[0])) == asked
    assert "infra/tenant-domain.yaml" in command[0]
