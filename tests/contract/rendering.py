"""The templates as CloudFormation would deploy them: intrinsic functions resolved, stacks nested.

A resource's name is the stack's name and its logical id (``bursa-OrdersTable``), whichever nested
stack it is in; nothing else is made up but the account. It resolves what policies are made of and
raises `KeyError` for other attributes of resources.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from scripts.templates import BLUEPRINTS
from tests.contract.templates import APPLICATION, Json, template

STACK, TENANT = "bursa", "t7"
ACCOUNT = "111122223333"
REGION = "us-east-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS = {
    "AWS::Cognito::UserPool": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{{}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}
_NAMED_BY_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SecretsManager::Secret"}
_NAMES = ("LogGroupName", "QueueName")
_ABSENT = object()
# A fleet, and a principal beside the roles, so that their policies are there to be tested.
FOR_TESTS: dict[str, Any] = {
    "WorkerFleet": "true",
    "WorkerSubnetIds": "subnet-1,subnet-2",
    "WorkerArtifactBucket": f"{STACK}-artifacts",
    "KeyUsers": [f"arn:aws:iam::{ACCOUNT}:role/analyst"],
    "SenderArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/brand.example",
    "SenderAddress": "no-reply@brand.example",
    "ClamdHost": "clamd.internal",
    "ClamdVpcId": "vpc-1",
    "ClamdSubnetIds": "subnet-1,subnet-2",
    "ClamdSecurityGroup": "sg-1",
}


class Stack:
    """One stack; it resolves what is asked for, when it is asked for.

    Parameters
    ----------
    path
        Its template.
    given
        Its parameters, to be resolved by `parent`, the stack that it is nested in.

    """

    def __init__(self, path: Path, given: Json, parent: "Stack | None" = None) -> None:
        self._content = template(path)
        self._given = given
        self._parent = parent
        self.nested = {
            name: Stack(
                path.parent / body["Properties"]["TemplateURL"],
                body["Properties"].get("Parameters", {}),
                self,
            )
            for name, body in self._content["Resources"].items()
            if body["Type"] == "AWS::CloudFormation::Stack"
        }

    def resources(self, kind: str) -> dict[str, Json]:
        """Return the properties of a type's resources, of nested stacks too, by logical id."""
        found = {
            name: self.resolve(body.get("Properties", {}))
            for name, body in self._content["Resources"].items()
            if body["Type"] == kind and self.holds(body)
        }
        for name, stack in self.nested.items():
            if self.holds(self._content["Resources"][name]):
                found |= stack.resources(kind)
        return found

    def kinds(self) -> dict[str, str]:
        """Return the types of its own resources, by logical id."""
        return {
            name: str(body["Type"])
            for name, body in self._content["Resources"].items()
            if self.holds(body)
        }

    def output(self, name: str) -> Any:
        """Return the value of an output."""
        return self.resolve(self._content["Outputs"][name]["Value"])

    def resolve(self, value: Any) -> Any:
        """Return a value with its intrinsic functions resolved."""
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not _ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            function = getattr(self, f"_{name.removeprefix('Fn::').lower()}", None)
            if function is not None and (name.startswith("Fn::") or name in {"Ref", "Condition"}):
                return function(argument)
        pairs = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in pairs.items() if one is not _ABSENT}

    def holds(self, body: Json) -> bool:
        """Return whether a resource's condition is met."""
        return "Condition" not in body or self._condition(body["Condition"])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._given:
            return (
                self._given[name]
                if self._parent is None
                else self._parent.resolve(self._given[name])
            )
        if name in self._content.get("Parameters", {}):
            return self._content["Parameters"][name]["Default"]
        body = self._content["Resources"][name]
        return self._arn(name, body) if body["Type"] in _NAMED_BY_ARN else self._name(name, body)

    def _name(self, name: str, body: Json) -> str:
        properties = body.get("Properties", {})
        names = ("Name",) if body["Type"] == "AWS::Events::EventBus" else _NAMES
        given = [properties[one] for one in names if one in properties]
        return str(self.resolve(given[0])) if given else f"{STACK}-{name}"

    def _arn(self, name: str, body: Json) -> str:
        return _ARNS[body["Type"]].format(self._name(name, body))

    def _getatt(self, path: list[str]) -> Any:
        name, attribute = path
        if attribute.startswith("Outputs."):
            return self.nested[name].output(attribute.removeprefix("Outputs."))
        body = self._content["Resources"][name]
        if attribute == "StreamArn":
            return f"{self._arn(name, body)}/stream/1"
        if attribute in {"Arn", "Id"}:
            return self._arn(name, body)
        if attribute == "GroupId":
            return self._name(name, body)
        raise KeyError(f"{name}.{attribute}")

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in given:
                return str(self.resolve(given[name]))
            path = name.split(".", 1)
            return str(self._getatt(path) if len(path) > 1 else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _if(self, argument: list[Any]) -> Any:
        condition, yes, no = argument
        return self.resolve(yes if self._condition(condition) else no)

    def _condition(self, name: str) -> bool:
        return bool(self.resolve(self._content["Conditions"][name]))

    def _equals(self, argument: list[Any]) -> bool:
        one, other = self.resolve(argument)
        return bool(str(one) == str(other))

    def _not(self, argument: list[Any]) -> bool:
        return not self.resolve(argument)[0]

    def _or(self, argument: list[Any]) -> bool:
        return any(self.resolve(argument))

    def _and(self, argument: list[Any]) -> bool:
        return all(self.resolve(argument))

    def _join(self, argument: list[Any]) -> str:
        separator, parts = self.resolve(argument)
        return str(separator.join(parts))

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = self.resolve(argument)
        return list(text.split(separator))

    def _select(self, argument: list[Any]) -> Any:
        index, values = self.resolve(argument)
        return values[index]


class _NoManagedPolicies:
    """SAM asks for the ARNs of policies by name; none is used here."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def translated() -> Json:
    """Return the application as CloudFormation gets it, with code that has been uploaded."""
    source = json.loads(json.dumps(template(APPLICATION)))
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/functions"
    for body in source["Resources"].values():
        if body["Type"] == "AWS::Serverless::LayerVersion":
            body["Properties"]["ContentUri"] = "s3://bucket/layer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        made: Json = transform(source, {}, _NoManagedPolicies())
    return made


@cache
def tenant_keys() -> Stack:
    """Return a tenant's own keys, which are a stack that nothing nests."""
    return Stack(BLUEPRINTS / "tenant-keys.yaml", {"NamePrefix": STACK, "Tenant": TENANT})


@cache
def deployment() -> Stack:
    """Return the whole application, with the parameters of `FOR_TESTS`."""
    return Stack(APPLICATION, FOR_TESTS)
