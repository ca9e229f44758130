"""Shards and tenants are parameters: another shard is another stack, and no tenant is named."""

import re
from pathlib import Path

import pytest
import yaml

from tests.contract.templates import APPLICATION, ROOT, TEMPLATES, Json, resources, template

SHARD = ROOT / "infra" / "shard.yaml"
QUEUES = ROOT / "infra" / "queues.yaml"
NUMBER = {"Ref": "ShardNumber"}
# A shard's number in a key, a queue's name, a metric's dimension or a variable.
LITERAL = re.compile(
    r"shard#\d|\"\d+#|commands-\d|funds-\d|transfers-\d|SHARD[:=] ?\"?\d|Name: shard, Value: \"?\d"
)


def shards() -> dict[str, Json]:
    return {
        name: body["Properties"]["Parameters"]
        for name, body in resources(APPLICATION, "AWS::CloudFormation::Stack").items()
        if body["Properties"]["TemplateURL"] == "infra/shard.yaml"
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_shard_or_tenant_is_written_into_a_template(path: Path) -> None:
    text = path.read_text()
    assert LITERAL.findall(text) == []
    assert re.findall(r"\bt1\b|DEFAULT_TENANT", text) == []


OUTPUT = template(APPLICATION)["Outputs"]["Shards"]["Value"]
VARIABLE = template(APPLICATION)["Globals"]["Function"]["Environment"]["Variables"]["SHARDS"]


@pytest.mark.parametrize("value", [OUTPUT, VARIABLE], ids=["output", "variable"])
def test_the_number_of_every_shard_is_listed(value: object) -> None:
    """The local runner starts a worker for each, and health reports each."""
    numbers = [parameters["ShardNumber"] for parameters in shards().values()]
    assert numbers
    for number in numbers:
        named = number["Ref"] if isinstance(number, dict) else str(number)
        assert re.search(rf"\b{named}\b", yaml.safe_dump(value))


@pytest.mark.parametrize(
    ("queue", "kind"),
    [("CommandQueue", "commands"), ("FundsQueue", "funds"), ("TransfersQueue", "transfers")],
)
def test_intake_finds_the_queues_of_a_shard_by_its_number(queue: str, kind: str) -> None:
    name = resources(QUEUES)[queue]["Properties"]["QueueName"]["Fn::Sub"]
    prefix = template(APPLICATION)["Outputs"][f"{queue}UrlPrefix"]["Value"]["Fn::Sub"]
    assert name == f"${{NamePrefix}}-{kind}-${{ShardNumber}}.fifo"
    assert prefix.endswith(f"/${{AWS::StackName}}-{kind}-")
    for parameters in shards().values():
        assert parameters["NamePrefix"] == {"Ref": "AWS::StackName"}


def test_every_part_of_a_shard_gets_its_number() -> None:
    for stack in resources(SHARD, "AWS::CloudFormation::Stack").values():
        assert stack["Properties"]["Parameters"]["ShardNumber"] == NUMBER
