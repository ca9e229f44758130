"""Which message of a channel is said to have come before."""

import pytest

from bursa.market_data import channel_sequences
from bursa.market_data.channel_sequences import ChannelSequences, Place

BOOK, ORDERS, BALANCES = ("t1", "book:BTC-USDT"), ("t1", "orders:t1-1"), ("t1", "balances:t1-1")
# The record that ends at the sequence 7 is of the moment 700.


def told(sequences: ChannelSequences, channel: tuple[str, str], sequence: int) -> int:
    """Return the moment that a message of a channel names as the one before."""
    return sequences.replace(channel, Place(sequence, sequence * 100))


def test_the_message_before_is_the_channels_own() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    assert [told(sequences, BOOK, 3), told(sequences, ORDERS, 5)] == [0, 0]
    sequences.follow(6, 9)
    assert [told(sequences, BOOK, 8), told(sequences, ORDERS, 9)] == [300, 500]


def test_a_process_that_begins_later_vouches_for_what_it_has_followed() -> None:
    sequences = ChannelSequences()
    sequences.follow(41, 44)
    assert told(sequences, BOOK, 43) == 4299
    sequences.follow(45, 45)
    assert told(sequences, ORDERS, 45) == 4499
    assert told(sequences, BOOK, 45) == 4300


def test_missing_records_are_not_vouched_for() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    told(sequences, BOOK, 3)
    sequences.follow(8, 9)
    assert [told(sequences, BOOK, 8), told(sequences, ORDERS, 9)] == [799, 899]


def test_a_record_that_is_passed_over_is_not_vouched_for() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 5)
    told(sequences, BOOK, 3)
    sequences.pass_over(9)
    sequences.follow(10, 12)
    assert told(sequences, BOOK, 11) == 1099


def test_the_oldest_channels_are_dropped_and_never_understated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel_sequences, "CHANNELS_KEPT_MAX", 2)
    sequences = ChannelSequences()
    sequences.follow(1, 9)
    for sequence, channel in ((2, BOOK), (3, ORDERS), (4, BOOK), (5, BALANCES)):
        told(sequences, channel, sequence)
    assert told(sequences, ORDERS, 9) == 899
    assert sequences.known_from == 4


def test_a_subscriber_knows_when_its_tenant_was_concerned_last() -> None:
    sequences = ChannelSequences()
    sequences.pass_over(9)
    sequences.subscribed("t1", Place(9, 200))
    sequences.follow(10, 12)
    assert [told(sequences, BOOK, 11), told(sequences, ("t2", "book:BTC-USDT"), 12)] == [200, 1199]


@pytest.mark.parametrize("behind", [8, 5])
def test_a_subscriber_from_before_the_beginning_vouches_for_nothing(behind: int) -> None:
    sequences = ChannelSequences()
    sequences.pass_over(9)
    sequences.subscribed("t1", Place(behind, 200))
    sequences.follow(10, 12)
    assert told(sequences, BOOK, 11) == 1099


def test_what_a_subscriber_knew_ends_where_records_are_missing() -> None:
    sequences = ChannelSequences()
    sequences.follow(1, 9)
    sequences.subscribed("t1", Place(9, 200))
    sequences.follow(12, 13)
    assert told(sequences, BOOK, 13) == 1299
    sequences.subscribed("t1", Place(13, 1300))
    assert told(sequences, ORDERS, 14) == 1300
