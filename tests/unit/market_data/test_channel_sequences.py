"""Which message of a channel is said to have come before."""

import pytest

from bursa.market_data import channel_sequences
from bursa.market_data.channel_sequences import ChannelSequences

BOOK, ORDERS, BALANCES = ("t1", "book:BTC-USDT"), ("t1", "orders:t1-1"), ("t1", "balances:t1-1")


def test_the_message_before_is_the_channels_own() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    assert [sequences.replace(BOOK, 3), sequences.replace(ORDERS, 5)] == [0, 0]
    sequences.follow(6, 9)
    assert [sequences.replace(BOOK, 8), sequences.replace(ORDERS, 9)] == [3, 5]


def test_a_process_that_begins_later_vouches_for_what_it_has_followed() -> None:
    sequences = ChannelSequences()
    sequences.follow(41, 44)
    assert sequences.replace(BOOK, 43) == 40
    sequences.follow(45, 45)
    assert sequences.replace(ORDERS, 45) == 40


def test_missing_records_are_not_vouched_for() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    sequences.replace(BOOK, 3)
    sequences.follow(8, 9)
    assert [sequences.replace(BOOK, 8), sequences.replace(ORDERS, 9)] == [7, 7]


def test_a_record_that_is_passed_over_is_not_vouched_for() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    sequences.replace(BOOK, 3)
    sequences.pass_over(9)
    sequences.follow(10, 12)
    assert sequences.replace(BOOK, 11) == 9


def test_the_oldest_channels_are_dropped_and_never_understated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel_sequences, "CHANNELS_KEPT_MAX", 2)
    sequences = ChannelSequences()
    sequences.follow(1, 9)
    for sequence, channel in ((2, BOOK), (3, ORDERS), (4, BOOK), (5, BALANCES)):
        sequences.replace(channel, sequence)
    assert sequences.replace(ORDERS, 9) == 3
    assert sequences.known_from == 4
