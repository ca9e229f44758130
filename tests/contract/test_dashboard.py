"""The dashboard shows what there is: metrics that the code writes, functions that exist."""

import json
import re
from itertools import combinations

import pytest

from tests.contract.templates import ROOT, Json, resources, template

DASHBOARD = ROOT / "infra" / "dashboard.yaml"
OWN = "Bursa/here"
PARAMETERS = template(DASHBOARD)["Parameters"]
VALUES = {name: f"<{name}>" for name in PARAMETERS} | {
    "MetricNamespace": OWN,
    "AWS::Region": "eu-central-1",
    # CloudFormation puts a list of ARNs into its place so.
    "TradingAlarms": 'arn:one","arn:two',
}
OF_AWS = {
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError", "Latency"},
    "AWS/Lambda": {"Duration", "IteratorAge", "Throttles"},
    "AWS/DynamoDB": {"WriteThrottleEvents"},
}
COLUMNS = 24


def body() -> Json:
    (dashboard,) = resources(DASHBOARD, "AWS::CloudWatch::Dashboard").values()
    text = dashboard["Properties"]["DashboardBody"]["Fn::Sub"]
    filled = re.sub(r"\$\{([\w:]+)\}", lambda found: VALUES[found[1]], text)
    parsed: Json = json.loads(filled)
    return parsed


WIDGETS = body()["widgets"]
CHARTS = [widget["properties"] for widget in WIDGETS if widget["type"] == "metric"]


def written(named_by: str) -> set[str]:
    """Return the metrics that the code names in a call of this kind."""
    sources = [
        path.read_text()
        for folder in ("functions", "layers/core/bursa", "worker")
        for path in (ROOT / folder).rglob("*.py")
    ]
    return {name for source in sources for name in re.findall(rf'{named_by}\(\s*"(\w+)"', source)}


BY_WORKER = written("measure")
BY_FUNCTIONS = written(r"(?:add_metric|_write|single_metric|reports\.count)")


def series(chart: Json) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return namespace, metric and dimensions of a chart's rows, shortened ones written out."""
    rows: list[list[str]] = []
    for metric in chart["metrics"]:
        fields = [field for field in metric if isinstance(field, str)]
        if not fields:
            continue
        if fields[0] == "...":
            before = rows[-1]
            row = before[: len(before) - len(fields) + 1] + fields[1:]
        else:
            row = [rows[-1][at] if field == "." else field for at, field in enumerate(fields)]
        rows.append(row)
    return [(row[0], row[1], tuple(row[2:])) for row in rows]


def searches(chart: Json) -> list[str]:
    found = [
        field["expression"]
        for metric in chart["metrics"]
        for field in metric
        if isinstance(field, dict) and "expression" in field
    ]
    return [str(one) for one in found]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: str(chart["title"]))
def test_a_chart_shows_metrics_that_are_written(chart: Json) -> None:
    assert chart["region"] == "eu-central-1"
    assert series(chart) or searches(chart)
    for namespace, metric, dimensions in series(chart):
        if namespace == OWN:
            assert metric in BY_FUNCTIONS, metric
            kind, service = dimensions
            assert kind == "service"
            assert (ROOT / "functions" / service / "app.py").is_file(), service
        else:
            assert metric in OF_AWS[namespace], metric
            assert dimensions[1].strip("<>") in PARAMETERS, dimensions
    for search in searches(chart):
        found = re.fullmatch(
            rf"SEARCH\('\{{{OWN},shard\}} MetricName=\"(\w+)\"', '\w+', \d+\)", search
        )
        assert found, search
        assert found[1] in BY_WORKER, search


def test_what_a_person_looks_for_first_is_there() -> None:
    shown = {metric for chart in CHARTS for _, metric, _ in series(chart)}
    shown |= {
        name for chart in CHARTS for one in searches(chart) for name in re.findall(r'"(\w+)"', one)
    }
    assert shown >= {
        *("CommitMilliseconds", "QueueAgeMilliseconds", "IteratorAge", "5XXError", "Throttles"),
        *("Leading", "Following", "MessagesSent", "ConnectionsTooSlow", "NoticesFailed"),
    }


def test_a_title_says_what_is_good() -> None:
    titles = [widget["properties"]["title"] for widget in WIDGETS]
    assert len(set(titles)) == len(titles)
    assert all(title for title in titles)


def test_widgets_lie_beside_each_other() -> None:
    for one, other in combinations(WIDGETS, 2):
        beside = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
        assert beside, (one, other)
    assert max(widget["x"] + widget["width"] for widget in WIDGETS) == COLUMNS


ALARM_FILES = ("alarms.yaml", "journal-alarms.yaml", "user-alarms.yaml")


@pytest.mark.parametrize("name", ALARM_FILES)
def test_every_alarm_beside_it_is_shown(name: str) -> None:
    path = ROOT / "infra" / name
    alarms = list(resources(path, "AWS::CloudWatch::Alarm"))
    if name == "alarms.yaml":
        given = resources(path)["Dashboard"]["Properties"]["Parameters"]["TradingAlarms"]
    else:
        given = template(path)["Outputs"]["AlarmArns"]["Value"]
    between, arns = given["Fn::Join"]
    assert between == '","'
    assert arns == [{"Fn::GetAtt": [alarm, "Arn"]} for alarm in alarms]
    # A parameter takes 4,096 characters, and an ARN of an alarm has some 150.
    assert len(arns) * 150 <= 4_096


def test_lists_of_alarms_become_json() -> None:
    (trading, *_) = [widget for widget in WIDGETS if widget["type"] == "alarm"]
    assert trading["properties"]["alarms"] == ["arn:one", "arn:two"]
