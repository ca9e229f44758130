"""The scenario runner: our own scenarios pass, wrong ones fail with the reason."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts.scenarios import ENGINES, main, read_scenarios, verdicts

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.json"))
SCENARIOS = [(file.stem, one) for file in FILES for one in read_scenarios(file)]
ADD = {"op": "add", "id": "1", "side": "buy", "price": 10, "qty": 5, "tif": "GTC"}
ASK = {"op": "add", "id": "9", "side": "sell", "price": 10, "qty": 2, "user": "ann"}


def why(steps: list[Any], expect: dict[str, Any], **more: Any) -> str:
    """Return why a scenario fails on the reference, or nothing."""
    ((_, said),) = verdicts([{"name": "n", "steps": steps, "expect": expect, **more}], "reference")
    return said


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "scenario",
    [one for _, one in SCENARIOS],
    ids=[f"{stem}-{one['name']}" for stem, one in SCENARIOS],
)
def test_own_scenario(scenario: dict[str, Any], engine: str) -> None:
    assert scenario["checks"]
    assert list(verdicts([scenario], engine)) == [(scenario["name"], "")]


@pytest.mark.parametrize(
    ("steps", "expect", "said"),
    [
        ([ADD], {"resting": []}, 'resting: expected [], got [["1", 5]]'),
        ([ADD], {"trades": [["1", "2", 10, 5]]}, "trades: expected"),
        ([ADD], {"trades": 5}, "trades must be a list"),
        ([ADD], {"trades": [[]]}, "trades has a row of 0, not [maker, taker, price, qty]"),
        ([ADD], {"rejected_steps": 5}, "rejected_steps must be a list"),
        ([ADD], {"rejected_steps": [[0]], "cancelled": []}, "rejected_steps must be a number"),
        ([ADD], {"rejected_steps": [0]}, "rejected_steps: expected [0], got []"),
        ([ADD], {"stops_pending": 1}, "stops_pending: expected 1, got 0"),
        ([ADD], {"cancelled": [["1", 5]]}, 'cancelled: expected [["1", 5]], got []'),
        ([ADD], {"cancelled": ["1"]}, "cancelled needs [id, quantity]"),
        ([ADD], {"book_orders": [0, 0]}, "book_orders: expected [0, 0], got [1, 0]"),
        ([ADD], {"best_bid": [10, 4]}, "best_bid: expected [10, 4], got [10, 5]"),
        ([ADD], {"best_ask": 11}, "best_ask: expected 11, got 0"),
        ([ADD], {"stop_orders": [1, 0]}, "stop_orders: expected [1, 0], got [0, 0]"),
        ([ADD], {"stop_orders": 1}, "stop_orders must be [bids, asks]"),
        ([ADD], {"l2": {"bids": [], "top": []}}, "l2 has unknown 'top'"),
        ([ADD], {"available": {"after_step": {"7": {}}}}, "available after step 7, but there is"),
        ([ADD], {"available": {"bob": {"BASE": 1}}}, "available of 'bob', who does nothing"),
        ([ADD], {"colour": 1}, "unknown expectation colour"),
        ([ADD], [], "expect must be an object"),
        ([{**ADD, "tfi": "IOC"}], {}, "step 0: op 'add' has unknown 'tfi'"),
        ([{**ADD, "tif": "NOW"}], {}, "step 0: unknown tif 'NOW'"),
        ([{**ADD, "side": "up"}], {}, "step 0: unknown side 'up'"),
        ([{**ADD, "type": "pegged"}], {}, "step 0: unknown type 'pegged'"),
        ([{**ADD, "stp": "maybe"}], {}, "step 0: unknown stp 'maybe'"),
        ([{**ADD, "qty": "many"}], {}, "qty must be a number, not 'many'"),
        ([{**ADD, "qty": True}], {}, "step 0: qty must be a number, not True"),
        ([{**ADD, "price": "1e99"}], {}, "price has more than 40 digits"),
        ([{**ADD, "price": "0.0000000000001"}], {}, "price has more than 12 places"),
        ([{**ADD, "type": "iceberg"}], {}, "step 0: 'add' needs 'display_qty'"),
        ([{**ADD, "type": "stop_limit"}], {}, "step 0: 'add' needs 'stop_price'"),
        ([{"op": "add", "id": "1"}], {}, "step 0: 'add' needs 'price'"),
        ([{"op": "deposit", "asset": "GOLD", "amount": 1}], {}, "ledger must say which of GOLD"),
        ([{"op": "dance"}], {}, "step 0: unknown op 'dance'"),
        (["text"], {}, "step 0: unknown op 'text'"),
    ],
)
def test_a_wrong_scenario_fails_and_says_why(
    steps: list[Any], expect: dict[str, Any], said: str
) -> None:
    assert why(steps, expect).startswith(said)


@pytest.mark.parametrize(
    "scenario",
    [
        None,
        5,
        [],
        {"steps": []},
        {"steps": 5, "expect": {}},
        {"steps": [ADD], "expect": {}, "color": 1},
        {"steps": [ADD], "expect": {}, "ledger": {"lot": 1}},
        {"steps": [ADD], "expect": {}, "ledger": {"base_units_per_lot": 0}},
        {"steps": [ADD], "expect": {}, "deposits": {"ann": 5}},
        {"steps": [{**ADD, "symbol": "Z"}], "expect": {}, "markets": {"X": {}}},
    ],
)
def test_a_broken_scenario_fails_but_does_not_stop_the_others(scenario: Any) -> None:
    good = {"name": "good", "steps": [ADD], "expect": {"resting": [["1", 5]]}}
    (_, said), last = verdicts([scenario, good], "reference")
    assert said
    assert "Error" not in said
    assert last == ("good", "")


@pytest.mark.parametrize(
    "step",
    [
        {"op": "ADD", "order_id": 1, "side": "BID", "limit_price": "10", "size": 5.0},
        {"op": "limit", "id": 1, "side": "b", "px": 10, "quantity": "5", "type": "LIMIT"},
        {"op": "place", "id": 1, "side": "Buy", "price": 10, "qty": 5, "tif": "day", "type": None},
        {**ADD, "tif": "Good-Till-Cancel", "owner": 7, "stp": None, "comment": "as always"},
        {**ADD, "time_in_force": "GTX", "tif": None},
        {**ADD, "tif": "post only", "account": "ann"},
        {**ADD, "post_only": True, "stp": "expire_both"},
    ],
)
def test_one_order_in_many_words(step: dict[str, Any]) -> None:
    assert why([step], {"resting": [[1, 5]], "rejected_steps": []}) == ""


@pytest.mark.parametrize(
    "step",
    [
        {"op": "add", "type": "stop_market", "stop_price": 12},
        {"op": "add", "type": "STOP", "trigger": 12},
        {"op": "add", "type": "stop", "price": 12},
        {"op": "add", "stop": 12},
        {"op": "stop", "trigger_price": "12"},
        {"op": "stop-limit", "stop_price": 12, "price": 15},
        {"op": "add", "type": "stop", "stop_price": 12, "price": 15},
    ],
)
@pytest.mark.parametrize("pending", [1, [1, 0], ["st"], [["st", 3]]])
def test_one_stop_in_many_words(step: dict[str, Any], pending: Any) -> None:
    stop = {**step, "id": "st", "side": "buy", "qty": 3}
    assert why([stop, ASK], {"stops_pending": pending, "resting": [["9", 2]]}) == ""


@pytest.mark.parametrize(
    ("mode", "resting", "cancelled"),
    [
        *((mode, [["9", 2]], [["t", 3]]) for mode in ("CN", "cancel_new", "EXPIRE-TAKER")),
        *((mode, [["t", 3]], [["9", 2]]) for mode in ("co", "cancel old", "expire_maker")),
        *((mode, [], [["t", 3], ["9", 2]]) for mode in ("CB", "Cancel_Both", "expire_both")),
        *((mode, [["t", 1]], [["9", 2]]) for mode in ("dc", "decrement", "decrement_and_cancel")),
    ],
)
def test_one_prevention_in_many_words(mode: str, resting: Any, cancelled: Any) -> None:
    taker = {**ADD, "id": "t", "qty": 3, "user": "ann"}
    expect = {"trades": [], "resting": resting, "cancelled": cancelled}
    assert why([ASK, taker], expect, stp=mode) == ""
    assert why([ASK, {**taker, "stp": mode}], expect) == ""


@pytest.mark.parametrize(
    "expect",
    [
        {"cancelled": [["k", 5]]},
        {"cancelled": [["k", 5]], "rejected_steps": []},
        {"cancelled": [], "rejected_steps": [1]},
        {"cancelled": [["k", 5]], "rejected_steps": [1]},
    ],
)
@pytest.mark.parametrize("options", [{"tif": "FOK"}, {"tif": "POST_ONLY"}])
def test_dead_on_arrival_is_cancelled_or_rejected(
    options: dict[str, Any], expect: dict[str, Any]
) -> None:
    killed = {**ADD, "id": "k", **options}
    assert why([ASK, killed], {**expect, "trades": [], "resting": [["9", 2]]}) == ""


@pytest.mark.parametrize("options", [{"tif": "FOK"}, {"tif": "POST_ONLY"}])
def test_dead_on_arrival_is_one_of_both(options: dict[str, Any]) -> None:
    killed = {**ADD, "id": "k", **options}
    assert why([ASK, killed], {"cancelled": [], "rejected_steps": []})


@pytest.mark.parametrize(
    "expect",
    [
        {"book_orders": [1, 1], "book_volume": [5, 9], "book_visible_volume": [5, 2]},
        {"stop_orders": [1, 0], "book_stop_volume": {"bids": 4, "asks": 0}, "stops_pending": 1},
        {"best_bid": 10, "best_ask": [12, 2]},
        {"l2": {"bids": [[10, 5]], "asks": [{"price": 12, "qty": 2}]}},
        {"fills": [], "canceled": None, "rejected": [], "pending_stops": ["st"]},
        {"resting": [{"id": 1, "qty": 5}, ["9", 9]]},
        {"resting": [1, 9]},
    ],
)
def test_figures_of_the_book(expect: dict[str, Any]) -> None:
    iceberg = {**ASK, "price": 12, "qty": 9, "type": "iceberg", "visible": 2}
    stop = {"op": "stop", "id": "st", "side": "buy", "trigger": 15, "qty": 4}
    assert why([ADD, iceberg, stop], expect) == ""


def test_balances_by_step_by_user_and_at_the_end() -> None:
    step = {**ADD, "user": "ann"}
    deposits = {"ann": {"USD": 60}}
    for shape in (
        {"after_step": {"0": {"ann": {"USD": 10}}}},
        {"0": {"ann": {"USD": 10}}},
        {"ann": {"usd": "10"}},
        {"final": {"ann": {"quote": 10}}},
    ):
        assert why([step], {"available": shape}, deposits=deposits) == ""
    wrong = {"final": {"ann": {"USD": 11}}}
    said = why([step], {"available": wrong}, deposits=deposits)
    assert said == "available after step end: ann USD: expected 11, got 10"


# --- the command line -----------------------------------------------------------------------------

GOOD = {"name": "good", "steps": [ADD], "expect": {"resting": [["1", 5]]}}
BAD = {"name": "bad", "steps": [ADD], "expect": {"resting": []}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([GOOD, BAD]),
        json.dumps({"scenarios": [GOOD, BAD]}),
        f"{json.dumps(GOOD)}\n\n{json.dumps(BAD)}\n",
    ],
    ids=["list", "object", "lines"],
)
def test_lines_and_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "some.json"
    file.write_text(text)
    assert main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "PASS good",
        'FAIL bad: resting: expected [], got [["1", 5]]',
        "1 passed, 1 failed",
    ]


def test_many_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("a.json", "folder/b.json", "folder/c.json"):
        (tmp_path / name).write_text(json.dumps(GOOD))
    assert main([str(tmp_path / "a.json"), str(tmp_path / "folder")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 0 failed"


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([GOOD, BAD]))
    assert main([str(file), "--json", "--engine", "reference"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["failed"]) == (1, 1)
    assert [one["passed"] for one in said["scenarios"]] == [True, False]


@pytest.mark.parametrize("text", ["", "{", "5", '[{"name": NaN}]', "[" * 100_000, None])
def test_an_unreadable_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    file = tmp_path / "some.json"
    if text is not None:
        file.write_text(text)
    assert main([str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{file} can not be read: ")


# --- drawn step by step ---------------------------------------------------------------------------

ICEBERG = {
    "name": "iceberg",
    "checks": "a taker meets a slice at a time",
    "deposits": {"ann": {"BASE": 9}},
    "steps": [
        {**ASK, "qty": 9, "type": "iceberg", "display": 2, "user": "ann"},
        {"op": "stop", "id": "st", "side": "sell", "trigger": 8, "qty": 1, "user": "bob"},
        {**ADD, "qty": 3, "user": "bob"},
        {"op": "cancel", "id": "7", "user": "bob"},
    ],
    "expect": {"resting": [["9", 6]]},
}
DRAWN = """
iceberg
a taker meets a slice at a time

