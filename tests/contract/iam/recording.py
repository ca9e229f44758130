"""The calls that the end-to-end tests were seen to make: `calls.yaml`, one line a kind of call."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Self

import yaml

from tests.contract.iam.documents import LEADING_KEYS, Grant, grants, policies_of_resources
from tests.contract.rendering import ACCOUNT, FOR_TESTS, REGION, STACK, TENANT
from tests.contract.templates import ROOT, Json

RECORDING = Path(__file__).with_name("calls.yaml")
UNSEEN = Path(__file__).with_name("unseen.yaml")
_HEADER = """\
# What each role calls AWS for, and what a policy's conditions see of that: written by
# `make record-calls`, read by a person before it is committed.
"""
_EMULATORS_ACCOUNT = "000000000000"
_NAMED_BY_OUTPUTS = ("Table", "Bucket", "CredentialsKey", "UserPoolId", "WebSocketApiId")
# Of a resource in a nested stack that is no output.
_MADE_UP = re.compile(rf"\b{STACK}-\w+-[0-9a-f]{{8}}-[0-9a-f]{{3}}-(\w+)-[0-9A-F]{{13}}[-\w]*")
# A pool that a tenant's own stack made has a number, and the stack's tags, which nobody notes.
_TENANTS_POOL = re.compile(rf"(?<=:userpool/){REGION}_\w+$")
_OF_TENANTS_POOL = {"aws:ResourceTag/bursa-tenant": [f"{STACK}/t7"]}
# MiniStack asks about the alias that a tenant's key is named by.
_TENANTS_ALIAS = re.compile(rf":alias/{STACK}-t\*-data$")
_TENANTS_KEY = f":key/{STACK}-{TENANT}-DataKey"
_SEALED_FOR = "kms:EncryptionContext:tenant"
# A form for an upload names the tenant's key, in a field that MiniStack shows no policy.
_NAMED_IN_A_FORM = {
    "s3:x-amz-server-side-encryption-aws-kms-key-id": [
        f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/{STACK}-{TENANT}-documents"
    ]
}
# Which number a tenant has that a test opens is the tests' order.
_NUMBERED = re.compile(r"\b(archive/audit|kyc)/t[1-9][0-9]*(?=/)")
# How the ARN of a secret ends that a test has stored.
_SECRETS_END = re.compile(r"(:secret:.*/kyc/.*)-[0-9a-f]{6}$")
# Everybody may.
_NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """A kind of call; `context` has what conditions see, by condition key."""

    role: str
    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, role: str, action: str, resource: str, context: Mapping[str, list[str]]) -> Self:
        """Return the call with these values."""
        pairs = sorted((key, tuple(values)) for key, values in context.items())
        return cls(role, action, resource, tuple(pairs))

    def seen(self, key: str) -> tuple[str, ...]:
        """Return the values of a condition key."""
        return dict(self.context).get(key, ())


def recorded() -> set[Call]:
    """Return the recording."""
    return {
        read_row(role, action, row)
        for role, actions in yaml.safe_load(RECORDING.read_text()).items()
        for action, rows in actions.items()
        for row in rows
    }


def unseen() -> dict[Call, Path]:
    """Return the calls that no end-to-end test makes, with the source that makes them."""
    content = yaml.safe_load(UNSEEN.read_text())["calls"]
    return {
        read_row(role, action, {key: row[key] for key in row if key != "where"}): ROOT
        / row["where"]
        for role, actions in content.items()
        for action, rows in actions.items()
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class ServiceCalls:
    """What a service of AWS does in the name of a role; of all roles if none is named."""

    by: str
    role: str = ""
    actions: tuple[str, ...] = ()
    resource: str = "*"

    def covers(self, grant: Grant) -> bool:
        """Return whether a grant is for this."""
        return (
            self.role in {"", grant.role}
            and (not self.actions or grant.action in self.actions)
            and fnmatchcase(grant.resource.split(":", 5)[-1], self.resource)
        )


def by_services() -> list[ServiceCalls]:
    """Return what services do in the roles' names."""
    rows = yaml.safe_load(UNSEEN.read_text())["services"]
    return [ServiceCalls(**row | {"actions": tuple(row.get("actions", ()))}) for row in rows]


