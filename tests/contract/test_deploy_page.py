"""docs/deploy.md says what a deployment creates; the templates say whether that is so."""

import re

import pytest

from tests.contract.templates import ROOT, resources, template

PAGE = (ROOT / "docs" / "deploy.md").read_text()
COUNTED = {
    "Lambda functions": "AWS::Serverless::Function",
    "DynamoDB tables": "AWS::DynamoDB::Table",
    "alarms": "AWS::CloudWatch::Alarm",
    "layers": "AWS::Serverless::LayerVersion",
}


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows() -> dict[str, str]:
    """Return what the table says of each template."""
    cells = re.findall(
        r"^\| .*?`([\w./-]+[.]yaml)`.*? \| (.*) \|$", section("What it creates"), re.MULTILINE
    )
    return dict(cells)


def test_every_stack_has_a_row() -> None:
    stacks = {str(path.relative_to(ROOT)) for path in (ROOT / "infra").glob("*.yaml")}
    assert stacks | {"template.yaml", "scripts/deploy/artifacts.yaml"} == set(rows())


@pytest.mark.parametrize("name", rows())
def test_a_stack_creates_as_many_as_its_row_says(name: str) -> None:
    stated = {
        kind: int(number)
        for kind in COUNTED
        for number in re.findall(rf"(\d+) {kind}\b", rows()[name])
    }
    found = {kind: len(resources(ROOT / name, COUNTED[kind])) for kind in stated}
    assert stated == found


def test_the_kinds_are_counted_where_they_are() -> None:
    stated = " ".join(rows().values())
    assert all(re.search(rf"\d {kind}\b", stated) for kind in COUNTED)


def test_another_shard_is_given_the_roles_that_it_puts_policies_on() -> None:
    roles = {name for name in template(ROOT / "infra/shard.yaml")["Parameters"] if "Role" in name}
    assert roles
    named = set(re.findall(r"`(\w+)`", section("Another shard")))
    assert roles <= named
