"""The names of channels: what is one, and what never reaches a key of a table."""

import pytest

from bursa.dialects.native.feed_messages import read_channel
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId

ALICE = AccountId.parse("t1-1")


@pytest.mark.parametrize("name", ["book:BTC-USDT", "trades:A1-B2", "orders", "balances"])
def test_a_channel_is_known_by_its_name(name: str) -> None:
    assert read_channel(name, ALICE).kind == name.partition(":")[0]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "book",
        "book:",
        "book:btc-usdt",
        "book:BTC/USDT",
        "book:BTC-USDT#x",
        "book:BTC-USDT\n",
        "book:\N{FULLWIDTH LATIN CAPITAL LETTER B}TC-USDT",
        "book:" + "A" * 41,
        "book:" + "A" * 3_000,
        "x" * 3_000,
        "orders:t1-2",
        "orders:",
        "balances:BTC",
        "Book:BTC-USDT",
    ],
)
def test_anything_else_is_refused_with_one_code(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_channel(name, ALICE)
    assert refused.value.code == "unknown_channel"
