from dataclasses import replace

import pytest

from bursa.journal.record import RECORD_SCHEMA, EncodedRecord, RecordError, record_hash
from bursa.journal.replica import Head, JournalBroken, Replica
from tests.doubles.toy_engine import ToyEngine
from tests.unit.worker.fakes import credit, record


def first_record() -> EncodedRecord:
    return record(Head(), credit(5), ToyEngine().apply(credit(5)))


def sealed(encoded: EncodedRecord, **changes: object) -> EncodedRecord:
    changed = replace(encoded, **changes)  # type: ignore[arg-type]
    return replace(changed, hash=record_hash(changed))


def test_a_good_record_moves_the_head() -> None:
    replica = Replica(ToyEngine(), Head())
    encoded = first_record()
    replica.follow(encoded)

    assert replica.head == Head(1, 1, 1, 5, encoded.hash)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"first_sequence": 2, "last_sequence": 2}, "begins at", id="a gap"),
        pytest.param({"number": 2}, "is number", id="a record is missing"),
        pytest.param({"previous_hash": b"x" * 32}, "chained", id="another history"),
        pytest.param({"last_sequence": 0}, "ends at", id="covers nothing"),
    ],
)
def test_a_record_that_does_not_follow_is_refused(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(JournalBroken, match=fault):
        Replica(ToyEngine(), Head()).follow(sealed(first_record(), **changes))


def test_an_epoch_never_falls() -> None:
    head = Head(epoch=2)

    with pytest.raises(JournalBroken, match="epoch 1 after 2"):
        Replica(ToyEngine(), head).follow(first_record())


def test_a_flipped_bit_is_noticed() -> None:
    encoded = first_record()
    body = bytes([encoded.body[0] ^ 1]) + encoded.body[1:]

    with pytest.raises(RecordError):
        Replica(ToyEngine(), Head()).follow(replace(encoded, body=body))


def test_other_events_than_this_engines_are_refused() -> None:
    encoded = record(Head(), credit(5), ToyEngine().apply(credit(6, number=9)))

    with pytest.raises(JournalBroken, match="events"):
        Replica(ToyEngine(), Head()).follow(encoded)


def test_a_state_of_another_digest_is_refused() -> None:
    engine = ToyEngine()
    engine.apply(credit(5))
    true = sealed(first_record(), state_digest=engine.digest())
    Replica(ToyEngine(), Head()).follow(true)

    with pytest.raises(JournalBroken, match="digests differ"):
        Replica(ToyEngine(), Head()).follow(sealed(true, state_digest=engine.digest() ^ 1))


@pytest.mark.parametrize(
    ("step", "advice"), [(-3, "start that one"), (1, "install that one")], ids=["older", "newer"]
)
def test_a_record_of_another_schema_is_refused_with_what_to_do(step: int, advice: str) -> None:
    other = sealed(first_record(), schema=RECORD_SCHEMA + step)
    with pytest.raises(RecordError, match=advice):
        Replica(ToyEngine(), Head()).follow(other)


def test_an_engine_must_be_at_the_head() -> None:
    with pytest.raises(JournalBroken):
        Replica(ToyEngine(), Head(number=1, last_sequence=9))
