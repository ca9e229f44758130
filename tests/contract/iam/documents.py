"""What the templates' policies say: of roles, and of what keeps a policy of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from tests.contract.rendering import ACCOUNT, REGION, STACK, TENANT, deployment, tenant_keys
from tests.contract.templates import Json, listed

LEADING_KEYS = "dynamodb:LeadingKeys"
ATTRIBUTES = "dynamodb:Attributes"


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource, or one pattern of each, that a role may call."""

    role: str
    action: str
    resource: str
    condition: Json

    def covers(self, action: str, resource: str) -> bool:
        """Return whether it is about a call, whatever its conditions are."""
        return self.action == action and fnmatchcase(resource, self.resource)

    def held_to(self, key: str) -> list[str]:
        """Return the values that a condition key is held to; empty when it is not."""
        conditions = self.condition.values()
        return [value for held in conditions if key in held for value in listed(held[key])]


@cache
def policies_of_roles() -> dict[str, list[Json]]:
    """Return the documents of each role that has any of our own, by its id without "Role"."""
    stack = deployment()
    found: dict[str, list[Json]] = {}
    managed = {
        f"arn:aws:iam::{ACCOUNT}:policy/{STACK}-{name}": policy["PolicyDocument"]
        for name, policy in stack.resources("AWS::IAM::ManagedPolicy").items()
    }
    for name, role in stack.resources("AWS::IAM::Role").items():
        documents = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
        documents += [managed[arn] for arn in role.get("ManagedPolicyArns", []) if arn in managed]
        if documents:
            found[name.removesuffix("Role")] = documents
    for policy in stack.resources("AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            name = role.removeprefix(f"{STACK}-").removesuffix("Role")
            found.setdefault(name, []).append(policy["PolicyDocument"])
    return found


@cache
def policies_of_resources() -> dict[str, Json]:
    """Return the documents of keys, buckets and queues by ARN."""
    stack = deployment()
    keys = {
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{owner}-{name}": key["KeyPolicy"]
        for owner, keys_of in ((STACK, stack), (f"{STACK}-{TENANT}", tenant_keys()))
        for name, key in keys_of.resources("AWS::KMS::Key").items()
    }
    buckets = {
        f"arn:aws:s3:::{policy['Bucket']}": policy["PolicyDocument"]
        for policy in stack.resources("AWS::S3::BucketPolicy").values()
    }
    queues = {
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}": policy["PolicyDocument"]
        for policy in stack.resources("AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
    }
    return keys | buckets | queues


@cache
def grants() -> tuple[Grant, ...]:
    """Return all grants: of the roles' own policies, and of keys to roles that they name."""
    return (*_of_roles(), *_of_keys())


def _of_roles() -> Iterator[Grant]:
    for role, documents in policies_of_roles().items():
        for document in documents:
            for statement in document["Statement"]:
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        yield Grant(role, action, resource, statement.get("Condition", {}))


def _of_keys() -> Iterator[Grant]:
    prefix = f"arn:aws:iam::{ACCOUNT}:role/{STACK}-"
    for arn, document in policies_of_resources().items():
        for statement in document["Statement"]:
            named = statement["Principal"].get("AWS", "")
            if statement["Effect"] == "Allow" and named.startswith(prefix):
                role = named.removeprefix(prefix).removesuffix("Role")
                for action in listed(statement["Action"]):
                    yield Grant(role, action, arn, statement.get("Condition", {}))
