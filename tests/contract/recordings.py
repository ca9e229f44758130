"""Writes what `make deploy ARGS=--dry-run` shows without an account, from today's templates.

    python -m tests.contract.recordings

The calls are those that a deployment makes, in CloudFormation's documented shapes; what changes in
them is what the templates hold. Tests play what this returns, so a template may change without it
being run again; a release runs it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from scripts.deploy.builds import declared_parameters
from scripts.deploy.recorded import FOLDER, NAMES, OneImage
from tests.contract.rendering import Stack, translated
from tests.contract.templates import APPLICATION, Json

_MAIN = "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/recorded/main"
_NESTED = "AWS::CloudFormation::Stack"
_FUNCTION = "AWS::Lambda::Function"
# SAM ends some names with a hash of the content.
_HASH = re.compile(r"[0-9a-f]{10}$")
FLEET = {
    "WorkerFleet": "true",
    "WorkerVpcId": "vpc-0a1b",
    "WorkerSubnetIds": "subnet-0a1b,subnet-2c3d",
}
_ARTIFACTS = {
    "WorkerArtifactBucket": "bursa-artifacts-artifacts-1a2b3c",
    "WorkerArtifactKey": f"worker/{'0' * 64}.tar.gz",
    "WorkerImageId": OneImage().newest(),
}


def recordings() -> dict[str, Json]:
    """Return the recorded deployments by name."""
    kept = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in NAMES}
    application = Stack(APPLICATION, {})
    made = {
        "first": dict(_all_of(application, _translated(application), _MAIN)),
        "second": dict(_second()),
        "tenth": dict(_described(kept["tenth"]["calls"])),
    }
    running = {
        "first": {},
        "second": {},
        "tenth": FLEET | _ARTIFACTS | {"LogRetentionDays": "365"},
    }
    return {
        name: kept[name] | {"calls": _calls(kept[name]["calls"], made[name], running[name])}
        for name in NAMES
    }


def _calls(calls: list[Json], sets: dict[str, list[Json]], values: Json) -> list[Json]:
    """Return the calls with other changes, and with the parameters that the stack has today."""
    before = [one for one in calls if not _is_main(one)]
    # The deletion of the change set, and of the stack that a first one has brought along.
    end = next(at for at, one in enumerate(before) if _deletes_main(one))
    described = [_describe(identifier, sets[identifier]) for identifier in (_MAIN, *sets)]
    for one in before:
        for stack in one.get("answer", {}).get("Stacks", []):
            if stack["StackName"] == "bursa":
                stack["Parameters"] = [
                    {"ParameterKey": name, "ParameterValue": str(values.get(name, default))}
                    for name, default in declared_parameters().items()
                ]
    return [*before[:end], *described, *before[end:]]


def _is_main(call: Json) -> bool:
    asked = call.get("asks", {}).get("ChangeSetName", "")
    return bool(call["call"] == "describe_change_set" and asked.startswith(_MAIN))


def _deletes_main(call: Json) -> bool:
    return bool(call["call"] == "delete_change_set" and call["asks"]["ChangeSetName"] == _MAIN)


def _describe(identifier: str, changes: list[Json]) -> Json:
    answer = {"ChangeSetId": identifier, "ChangeSetName": "recorded", "Changes": changes}
    return {
        "call": "describe_change_set",
        "asks": {"ChangeSetName": identifier},
        "answer": answer | {"Status": "CREATE_COMPLETE"},
    }


def _described(calls: list[Json]) -> Iterator[tuple[str, list[Json]]]:
    """Yield the change sets of recorded calls as they are."""
    for call in calls:
        if _is_main(call):
            yield call["asks"]["ChangeSetName"], call["answer"]["Changes"]


def _translated(application: Stack) -> dict[str, str]:
    """Return the types of what SAM makes of the application."""
    return {
        _HASH.sub("", name): body["Type"]
        for name, body in translated()["Resources"].items()
        if application.holds(body)
    }


def _all_of(stack: Stack, kinds: dict[str, str], path: str) -> Iterator[tuple[str, list[Json]]]:
    """Yield change sets that add everything: a stack's, then those of the stacks in it."""
    yield path, [_change(name, kind, path) for name, kind in kinds.items()]
    for name, kind in kinds.items():
        if kind == _NESTED:
            inside = stack.nested[name]
            yield from _all_of(inside, inside.kinds(), f"{path}/{name}")


def _second() -> Iterator[tuple[str, list[Json]]]:
    """Yield the change sets of new code, and of the worker's fleet."""
    names = [name for name, body in translated()["Resources"].items() if body["Type"] == _FUNCTION]
    changes = [_change(name, _FUNCTION, _MAIN, "Code") for name in names]
    yield _MAIN, [*changes, _change("Shard", _NESTED, _MAIN, "Parameters", "TemplateURL")]
    yield f"{_MAIN}/Shard", [_change("Fleet", _NESTED, f"{_MAIN}/Shard")]
    with_fleet = Stack(APPLICATION, FLEET | _ARTIFACTS).nested["Shard"].nested["Fleet"]
    yield from _all_of(with_fleet, with_fleet.kinds(), f"{_MAIN}/Shard/Fleet")


def _change(name: str, kind: str, path: str, *modified: str) -> Json:
    """Return one change: an addition, unless properties are named that are modified in place."""
    change: dict[str, Any] = {
        "Action": "Modify" if modified else "Add",
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Scope": ["Properties"] if modified else [],
        "Details": [
            {
                "Target": {"Attribute": "Properties", "Name": one, "RequiresRecreation": "Never"},
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
            for one in modified
        ],
    }
    if modified:
        change["Replacement"] = "False"
    if kind == _NESTED:
        change["ChangeSetId"] = f"{path}/{name}"
    return {"Type": "Resource", "ResourceChange": change}


if __name__ == "__main__":
    for title, content in recordings().items():
        (FOLDER / f"{title}.json").write_text(json.dumps(content, indent=1) + "\n")