def read_row(role: str, action: str, row: Json) -> Call:
    """Return the call that a line states, in which ARN and condition keys are short."""
    service = action.partition(":")[0]
    context = {
        key if key.startswith("aws:") else f"{service}:{key}": values
        for key, values in row.items()
        if key != "resource"
    }
    # What has no resource is called on any.
    resource = row["resource"] if row["resource"] == "*" else _prefix(action) + row["resource"]
    return Call.of(role, action, resource, context)


def written(calls: Iterable[Call]) -> str:
    """Return the recording's text for these calls."""
    lines = [_HEADER]
    for role, of_role in groupby(sorted(calls), key=lambda call: call.role):
        lines.append(f"{role}:")
        for action, rows in groupby(of_role, key=lambda call: call.action):
            lines += [f"  {action}:", *(f"  - {_line(call)}" for call in rows)]
        lines.append("")
    return "\n".join(lines)


def _line(call: Call) -> str:
    service = call.action.partition(":")[0]
    row: Json = {"resource": call.resource.removeprefix(_prefix(call.action))}
    row |= {key.removeprefix(f"{service}:"): list(values) for key, values in call.context}
    return yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=10_000).strip()


def heard(path: Path, outputs: Mapping[str, str]) -> set[Call]:
    """Return the calls that an exchange has noted, with the names that the templates give."""
    names = {
        value: f"{STACK}-{name.removesuffix('Id')}"
        for name, value in outputs.items()
        if name.endswith(_NAMED_BY_OUTPUTS)
    }
    found = set()
    for line in path.read_text().splitlines():
        row = json.loads(line)
        action = row["action"]
        if action.startswith("sqs:"):
            # A batch has no action of its own.
            action = action.removesuffix("Batch")
        if action not in _NEEDS_NO_PERMISSION:
            resource = _renamed(row["resource"], names)
            seen = row["context"]
            if _TENANTS_ALIAS.search(resource):
                resource, seen = _TENANTS_ALIAS.sub(_TENANTS_KEY, resource), seen | _OF_TENANTS_POOL
                seen |= {_SEALED_FOR: [TENANT]} if _SEALED_FOR in seen else {}
            if action == "ses:SendEmail":
                # A laptop's sender is named by its address alone.
                resource = FOR_TESTS["SenderArn"]
            if action == "s3:PutObject" and "/documents/" in resource:
                seen |= _NAMED_IN_A_FORM
            if _TENANTS_POOL.search(resource):
                resource, seen = _TENANTS_POOL.sub("a-tenants", resource), seen | _OF_TENANTS_POOL
            keys = _keys_of_conditions(row["caller"], action, resource)
            resource = _NUMBERED.sub(rf"\1/{TENANT}", _SECRETS_END.sub(r"\1", resource))
            context = {
                key: [_NUMBERED.sub(rf"\1/{TENANT}", value) for value in values]
                for key, values in seen.items()
                if key in keys
            }
            found.add(Call.of(row["caller"], action, resource, context))
    return found


def _renamed(arn: str, names: Mapping[str, str]) -> str:
    if arn in names:
        # An output that is an ARN.
        return f"{arn.rpartition('/')[0]}/{names[arn]}".replace(_EMULATORS_ACCOUNT, ACCOUNT)
    for physical, name in names.items():
        arn = re.sub(rf"(?<=[:/]){re.escape(physical)}(?=/|$)", name, arn)
    return _MADE_UP.sub(rf"{STACK}-\1", arn).replace(_EMULATORS_ACCOUNT, ACCOUNT)


def _keys_of_conditions(role: str, action: str, resource: str) -> set[str]:
    """Return the condition keys that any policy about such a call names."""
    conditions = [
        grant.condition
        for grant in grants()
        if grant.role == role and grant.covers(action, resource)
    ]
    for arn, document in policies_of_resources().items():
        if resource == arn or resource.startswith(f"{arn}/"):
            conditions += [one.get("Condition", {}) for one in document["Statement"]]
    return {LEADING_KEYS} | {key for one in conditions for held in one.values() for key in held}


def _prefix(action: str) -> str:
    service = action.partition(":")[0]
    region = "" if service in {"iam", "s3"} else REGION
    return f"arn:aws:{service}:{region}:{'' if service == 's3' else ACCOUNT}:"
