"""Checkpoints, garbage and damage: refused with a clear error, state untouched."""

import json
import random
import struct
from array import array
from pathlib import Path
from typing import Any

import pytest

from engine.core import COMPILED
from engine.core import Engine as FastEngine
from engine.core import records as r
from engine.core.index import find_order
from engine.errors import CheckpointError, InvariantViolation
from engine.reference import Engine as ReferenceEngine
from engine.reference.model import Balance
from tests.property.random_commands import CAPACITY, command, world
from tests.unit.engine import golden
from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, MARKET, QUOTE, SELL, TENANT, Desk
from tests.unit.engine.engines import ENGINES
from wire import layout as w
from wire.codec import (
    decode_commands,
    decode_events,
    encode_cancel,
    encode_cancel_all,
    encode_define_market,
    encode_place,
)
from wire.events import DecodeError, Result

GOLDEN = golden.CHECKPOINT


def history(seed: int, count: int) -> list[bytes]:
    """Return a random history of commands, the same for a seed."""
    draw = random.Random(seed)
    engine = ReferenceEngine(**CAPACITY)
    commands = [world()]
    engine.apply(commands[0])
    for _ in range(count):
        commands.append(command(draw.getrandbits(160), engine))
        engine.apply(commands[-1])
    return commands


def test_checkpoint_plus_tail_is_full_replay_at_every_cut(engine_class: Any) -> None:
    commands = history(3, 150)
    whole = engine_class(**CAPACITY)
    outputs = [whole.apply(commands[0])]
    checkpoints = [whole.checkpoint()]
    for one in commands[1:]:
        outputs.append(whole.apply(one))
        checkpoints.append(whole.checkpoint())
    for cut in range(0, len(commands), 7):
        engine = engine_class.restore(checkpoints[cut])
        tail = engine.apply(b"".join(commands[cut + 1 :]))
        assert tail == b"".join(outputs[cut + 1 :])
        assert engine.digest() == whole.digest()
        assert engine.checkpoint() == checkpoints[-1]
        engine.check()


def test_batches_make_no_difference(engine_class: Any) -> None:
    commands = b"".join(history(4, 100))
    whole, parts = engine_class(**CAPACITY), engine_class(**CAPACITY)
    output = whole.apply(commands)
    pieces = [
        parts.apply(commands[start : start + 3 * w.COMMAND_BYTES])
        for start in range(0, len(commands), 3 * w.COMMAND_BYTES)
    ]
    assert b"".join(pieces) == output
    assert parts.digest() == whole.digest()


def test_a_different_history_has_a_different_digest(engine_class: Any) -> None:
    digests = set()
    for seed in range(20):
        engine = engine_class(**CAPACITY)
        for one in history(seed, 5):
            engine.apply(one)
        digests.add(engine.digest())
    assert len(digests) == 20


@pytest.mark.parametrize("file", golden.ALL, ids=lambda file: file.stem)
def test_golden_checkpoint_is_still_read(engine_class: Any, file: Path) -> None:
    engine = engine_class.restore(file.read_bytes())
    engine.check()
    # What the engine said of itself on the day the file was written.
    said = json.dumps(golden.statement(engine))
    assert json.loads(said) == json.loads(file.with_suffix(".json").read_text())
    # It also goes on as the engine that wrote it did.
    first, again = ReferenceEngine.restore(file.read_bytes()), engine
    draw = random.Random(9)
    for _ in range(50):
        one = command(draw.getrandbits(160), first)
        assert again.apply(one) == first.apply(one)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other", "version"])
def test_damaged_checkpoint(engine_class: Any, damage: str) -> None:
    whole = GOLDEN.read_bytes()
    draw = random.Random(5)
    for _ in range(30):
        data = bytearray(whole)
        if damage == "flip":
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        elif damage == "cut":
            data = data[: draw.randrange(len(data))]
        elif damage == "empty":
            data = bytearray()
        elif damage == "other":
            data = bytearray(draw.randbytes(500))
        else:
            data[8] = 99
        with pytest.raises(CheckpointError):
            engine_class.restore(bytes(data))


@pytest.mark.parametrize("length", [1, 127, 129, 200])
def test_part_of_a_command(desk: Desk, length: int) -> None:
    before = desk.engine.checkpoint()
    with pytest.raises(ValueError, match=f"{length} bytes are not whole commands of 128 bytes"):
        desk.engine.apply(bytes(length))
    assert desk.engine.checkpoint() == before


def test_random_words_never_get_through(engine_class: Any) -> None:
    draw = random.Random(6)
    garbage = [draw.randbytes(w.COMMAND_BYTES) for _ in range(300)]
    engine, reference = engine_class(**CAPACITY), ReferenceEngine(**CAPACITY)
    for one in garbage:
        output = engine.apply(one)
        assert output == reference.apply(one)
        (result,) = decode_events(output)
        assert isinstance(result, Result)
        assert not result.accepted
    engine.check()


ACCEPTED_PLACE = w.EVENT_RESULT << w.EVENT_KIND_SHIFT | w.COMMAND_PLACE


