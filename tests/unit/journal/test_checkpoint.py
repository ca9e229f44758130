import pytest

from bursa.journal.checkpoint import (
    SNAPSHOT_SCHEMA,
    SnapshotDamaged,
    SnapshotHeader,
    decode_snapshot,
    encode_snapshot,
)

HEADER = SnapshotHeader(SNAPSHOT_SCHEMA, 0, 3, 99, 2, 1_000, b"h" * 32)
DATA = encode_snapshot(HEADER, b"state" * 100)


def test_what_was_written_is_read() -> None:
    assert decode_snapshot(DATA) == (HEADER, b"state" * 100)


@pytest.mark.parametrize("at", range(0, len(DATA), 7))
def test_any_flipped_bit_is_noticed(at: int) -> None:
    damaged = DATA[:at] + bytes([DATA[at] ^ 4]) + DATA[at + 1 :]

    with pytest.raises(SnapshotDamaged):
        decode_snapshot(damaged)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 31, 32, 40, len(DATA) - 1])
def test_a_torn_snapshot_is_noticed(length: int) -> None:
    with pytest.raises(SnapshotDamaged):
        decode_snapshot(DATA[:length])


def test_an_unknown_schema_is_refused() -> None:
    other = SnapshotHeader(SNAPSHOT_SCHEMA + 1, 0, 3, 99, 2, 1_000, b"h" * 32)

    with pytest.raises(SnapshotDamaged, match="schema"):
        decode_snapshot(encode_snapshot(other, b"state"))
