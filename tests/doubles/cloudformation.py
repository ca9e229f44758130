"""A stubbed CloudFormation, and everything else that a deployment asks, for its tests."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.stub import Stubber

from scripts.deploy.account import Account, Change
from scripts.deploy.deployment import Deployment
from scripts.deploy.options import Options
from scripts.deploy.quotas import Quotas

REGION = "eu-central-1"
CHANGE_SET = f"arn:aws:cloudformation:{REGION}:111122223333:changeSet/deploy/1"
ARTIFACTS = {"ArtifactBucket": "artifacts-1"}
NOTHING = "The submitted information didn't contain changes."


@dataclass
class Packages:
    """Counts what is built and published, and may fail."""

    done: list[str] = field(default_factory=list)

    def build(self, parameters: Mapping[str, str]) -> None:
        self.done.append("build")

    def publish(self, bucket: str, profile: str) -> str:
        self.done.append(f"publish to {bucket}{profile and ', signed by '}{profile}")
        return "https://bucket/template.yaml"

    def publish_worker(self, bucket: str) -> str:
        self.done.append(f"worker to {bucket}")
        return f"worker/{'a' * 64}.tar.gz"


class Zones:
    """A network with subnets a1, a2 in one zone and b1 in another."""

    def zones(self, subnets: list[str]) -> dict[str, str]:
        return {name: f"zone-{name[0]}" for name in subnets}


@dataclass
class Images:
    """Amazon Linux, whose newest image is another one from time to time."""

    newest_id: str = "ami-00000000000000002"

    def newest(self) -> str:
        return self.newest_id


class Plenty:
    """An account whose quotas are never in the way."""

    def value(self, service: str, code: str) -> float | None:
        del service, code
        return 1e6


class NewAccount:
    """An account of today, whose Lambda runs ten executions at once."""

    def value(self, service: str, code: str) -> float | None:
        del code
        return 10 if service == "lambda" else 1e6


class Stack:
    """A stubbed CloudFormation: answers in the order in which they were prepared."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - opens nothing
        )
        self.stubber = Stubber(self.client)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.client.meta.events.register("before-parameter-build.*.*", self._remember)

    def _remember(self, params: dict[str, Any], model: Any, **_more: object) -> None:
        self.asked.append((model.name, dict(params)))

    def calls(self, name: str) -> list[dict[str, Any]]:
        return [params for called, params in self.asked if called == name]

    def answers(self, operation: str, answer: Mapping[str, Any]) -> None:
        self.stubber.add_response(operation, dict(answer))

    def absent(self) -> None:
        self.stubber.add_client_error(
            "describe_stacks", "ValidationError", "Stack with id x does not exist"
        )

    def present(
        self,
        parameters: Mapping[str, str],
        outputs: Mapping[str, str] = ARTIFACTS,
        status: str = "UPDATE_COMPLETE",
    ) -> None:
        self.answers(
            "describe_stacks",
            {
                "Stacks": [
                    {
                        "StackName": "bursa",
                        "CreationTime": "2026-11-02T09:00:00Z",
                        "StackStatus": status,
                        "Parameters": [
                            {"ParameterKey": key, "ParameterValue": value}
                            for key, value in parameters.items()
                        ],
                        "Outputs": [
                            {"OutputKey": key, "OutputValue": value}
                            for key, value in outputs.items()
                        ],
                    }
                ]
            },
        )

    def proposes(self, *changes: dict[str, Any]) -> None:
        self.answers("create_change_set", {"Id": CHANGE_SET, "StackId": "stack"})
        for _look in ("waits for it", "reads it"):
            self.answers(
                "describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": list(changes)}
            )

    def proposes_nothing(self, reason: str = NOTHING) -> None:
        self.answers("create_change_set", {"Id": CHANGE_SET, "StackId": "stack"})
        self.answers("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
        self.answers("delete_change_set", {})


def change(
    name: str, kind: str, action: str = "Modify", replacement: str = "False"
) -> dict[str, Any]:
    body = {"LogicalResourceId": name, "ResourceType": kind, "Action": action}
    if action == "Modify":
        body["Replacement"] = replacement
    return {"Type": "Resource", "ResourceChange": body}


CODE = change("TradingApi", "AWS::Lambda::Function")


def deploy(
    stack: Stack,
    options: Options,
    packages: Packages | None = None,
    quotas: Quotas | None = None,
    say: Callable[[str], None] = lambda _sentence: None,
) -> list[Change]:
    """Run a deployment, and return the changes that it has shown of the stack itself."""
    shown: list[Change] = []
    names = iter("123456789")

    def show(title: str, changes: tuple[Change, ...], found: list[Change]) -> None:
        del title, found
        shown[:] = changes

    Deployment(
        account=Account(stack.client, sleep=lambda _seconds: None),
        packages=packages or Packages(),
        network=Zones(),
        images=Images(),
        quotas=quotas or Plenty(),
        show=show,
        step=lambda _title: contextlib.nullcontext(),
        say=say,
        name=lambda: f"deploy-{next(names)}",
    ).run(options)
    stack.stubber.assert_no_pending_responses()
    return shown


def asked_for(call: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a change set's parameters; None for those that keep their value."""
    return {row["ParameterKey"]: row.get("ParameterValue") for row in call["Parameters"]}
