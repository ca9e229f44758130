"""The command lines say what is wrong with what they are given."""

import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from scripts.client import ToolError
from scripts.market import simulate, watch
from scripts.market.agents import Sent
from scripts.market.measures import Course, Found, Sample
from scripts.market.seen import Print

BAD = {
    "no market": [],
    "no price": ["BTC-USDT=dear"],
    "no positive price": ["BTC-USDT=0"],
    "not a number": ["BTC-USDT=nan"],
    "no time": ["BTC-USDT", "--seconds", "0"],
    "too many takers": ["BTC-USDT", "--takers", "1000"],
    "no rate": ["BTC-USDT", "--rate", "-1"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_a_bad_command_line_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        simulate.parse_arguments(arguments)
    assert ended.value.code == 2
    assert "simulate-market: error:" in capsys.readouterr().err


def test_a_market_may_say_where_its_price_begins() -> None:
    found = simulate.parse_arguments(["BTC-USDT=60000", "ETH-USDT"]).markets
    assert found == [("BTC-USDT", Decimal(60_000)), ("ETH-USDT", None)]


def test_without_an_exchange_the_next_step_is_named(tmp_path: Path) -> None:
    nothing = str(tmp_path / "outputs.json")
    with pytest.raises(ToolError, match="make up"):
        watch.watch(watch.parse_arguments(["BTC-USDT", "--outputs", nothing]))
    arguments = simulate.parse_arguments(["BTC-USDT", "--outputs", nothing])
    with pytest.raises(ToolError, match="make up"):
        simulate.simulate(arguments, Console())


def test_an_unknown_tenant_is_told_which_there_are(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"tenants": [{"name": "demo"}, {"name": "aurora"}]}))
    arguments = ["BTC-USDT", "--outputs", str(outputs), "--tenant", "nobody"]
    with pytest.raises(ToolError, match="there are: demo, aurora"):
        watch.watch(watch.parse_arguments(arguments))


def found() -> Found:
    course = Course("BTC-USDT")
    course.samples = [Sample(float(n), 100.0 + n, 100.0, 2.0, 5_000.0) for n in range(5)]
    course.prints = [
        Print(str(n), 1_000 * n, "buy", Decimal("100.5"), Decimal("0.5")) for n in (1, 2)
    ]
    sent = [Sent(float(n), 50.0 + n, "take") for n in range(5)]
    return Found(course, 5, 0, sent, Counter({"would_take": 1}), book_is_equal=True)


def test_the_figures_are_those_of_what_was_seen() -> None:
    summary = found().summary()
    assert (summary["trades"], summary["volume"], summary["spread_bp"]) == (2, "1", 2.0)
    assert summary["response_ms"]["take"] == {"count": 5, "p50": 52.0, "p99": 54.0}
    empty = Found(Course("X"), 0, 0, [], Counter(), book_is_equal=None).summary()
    assert (empty["first_price"], empty["spread_bp"], empty["response_ms"]) == (None, None, {})


def test_a_summary_is_a_table_with_what_was_refused() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    simulate.print_summary(console, [found().summary()])
    text = console.export_text()
    assert "p50 52.0, p99 54.0 ms" in text
    assert "1 x would_take" in text


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    from scripts.market.plot import draw  # noqa: PLC0415 - takes a second

    path = tmp_path / "deep" / "market.png"
    draw([found(), found()], 0, path)
    assert path.read_bytes().startswith(b"\x89PNG")