def packed(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}q", *words)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"1234567", id="odd"),
        pytest.param(bytes(8), id="no kind"),
        pytest.param(packed(-1), id="negative"),
        pytest.param(packed(w.EVENT_TRADE << w.EVENT_KIND_SHIFT, *bytes(10)), id="no result"),
        pytest.param(packed(ACCEPTED_PLACE, 1), id="cut short"),
        pytest.param(packed(ACCEPTED_PLACE, *bytes(6), 0), id="no kind after a result"),
        pytest.param(
            packed(ACCEPTED_PLACE, *bytes(6), w.EVENT_TRADE << w.EVENT_KIND_SHIFT, 1),
            id="a trade cut short",
        ),
    ],
)
def test_decoding_garbage(data: bytes) -> None:
    with pytest.raises(DecodeError):
        list(decode_events(data))


def test_decoding_part_of_a_command() -> None:
    with pytest.raises(DecodeError):
        decode_commands(bytes(130))


def test_check_finds_money_without_a_deposit() -> None:
    engine = ReferenceEngine()
    Desk(engine)
    engine.state.balances[ALICE, 1].available += 1
    with pytest.raises(InvariantViolation, match="supply"):
        engine.check()


def test_check_finds_what_is_held_for_nothing() -> None:
    engine = ReferenceEngine()
    Desk(engine)
    engine.state.balances[ALICE, 1] = Balance(ALICE, 1, available=999_999, held=1)
    with pytest.raises(InvariantViolation, match="held"):
        engine.check()


@pytest.mark.skipif(not COMPILED, reason="the engine is not compiled")
def test_every_market_there_can_be_has_room_for_its_books() -> None:
    # One open order at a time, in each book of each market: what is empty again keeps some memory.
    engine = FastEngine(orders=1, accounts=8, balances=16, holds=1, remembered_ids=1)
    Desk(engine)
    numbers = range(MARKET + 1, w.MARKET_MAX + 1)
    limits = [encode_place(ALICE, 0, side, 1, 1) for side in (BUY, SELL)]
    stops = [
        encode_place(ALICE, 0, side, 1, 1, order_type=w.TYPE_STOP_LIMIT, trigger_price=1)
        for side in (BUY, SELL)
    ]
    for number in numbers:
        commands = encode_define_market(
            number, TENANT, BASE, QUOTE, lot_units=1, tick_units=1, symbol=str(number)
        )
        for order in limits + stops:
            words = array("q", order)
            words[w.PLACE_MARKET] = number
            commands += words.tobytes() + encode_cancel_all(ALICE)
        results = [one for one in decode_events(engine.apply(commands)) if isinstance(one, Result)]
        assert all(one.accepted for one in results)
    engine.check()


def harm_level(engine: Any, order_id: int) -> None:
    level = engine.m[find_order(engine, order_id) + r.O_LEVEL]
    engine.m[level + r.L_TOTAL] += 1


def harm_held(engine: Any, order_id: int) -> None:
    balance = engine.m[find_order(engine, order_id) + r.O_BALANCE]
    engine.m[balance + r.BAL_HELD] += 1


def harm_available(engine: Any, order_id: int) -> None:
    balance = engine.m[find_order(engine, order_id) + r.O_BALANCE]
    engine.m[balance + r.BAL_AVAILABLE] = -1_000_000


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (harm_level, "level without orders"),
        (harm_held, "held for an account"),
        (harm_available, "negative"),
    ],
)
def test_a_batch_finds_what_is_wrong_where_it_works(harm: Any, rule: str) -> None:
    # Only the interpreted core can be harmed from outside; the compiled one is the same source.
    desk = Desk(ENGINES["interpreted"]())
    order_id = desk.place(ALICE, BUY, 100, 1)
    harm(desk.engine, order_id)
    with pytest.raises(InvariantViolation, match=rule):
        desk.engine.apply(encode_cancel(ALICE, order_id))


def test_a_batch_finds_a_crossed_book(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import execution  # noqa: PLC0415

    desk = Desk(ENGINES["interpreted"]())
    desk.place(ALICE, BUY, 100, 1)
    monkeypatch.setattr(execution, "match", lambda *_: w.CLOSE_NONE)
    with pytest.raises(InvariantViolation, match="crossed"):
        desk.engine.apply(encode_place(BOB, MARKET, SELL, 100, 1))


def test_an_internal_error_is_one_commands_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the interpreted core can be broken from outside; the compiled one is the same source.
    from engine.core import dispatch  # noqa: PLC0415

    desk = Desk(ENGINES["interpreted"]())

    def broken(*_: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "place_order", broken)
        assert desk.rejection(ALICE, BUY, 100, 1, command_id=(1, 1)) == "internal_error"
        two = encode_place(ALICE, MARKET, BUY, 100, 1) + encode_place(ALICE, MARKET, BUY, 1, 1)
        results = list(decode_events(desk.engine.apply(two)))
        reasons = [event.reason for event in results if isinstance(event, Result)]
        assert reasons == [w.REASON_INTERNAL_ERROR] * 2
    assert desk.rejection(ALICE, BUY, 100, 1, command_id=(1, 1)) == "duplicate_command"
    assert desk.rejection(ALICE, BUY, 100, 1) == "accepted"
