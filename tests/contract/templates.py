"""The templates as CloudFormation would see them: parsed, intrinsic functions as plain mappings."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scripts.templates import BLUEPRINTS, nested_templates

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = ROOT / "template.yaml"
NESTED = tuple(nested_templates())
# Stacks of their own, which a command makes: one of each for a tenant.
BY_COMMAND = (ROOT / "infra" / "tenant-domain.yaml", BLUEPRINTS / "tenant-keys.yaml")
TEMPLATES = (APPLICATION, *NESTED)

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Ref x`` becomes ``{"Ref": "x"}``."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template(path: Path) -> Json:
    """Parse a template."""
    content: Json = yaml.load(path.read_text(), _Loader)  # noqa: S506 - built on SafeLoader
    return content


def resources(path: Path, *kinds: str) -> dict[str, Json]:
    """Return the resources of these types, all of them when none is named, by logical id."""
    found: dict[str, Json] = template(path)["Resources"]
    return {name: body for name, body in found.items() if not kinds or body["Type"] in kinds}


def everywhere(*kinds: str) -> dict[str, Json]:
    """Return the resources of these types in every template, by file and logical id."""
    return {
        f"{path.name}:{name}": body
        for path in TEMPLATES
        for name, body in resources(path, *kinds).items()
    }


def statements(role_or_policy: Json) -> Iterator[Json]:
    """Yield the statements of a role's inline policies or of a managed policy."""
    properties = role_or_policy["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    if "PolicyDocument" in properties:
        documents.append(properties["PolicyDocument"])
    for document in documents:
        yield from document["Statement"]


def listed(value: Any) -> list[Any]:
    """Return a policy's field as a list."""
    return value if isinstance(value, list) else [value]