step 0 ---
add, id 9, side sell, price 10, qty 9, user ann, type iceberg, display 2
bid | price | ask
----+-------+-------------------
    |    10 | 9 9 ann* (2 shown)

user | asset | available | then | held | then
-----+-------+-----------+------+------+-----
ann* | BASE  |         9 |    0 |    0 |    9
ann* | QUOTE |         0 |    0 |    0 |    0
bob  | BASE  |      rich | rich |    0 |    0
bob  | QUOTE |      rich | rich |    0 |    0

step 1 ---
stop, id st, side sell, trigger 8, qty 1, user bob
bid | price | ask
----+-------+------------------
    |    10 | 9 9 ann (2 shown)
sell stop at 8: st 1 bob*

user | asset | available |    then | held | then
-----+-------+-----------+---------+------+-----
ann  | BASE  |         0 |       0 |    9 |    9
ann  | QUOTE |         0 |       0 |    0 |    0
bob* | BASE  |      rich | rich -1 |    0 |    1
bob* | QUOTE |      rich |    rich |    0 |    0

step 2 ---
add, id 1, side buy, price 10, qty 3, tif GTC, user bob
trade: 9 with 1, 2 at 10
trade: 9 with 1, 1 at 10
bid | price | ask
----+-------+------------------
    |    10 | 9 6 ann (1 shown)
