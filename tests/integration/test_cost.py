"""What an order costs: the page is made of measured units, prices and templates, and still true."""

import json
from typing import Any

import pytest
from moto import mock_aws

from bursa.aws.clients import worker_client
from bursa.aws.table_writer import TableWriter
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from scripts.cost import orders
from scripts.cost.__main__ import PAGE, TABLES, main, written
from scripts.cost.deployment import (
    alarm_metrics,
    architecture,
    keys_and_secrets,
    load,
    memory_gb,
    metrics,
)
from tests.contract.templates import APPLICATION, everywhere, resources, template
from tests.doubles.shard import ALICE, Shard, buy, stream_records
from tests.doubles.tables import READ_MODELS, create_tables
from tests.integration.cost_units import CASES, Units, measure_apart
from wire.codec import encode_cancel_all

# What is measured again may differ by so much: how well records compress.
OFF_BY_MAX = 0.05
FUNCTIONS = resources(APPLICATION, "AWS::Serverless::Function")


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")


@pytest.mark.parametrize("position", [0, len(CASES) - 1], ids=["alone", "batches of 50"])
def test_what_was_measured_is_still_so(position: int) -> None:
    again = measure_apart(*CASES[position])
    stored = orders.cases()[position]
    assert again[:6] == stored[:6]
    for table in ("journal", "replies", "orders", "orders indexes", "fills", "balances"):
        assert again.writes[table] == pytest.approx(stored.writes[table], rel=OFF_BY_MAX), table
    assert sum(again.writes.values()) == pytest.approx(sum(stored.writes.values()), rel=OFF_BY_MAX)


def test_an_order_that_is_placed_and_cancelled_costs_six_units() -> None:
    """Two are its row and its name; four its row, the end of its name, and two index entries."""
    shard = Shard()
    with mock_aws():
        client: Any = worker_client("dynamodb")
        create_tables(client, READ_MODELS)
        tables = ReadModelTables(client, READ_MODELS, 0, TableWriter(client, threads=1))
        projector = Projector(0, shard, tables, print)
        projector.project(stream_records(shard.records))
        units = Units()
        for name in ("PutItem", "UpdateItem", "BatchWriteItem"):
            client.meta.events.register(f"before-parameter-build.dynamodb.{name}", units.look)
        after = []
        for command in (buy(ALICE, 100, 5), encode_cancel_all(ALICE)):
            projector.project(stream_records([shard.run(command)]))
            after.append(units.writes["orders"] + units.writes["orders indexes"])
    assert after == [2, 6]


def test_a_million_orders_in_batches_cost_at_most_five_dollars_also_in_a_deep_book(
    record_property: Any,
) -> None:
    batches = orders.cases()[-1]
    total = sum(orders.dollars(batches, deep=True).values())
    record_property("dollars_per_million_orders", round(total, 2))
    assert batches.orders_per_request == 50
    assert orders.journal_units_per_command(batches) <= 0.15
    assert total <= 5


def test_the_page_has_the_tables_that_the_command_makes() -> None:
    """`make cost ARGS=--write` puts them there."""
    text = PAGE.read_text()
    assert written(text) == text
    assert text.count("<!-- end -->") == len(TABLES)


def test_the_command_prints_them_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["book"] for row in found["orders"]] == ["quiet", "deep"] * len(CASES)
    assert float(found["orders"][0]["total"]) > float(found["orders"][-1]["total"])


def test_prices_have_a_place_a_date_and_a_source() -> None:
    stated = load("prices.json")
    assert stated["place"] == "us-east-1"
    assert stated["source"]
    page = PAGE.read_text()
    for said in ("place", "date", "currency"):
        assert stated[said] in page


def test_memory_and_architecture_are_the_templates() -> None:
    every = template(APPLICATION)["Globals"]["Function"]
    assert every["Architectures"] == [{"Ref": "Architecture"}]
    assert architecture() == template(APPLICATION)["Parameters"]["Architecture"]["Default"]
    for name, body in FUNCTIONS.items():
        own = body["Properties"].get("MemorySize", every["MemorySize"])
        assert memory_gb(name) * 1_024 == own
    assert f"lambda GB second {architecture()}" in orders.prices()


def test_every_metric_that_an_alarm_watches_is_counted() -> None:
    written_by = metrics()
    names = frozenset().union(*written_by.values())
    alarms = [
        alarm
        for name, alarm in everywhere("AWS::CloudWatch::Alarm").items()
        # Which no deployment has by default.
        if not name.startswith("backup.yaml:")
    ]
    own = {
        alarm["Properties"]["MetricName"]
        for alarm in alarms
        if "MetricName" in alarm["Properties"]
        and not str(alarm["Properties"]["Namespace"]).startswith("AWS/")
    }
    assert own
    assert own <= names
    assert "RequestsFailed" in written_by["trading_api"]
    assert alarm_metrics() >= len(alarms)


def test_a_key_is_paid_for_whatever_it_seals() -> None:
    """What is stored, and users' secrets; a tenant's keys and the backups' are said beside."""
    assert keys_and_secrets() == (2, 2)


def test_no_metric_a_route_is_paid_for_that_nobody_looks_at() -> None:
    """They would be five for each method of each path."""
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    assert {one["MetricsEnabled"] for one in api["Properties"]["MethodSettings"]} == {False}
