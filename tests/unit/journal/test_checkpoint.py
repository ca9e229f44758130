import pytest

from bursa.journal.checkpoint import (
    CHECKPOINT_SCHEMA,
    CheckpointDamaged,
    CheckpointHeader,
    decode_checkpoint,
    encode_checkpoint,
)
from engine.errors import CheckpointError
from engine.reference import Engine
from tests.property.random_commands import CAPACITY

HEADER = CheckpointHeader(CHECKPOINT_SCHEMA, 0, 3, 99, 2, 1_000, b"h" * 32)
DATA = encode_checkpoint(HEADER, b"state" * 100)


def test_what_was_written_is_read() -> None:
    assert decode_checkpoint(DATA) == (HEADER, b"state" * 100)


@pytest.mark.parametrize("at", range(0, len(DATA), 7))
def test_any_flipped_bit_is_noticed(at: int) -> None:
    damaged = DATA[:at] + bytes([DATA[at] ^ 4]) + DATA[at + 1 :]

    with pytest.raises(CheckpointDamaged):
        decode_checkpoint(damaged)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 31, 32, 40, len(DATA) - 1])
def test_a_torn_checkpoint_is_noticed(length: int) -> None:
    with pytest.raises(CheckpointDamaged):
        decode_checkpoint(DATA[:length])


def test_an_unknown_schema_is_refused() -> None:
    other = CheckpointHeader(CHECKPOINT_SCHEMA + 1, 0, 3, 99, 2, 1_000, b"h" * 32)

    with pytest.raises(CheckpointDamaged, match="schema"):
        decode_checkpoint(encode_checkpoint(other, b"state"))


def test_what_an_older_version_wrote_is_refused() -> None:
    with pytest.raises(CheckpointDamaged, match=r"has the schema 2.*an older version wrote it"):
        decode_checkpoint(b"BURSASNP" + DATA[8:])


def parts(data: bytes) -> tuple[bytes, bytes]:
    """Return what comes before the compressed state, and the state."""
    start = 12 + int.from_bytes(data[8:12], "little") + 32
    return data[:start], data[start:]


def test_a_state_under_another_ones_header_is_noticed() -> None:
    front, _ = parts(DATA)
    _, packed = parts(encode_checkpoint(HEADER, b"other" * 100))

    with pytest.raises(CheckpointDamaged, match="state is damaged"):
        decode_checkpoint(front + packed)


def test_a_state_that_was_damaged_before_it_was_stored_is_refused_by_the_engine() -> None:
    state = bytearray(Engine(**CAPACITY).checkpoint())
    state[50] ^= 1

    _, read = decode_checkpoint(encode_checkpoint(HEADER, bytes(state)))

    with pytest.raises(CheckpointError, match="checksum"):
        Engine.restore(read)