sell stop at 8: st 1 bob*

user | asset | available |     then | held | then
-----+-------+-----------+----------+------+-----
ann  | BASE  |         0 |        0 |    9 |    6
ann  | QUOTE |         0 |       30 |    0 |    0
bob* | BASE  |   rich -1 |  rich +2 |    1 |    1
bob* | QUOTE |      rich | rich -30 |    0 |    0

step 3 ---
cancel, id 7, user bob
rejected: unknown_order
bid | price | ask
----+-------+------------------
    |    10 | 9 6 ann (1 shown)
sell stop at 8: st 1 bob*

user | asset | available |     then | held | then
-----+-------+-----------+----------+------+-----
ann  | BASE  |         0 |        0 |    6 |    6
ann  | QUOTE |        30 |       30 |    0 |    0
bob* | BASE  |   rich +2 |  rich +2 |    1 |    1
bob* | QUOTE |  rich -30 | rich -30 |    0 |    0

PASS iceberg
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scenario_is_drawn_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([GOOD, ICEBERG]))
    assert main([str(file), "--show", "iceberg", "--engine", engine]) == 0
    drawn = re.sub(r"(?m)^(step \d+ -{3})-+$", r"\1", capsys.readouterr().out)
    assert "\n".join(line.rstrip() for line in drawn.splitlines()) == DRAWN.strip("\n")


def test_a_drawing_on_a_terminal_has_colours() -> None:
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, width=100, color_system="standard")
    assert list(verdicts([ICEBERG], "reference", terminal)) == [("iceberg", "")]
    assert "\x1b[1;36m9 9 ann*" in file.getvalue()


def test_a_scenario_that_is_drawn_may_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([GOOD, BAD]))
    assert main([str(file), "--show", "bad"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == 'FAIL bad: resting: expected [], got [["1", 5]]'


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("icebreg", "iceberg, bad, good"),
        ("god", "good, bad, iceberg"),
        ("ice", "iceberg, good, bad"),
    ],
)
def test_an_unknown_name_gives_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, nearest: str
) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([GOOD, BAD, ICEBERG]))
    assert main([str(file), "--show", name]) == 2
    said = capsys.readouterr().err
    assert said == f"no scenario is called {name!r}; the nearest names: {nearest}\n"


def test_the_help_shows_how_to_draw_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    example = "--show cancel_newest_over_two_levels"
    assert example in capsys.readouterr().out
    assert example.split()[1] in {one["name"] for _, one in SCENARIOS}
