"""Ticks, lots and units are all integers; the type checker keeps them apart."""

from pathlib import Path

import pytest
from mypy import api

from tests.architecture.house import ROOT

PREAMBLE = """\
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import MarketUnits


"""
RIGHT = {
    "a market writes ticks as a price": "market.price_text(Ticks(1))",
    "a market writes lots as a quantity": "market.quantity_text(Lots(1))",
    "a market writes units as a quote amount": "market.quote_text(Units(1))",
}
WRONG = {
    "lots for a price": ("market.price_text(Lots(1))", '"Lots"; expected "Ticks"'),
    "ticks for a quantity": ("market.quantity_text(Ticks(1))", '"Ticks"; expected "Lots"'),
    "lots for a quote amount": ("market.quote_text(Lots(1))", '"Lots"; expected "Units"'),
    "a plain integer for a price": ("market.price_text(1)", '"int"; expected "Ticks"'),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what mypy writes about a file with each expression on a line of its own."""
    path = tmp_path_factory.mktemp("types") / "amounts.py"
    lines = [*RIGHT.values(), *(expression for expression, _ in WRONG.values())]
    body = "\n".join(f"    {line}" for line in lines)
    path.write_text(f"{PREAMBLE}def use(market: MarketUnits) -> None:\n{body}\n")
    return check(path)


def check(path: Path) -> str:
    config = ["--config-file", str(ROOT / "pyproject.toml")]
    cache = ["--cache-dir", str(path.parent / "cache"), "--follow-imports", "silent"]
    out, problems, _ = api.run([*config, *cache, "--no-error-summary", str(path)])
    assert not problems
    return out


def line_of(expression: str) -> int:
    lines = [*RIGHT.values(), *(wrong for wrong, _ in WRONG.values())]
    return PREAMBLE.count("\n") + 2 + lines.index(expression)


@pytest.mark.parametrize("expression", RIGHT.values(), ids=RIGHT)
def test_the_right_amount_passes(report: str, expression: str) -> None:
    assert f"amounts.py:{line_of(expression)}:" not in report


@pytest.mark.parametrize(("expression", "types"), WRONG.values(), ids=WRONG)
def test_another_amount_does_not(report: str, expression: str, types: str) -> None:
    (found,) = [
        line for line in report.splitlines() if f"amounts.py:{line_of(expression)}:" in line
    ]
    assert types in found
