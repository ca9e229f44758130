"""The recording's rows become operations; the figures are the recording's own."""

import lzma
from decimal import Decimal
from pathlib import Path

import pytest

from scripts.client import ToolError
from scripts.replay.flow import CancelOrder, PlaceOrder, read_flow, read_tape
from scripts.replay.report import Tally

HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "orders.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def test_results_are_not_requests(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "7,1,1,236.47,200000000,created,bid",
        "7,2,1,236.47,150000000,changed,bid",
        "8,3,1,236.50,2100000,created,ask",
        "7,4,1,236.47,150000000,deleted,bid",
    )
    assert list(read_flow(path)) == [
        PlaceOrder("7", "buy", "236.47", "2"),
        PlaceOrder("8", "sell", "236.5", "0.021"),
        CancelOrder("7"),
    ]


def test_an_order_is_placed_once_and_never_cancelled_before(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "7,1,1,10,100000000,deleted,bid",
        "7,2,1,10,100000000,created,bid",
        "7,3,1,10,100000000,created,bid",
        "7,4,1,10,0,deleted,bid",
    )
    assert list(read_flow(path)) == [PlaceOrder("7", "buy", "10", "1"), CancelOrder("7")]


def test_compressed_files_read_alike(tmp_path: Path) -> None:
    row = "7,1,1,10,100000000,created,ask\n"
    path = tmp_path / "orders.csv.xz"
    path.write_bytes(lzma.compress((HEADER + row).encode()))
    assert list(read_flow(path)) == [PlaceOrder("7", "sell", "10", "1")]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param("7,1,1,ten,1,created,bid", "'ten' is not a number", id="price"),
        pytest.param("7,1,1,NaN,1,created,bid", "'NaN' is not an amount", id="nan"),
        pytest.param("7,1,1,1,-5,created,bid", "'-5' is not an amount", id="negative"),
        pytest.param("7,1,1,1,1,created,up", "bid or ask", id="direction"),
        pytest.param("7,1,1,1,1,moved,bid", "unknown action 'moved'", id="action"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, sentence: str) -> None:
    path = written(tmp_path, row)
    with pytest.raises(ToolError, match=f"orders.csv:2: .*{sentence}"):
        list(read_flow(path))


def test_a_missing_column_and_a_missing_file_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no column volume"):
        list(read_flow(written(tmp_path, header="id,price,action,direction\n")))
    with pytest.raises(ToolError, match="can't be read"):
        list(read_flow(tmp_path / "nowhere.csv"))
    damaged = tmp_path / "damaged.csv.xz"
    damaged.write_bytes(b"not xz")
    with pytest.raises(ToolError, match="can't be read"):
        list(read_flow(damaged))


def test_the_tape_counts_each_trade_once(tmp_path: Path) -> None:
    path = tmp_path / "tape.csv"
    path.write_text("timestamp,id,price,volume\n1,1,10.50,100000000\n2,2,10.5,100000000\n")
    tape = read_tape(path)
    assert tape == [(Decimal("10.5"), Decimal(1))] * 2
    same = (Decimal("10.50"), Decimal("1.0"))
    assert Tally(prints=[same] * 3).summary(tape)["tape_trades_reproduced"] == 2
    assert Tally(prints=[same]).summary(tape)["tape_trades_reproduced"] == 1


def test_latency_percentiles_and_volume_are_summed_up() -> None:
    tally = Tally(
        orders=3,
        cancels=1,
        prints=[(Decimal(1), Decimal("0.1")), (Decimal(1), Decimal("0.2"))],
        latencies_ms=[float(value) for value in range(1, 102)],
        seconds=2.0,
    )
    found = tally.summary(None)
    assert found["volume"] == "0.3"
    assert found["operations_per_s"] == 2.0
    assert found["response_ms"] == {"p50": 51.0, "p99": 100.0}
    assert "tape_trades" not in found
