import importlib

import pytest

from wire import layout as w
from wire.codec import encode, encode_advance_time, encode_place

ACCOUNT = w.account_number(1, 1)
OTHER = w.account_number(1, 2)


@pytest.mark.parametrize("name", ["core", "reference"])
def test_what_is_due_next_is_the_earliest_expiry_or_countdown(name: str) -> None:
    engine = importlib.import_module(f"engine.{name}").Engine()
    commands = [
        encode_advance_time(1_000),
        encode(w.COMMAND_DEFINE_ASSET, 0, 1, 1, 8, 65, 0),
        encode(w.COMMAND_DEFINE_ASSET, 0, 2, 1, 8, 66, 0),
        encode(w.COMMAND_DEFINE_MARKET, 0, 1, 1, 1, 2, 1, 1, w.STATE_OPEN, 67, 0),
        encode(w.COMMAND_CREDIT, ACCOUNT, 1, 1_000),
        encode(w.COMMAND_CREDIT, OTHER, 1, 1_000),
    ]
    engine.apply(b"".join(commands))
    assert engine.next_due_ms == 0

    for expire_ms in (9_000, 5_000, 7_000):
        order = encode_place(
            ACCOUNT, 1, w.SIDE_SELL, 10, 5, time_in_force=w.TIF_GTD, expire_ms=expire_ms
        )
        engine.apply(order)
    assert engine.next_due_ms == 5_000

    engine.apply(encode(w.COMMAND_CANCEL_ALL_AFTER, OTHER, 2_500))
    assert engine.next_due_ms == 3_500

    engine.apply(encode_advance_time(3_500))
    assert engine.next_due_ms == 5_000
    engine.apply(encode_advance_time(8_000))
    assert engine.next_due_ms == 9_000
    engine.apply(encode_advance_time(9_000))
    assert engine.next_due_ms == 0
