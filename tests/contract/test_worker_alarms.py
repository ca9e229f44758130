"""The worker's metrics: each has an alarm, or a reason for having none."""

import ast
from collections.abc import Iterator

import pytest

from tests.contract.templates import ROOT, everywhere, resources
from worker import telemetry

ALARMS = resources(ROOT / "infra" / "worker-alarms.yaml", "AWS::CloudWatch::Alarm")
NAMESPACE = {"Ref": "MetricNamespace"}
RUNBOOK = (ROOT / "docs" / "durability.md").read_text()
# Metrics without an alarm, and why.
FIGURES_ONLY = {
    "BytesPerCommand": "what the journal costs",
    "CommandsPerRecord": "how well commands are grouped",
    "CommitMilliseconds": "where it hurts, CommandAgeAlarm sees the queue grow",
    "CommitRetries": "each was repeated until its outcome was known",
    "Following": "NoStandbyAlarm of the fleet looks at both roles together",
    "HeldMessages": "bounded; beyond the bound the queue's age tells",
    "Leading": "NoStandbyAlarm of the fleet looks at both roles together",
    "QueueAgeMilliseconds": "CommandAgeAlarm looks at the same from outside, worker alive or not",
    "RememberedMilliseconds": "MemoryOfIdsShort alarms when it is too short",
    "RecordBytes": "what the journal costs",
    "CheckpointPauseMilliseconds": "a figure to watch over weeks; nothing is lost by a long one",
}


def spoken() -> Iterator[tuple[str, str]]:
    """Yield where the worker measures or raises an alarm, and the metric's name."""
    for path in sorted((ROOT / "worker").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or path.name == "telemetry.py":
                continue
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            if name in {"alarm", "measure"}:
                first = node.args[0]
                named = first.value if isinstance(first, ast.Constant) else ""
                yield f"{path.name}:{node.lineno}", str(named)


def test_a_metric_is_named_where_it_is_put_out() -> None:
    assert [place for place, name in spoken() if not name] == []


def test_every_metric_has_an_alarm_or_a_reason_for_none() -> None:
    watched = {alarm["Properties"]["MetricName"] for alarm in ALARMS.values()}

    assert {name for _, name in spoken()} == watched | set(FIGURES_ONLY)
    assert watched.isdisjoint(FIGURES_ONLY)


def test_the_list_of_metrics_is_whole() -> None:
    listed = str(telemetry.__doc__).replace(",", " ").split()
    assert {name for _, name in spoken()} <= set(listed)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_looks_where_the_worker_writes(name: str) -> None:
    alarm = ALARMS[name]["Properties"]

    assert name == f"{alarm['MetricName']}Alarm"
    assert alarm["Namespace"] == NAMESPACE
    assert alarm["Dimensions"] == [{"Name": "shard", "Value": {"Ref": "ShardNumber"}}]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)
    # A healthy worker writes none of them.
    assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_to_do_and_so_does_the_runbook(name: str) -> None:
    alarm = ALARMS[name]["Properties"]
    what, _, to_do = alarm["AlarmDescription"].partition(". ")

    assert what
    assert to_do
    assert f"\n| `{alarm['MetricName']}` |" in RUNBOOK


def test_one_alarm_a_metric() -> None:
    names = [
        alarm["Properties"]["MetricName"]
        for alarm in everywhere("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("Namespace") == NAMESPACE
        and alarm["Properties"]["Dimensions"][0]["Name"] == "shard"
    ]
    assert len(set(names)) == len(names) >= len(ALARMS)
