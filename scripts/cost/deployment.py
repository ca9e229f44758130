"""What of a deployment costs money, read from its templates and its code: nothing twice."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scripts.templates import nested_templates

ROOT = Path(__file__).resolve().parents[2]
_METRIC = re.compile(r"[A-Z][A-Za-z]+")
# Stacks that no deployment has by default, or has for each tenant.
_BY_PARAMETER = {"backup.yaml", "backup-vault.yaml", "tenant-keys.yaml"}
_COUNTERS = {"add_metric", "single_metric", "_write", "measure", "alarm", "count"}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, of which only the plain values matter here."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _suffix, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def load(name: str) -> dict[str, Any]:
    """Return a data file of this folder."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text())
    return content


@cache
def template(name: str = "template.yaml") -> dict[str, Any]:
    """Return a template by its path from the root."""
    content: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)  # noqa: S506 - safe
    return content


def architecture() -> str:
    """Return the functions' default architecture."""
    return str(template()["Parameters"]["Architecture"]["Default"])


def memory_gb(function: str) -> float:
    """Return a function's memory."""
    properties = template()["Resources"][function]["Properties"]
    every = template()["Globals"]["Function"]["MemorySize"]
    return int(properties.get("MemorySize", every)) / 1_024


def alarm_metrics() -> int:
    """Count what the alarms are paid for: each metric that one of them watches, by default."""
    return sum(
        sum("MetricStat" in row for row in body["Properties"].get("Metrics", [])) or 1
        for body in _by_default("AWS::CloudWatch::Alarm")
    )


def keys_and_secrets() -> tuple[int, int]:
    """Count the keys and secrets that a deployment has by default, before its first tenant."""
    kinds = "AWS::KMS::Key", "AWS::SecretsManager::Secret"
    keys, secrets = (sum(1 for _ in _by_default(kind)) for kind in kinds)
    return keys, secrets


def _by_default(kind: str) -> Iterator[dict[str, Any]]:
    for path in nested_templates():
        if path.name not in _BY_PARAMETER:
            bodies = template(str(path))["Resources"].values()
            yield from (body for body in bodies if body["Type"] == kind)


def worker_default(name: str) -> int:
    """Return the default of a setting of the worker."""
    tree = ast.parse((ROOT / "worker" / "settings.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name:
            return int(ast.literal_eval(node.value or ast.Constant(0)))
    raise KeyError(name)


def metrics() -> Mapping[str, frozenset[str]]:
    """Return the names of the metrics that each service may write: each is paid for by itself.

    ``OverBudget`` counts once more for each tenant and code that was refused.
    """
    found = {
        path.parent.name: frozenset(_names(_closure(path))) | _cold_start(path)
        for path in sorted((ROOT / "functions").glob("*/app.py"))
    }
    return found | {"worker": frozenset(_names((ROOT / "worker").glob("*.py")))}


def _cold_start(path: Path) -> set[str]:
    return {"ColdStart"} if "capture_cold_start_metric=True" in path.read_text() else set()


def _closure(path: Path) -> set[Path]:
    """Return a function's modules: its own, and those of ours that they import."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one in seen or not one.exists():
            continue
        seen.add(one)
        for node in ast.walk(ast.parse(one.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += _files(node)
    return seen


def _files(node: ast.ImportFrom) -> Iterator[Path]:
    inside = ROOT / ("layers/core" if str(node.module).startswith("bursa") else "functions")
    module = inside.joinpath(*str(node.module).split("."))
    yield module.with_suffix(".py")
    for name in node.names:
        yield module / f"{name.name}.py"


def _names(paths: Any) -> Iterator[str]:  # noqa: ANN401 - any iterable of paths
    for path in paths:
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        counting = [node for node in calls if _called(node) in _COUNTERS and node.args]
        for node in counting:
            yield from _literals(node.args[0])
        if any(isinstance(node.args[0], ast.Name) for node in counting):
            choices = (node for node in ast.walk(tree) if isinstance(node, ast.IfExp))
            for choice in choices:
                yield from _literals(choice.body)
                yield from _literals(choice.orelse)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _literals(node: ast.expr) -> Iterator[str]:
    text = node.value if isinstance(node, ast.Constant) else None
    if isinstance(text, str) and _METRIC.fullmatch(text):
        yield text
