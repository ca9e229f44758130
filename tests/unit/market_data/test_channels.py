"""The names of channels: what is one, and what never reaches a key of a table."""

import pytest

from bursa.dialects.native.feed_messages import channel_name, read_channel
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from bursa.market_data.channels import Channel

ALICE = AccountId.parse("t1-1")


@pytest.mark.parametrize(
    "name",
    [
        *("book:BTC-USDT", "book:BTC-USDT:20", "book:BTC-USDT:100", "trades:A1-B2", "markets"),
        *("ticker:BTC-USDT", "candles:BTC-USDT:1m", "candles:BTC-USDT:1d"),
        "candles:BTC-USDT:1w",
        *("orders", "fills", "balances"),
    ],
)
def test_a_channel_is_known_by_its_name(name: str) -> None:
    channel = read_channel(name, ALICE)
    assert channel_name(channel) == name
    assert Channel.of_key(channel.key) == channel


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
        "book:BTC-USDT:",
        "book:BTC-USDT:5",
        "book:BTC-USDT:20:20",
        "trades:BTC-USDT:20",
        "ticker",
        "candles:BTC-USDT",
        "candles:BTC-USDT:2m",
        "candles:BTC-USDT:3d",
        "markets:BTC-USDT",
        "markets:",
        "fills:t1-2",
        "toString",
    ],
)
def test_anything_else_is_refused_with_one_code(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_channel(name, ALICE)
    assert refused.value.code == "unknown_channel"
