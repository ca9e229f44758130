"""Gives the emulated gateway its error answers.

SAM writes the template's ``GatewayResponses`` into the API's definition; MiniStack drops them there
but takes them by its API. They are read from the template, so there is one text for both.
"""

from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from scripts.local.environment import LocalEnvironment


def put_responses(local: LocalEnvironment, rest_api_id: str) -> None:
    """Put every gateway response of the template, and deploy the stage anew."""
    template = yaml_parse((local.root / "template.yaml").read_text())
    api: dict[str, Any] = template["Resources"]["RestApi"]["Properties"]
    client = local.client("apigateway")
    for kind, response in api["GatewayResponses"].items():
        status = response.get("StatusCode")
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        client.put_gateway_response(
            restApiId=rest_api_id,
            responseType=kind,
            responseParameters={
                f"gatewayresponse.header.{name}": value for name, value in headers.items()
            },
            responseTemplates=response["ResponseTemplates"],
            **({} if status is None else {"statusCode": str(status)}),
        )
    client.create_deployment(restApiId=rest_api_id, stageName=api["StageName"])
