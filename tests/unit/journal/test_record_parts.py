"""Records whose bodies are too large for one item."""

import random
from dataclasses import replace

import pytest

from bursa.journal.record import (
    PART_BYTES_MAX,
    EncodedRecord,
    RecordError,
    decode_record,
    join_record,
    record_hash,
    split_record,
)
from bursa.journal.replica import Head
from tests.unit.worker.fakes import credit, record

PART = 1_000
EVENTS = random.Random(1).randbytes(2_900)
WHOLE = record(Head(), credit(1), EVENTS)
HEAD, PARTS = split_record(WHOLE, PART)
DATA = [part.data for part in PARTS]
OTHERS = [part.data for part in split_record(record(Head(), credit(1), EVENTS[::-1]), PART)[1]]


def test_a_small_body_stays_in_the_record() -> None:
    small = record(Head(), credit(1))
    assert split_record(small) == (small, [])


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_body_is_cut_where_it_no_longer_fits(spare: int) -> None:
    head, parts = split_record(WHOLE, len(WHOLE.body) + spare)
    assert len(parts) == (2 if spare < 0 else 0)
    assert join_record(head, [part.data for part in parts]) == WHOLE


def test_parts_and_head_fit_into_items_and_hold_everything_once() -> None:
    head, parts = split_record(record(Head(), credit(1), random.Random(1).randbytes(10**6)))
    assert (head.body, head.parts) == (b"", len(parts))
    assert [part.index for part in parts] == list(range(len(parts)))
    assert all(0 < len(part.data) <= PART_BYTES_MAX < 400_000 for part in parts)


def test_the_same_record_is_cut_alike_each_time() -> None:
    assert split_record(WHOLE, PART) == (HEAD, PARTS)


def test_a_joined_record_is_the_one_that_was_cut() -> None:
    assert join_record(HEAD, DATA) == WHOLE
    assert decode_record(join_record(HEAD, DATA)).events == EVENTS


def test_a_record_that_was_not_cut_is_joined_as_it_is() -> None:
    assert join_record(WHOLE, []) == WHOLE


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="none"),
        pytest.param(DATA[:-1], id="one missing"),
        pytest.param([*DATA, b"more"], id="one too many"),
        pytest.param([DATA[0], DATA[2], DATA[1]], id="in another order"),
        pytest.param([DATA[0], DATA[0], DATA[2]], id="one twice"),
        pytest.param([DATA[0][:-1] + b"!", *DATA[1:]], id="damaged"),
        pytest.param([DATA[0][:-1], *DATA[1:]], id="cut short"),
        pytest.param([*DATA[:-1], OTHERS[-1]], id="one of another record"),
        pytest.param(OTHERS, id="all of another record"),
    ],
)
def test_a_record_without_its_own_parts_cant_be_opened(parts: list[bytes]) -> None:
    with pytest.raises(RecordError):
        decode_record(join_record(HEAD, parts))


def sealed(body: bytes) -> EncodedRecord:
    forged = replace(WHOLE, body=body)
    return replace(forged, hash=record_hash(forged))


def test_a_body_that_claims_to_be_huge_is_refused_before_memory_is_taken() -> None:
    # A Zstandard frame header (RFC 8878, 3.1.1) that announces 2^60 bytes, and nothing after it.
    claim = bytes.fromhex("28b52ffd") + b"\xe0" + (1 << 60).to_bytes(8, "little")
    with pytest.raises(RecordError, match="too large"):
        decode_record(sealed(claim))


def test_a_body_without_content_is_refused() -> None:
    with pytest.raises(RecordError):
        decode_record(sealed(b""))
