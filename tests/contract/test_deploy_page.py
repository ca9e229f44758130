"""docs/deploy.md says what a deployment creates; the templates say whether that is so."""

import re

import pytest

from scripts.cost.at_rest import table as at_rest
from tests.contract.templates import NESTED, ROOT, resources, template

PAGE = (ROOT / "docs" / "deploy.md").read_text()
COUNTED = {
    "Lambda functions": "AWS::Serverless::Function",
    "DynamoDB tables": "AWS::DynamoDB::Table",
    "alarms": "AWS::CloudWatch::Alarm",
    "layers": "AWS::Serverless::LayerVersion",
}

# How the table calls what has no value, or is off, unless it is asked for.
UNSET = ("none", "pinned", "off")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows() -> dict[str, str]:
    """Return what the table says of each template."""
    cells = re.findall(
        r"^\| .*?`([\w./-]+[.]yaml)`.*? \| (.*) \|$", section("What it creates"), re.MULTILINE
    )
    return dict(cells)


def test_every_stack_has_a_row() -> None:
    stacks = {str(path.relative_to(ROOT)) for path in NESTED}
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


def defaults() -> dict[str, str]:
    """Return what the table says of each parameter: one value for all of a row, or each its own."""
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \|", section("Parameters"), re.MULTILINE)
    said: dict[str, str] = {}
    for names, values in ((row[0].split(", "), row[1].split(", ")) for row in rows):
        each = values if len(values) == len(names) else values * len(names)
        said |= zip((name.strip("`") for name in names), each, strict=True)
    return said


def test_every_parameter_has_a_row_and_its_default_there() -> None:
    """`make deploy` says of a parameter that it does not know that this page lists them."""
    parameters = template(ROOT / "template.yaml")["Parameters"]
    said = defaults()
    assert set(said) == set(parameters)
    for name, body in parameters.items():
        unset = UNSET if body["Default"] in {"", "false"} else ()
        assert said[name] in {f"`{body['Default']}`", *unset}, name


def test_what_it_costs_is_what_the_cost_page_says() -> None:
    (said,) = re.findall(r"about \$(\d+) a month", section("What it costs"))
    assert ["**sum with the fleet, at most**", "", f"**{said}**"] in at_rest()


def test_another_shard_is_given_the_roles_that_it_puts_policies_on() -> None:
    roles = {name for name in template(ROOT / "infra/shard.yaml")["Parameters"] if "Role" in name}
    assert roles
    named = set(re.findall(r"`(\w+)`", section("Another shard")))
    assert roles <= named
