"""No user can spend more than it has, however orders, stops and modes meet.

A small world, so that its corners are met: one market, prices and quantities of one digit, and
balances that pay for an order or two. Every command is checked, and the engines agree. A history
comes back by its seed.
"""

import random
from typing import Any

import pytest

from tests.unit.engine.engines import ENGINES
from wire import layout as w
from wire.codec import (
    encode_cancel,
    encode_change,
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_place,
    encode_set_account,
    encode_set_fee_tier,
    encode_set_market_state,
)

BASE, QUOTE, MARKET = 1, 2, 1
ACCOUNTS = tuple(w.account_number(1, index) for index in (1, 2, 3))
CAPACITY = {"orders": 64, "accounts": 8, "balances": 16, "holds": 1, "remembered_ids": 8}
HISTORIES, LENGTH = 1_000, 30
TYPES = (*(w.TYPE_LIMIT,) * 2, w.TYPE_MARKET, *w.TYPE_NAMES)
FEES = ((0, 0), (90_000, 100_000), (-100_000, 100_000))


def opening(draw: random.Random) -> bytes:
    """Return the commands that give three users of one market a little money."""
    setup = [
        encode_define_asset(BASE, 1, 0, "B"),
        encode_define_asset(QUOTE, 1, 0, "Q"),
        encode_define_market(MARKET, 1, BASE, QUOTE, lot_units=1, tick_units=1, symbol="B-Q"),
        encode_set_fee_tier(1, 0, *draw.choice(FEES)),
        *(encode_set_account(account, stp_group=7) for account in ACCOUNTS[:2]),
    ]
    setup += [
        encode_funds(w.COMMAND_CREDIT, account, asset, draw.randint(1, 60))
        for account in ACCOUNTS
        for asset in (BASE, QUOTE)
    ]
    return b"".join(setup)


def random_command(draw: random.Random, sequence: int) -> bytes:
    """Return a command: mostly a PLACE of any type; some changes, cancels and auctions."""
    account, price, quantity = draw.choice(ACCOUNTS), draw.randint(1, 9), draw.randint(1, 9)
    kind = draw.randrange(12)
    if kind == 0:
        # Mostly back to trading, or little else would happen.
        state = draw.choice((w.STATE_OPEN, w.STATE_OPEN, w.STATE_OPEN, w.STATE_AUCTION))
        return encode_set_market_state(MARKET, state)
    if kind == 1:
        return encode_cancel(account, draw.randint(1, sequence))
    if kind == 2:
        return encode_change(
            account,
            draw.randint(1, sequence),
            replace=draw.random() < 0.5,
            price=price,
            quantity=quantity,
        )
    order_type, side = draw.choice(TYPES), draw.choice((w.SIDE_BUY, w.SIDE_SELL))
    marketable = order_type in w.types_in(w.MARKETABLE_TYPES)
    by_quote = order_type == w.TYPE_MARKET and side == w.SIDE_BUY and draw.random() < 0.2
    times = (w.TIF_IOC,) if by_quote else (w.TIF_IOC, w.TIF_FOK)
    time_in_force = draw.choice(times if marketable else (w.TIF_GTC, w.TIF_GTC, *times))
    iceberg = time_in_force == w.TIF_GTC and draw.random() < 0.3
    return encode_place(
        account,
        MARKET,
        side,
        0 if marketable else price,
        0 if by_quote else quantity,
        order_type=order_type,
        time_in_force=time_in_force,
        stp=draw.choice(list(w.STP_NAMES)),
        stp_by_group=draw.random() < 0.5,
        quote_amount=price * quantity if by_quote else 0,
        trigger_price=draw.randint(1, 9) if order_type in w.types_in(w.STOP_TYPES) else 0,
        display_quantity=draw.randint(1, quantity) if iceberg else 0,
    )


@pytest.mark.parametrize("name", ENGINES)
def test_no_one_spends_more_than_it_has(name: str) -> None:
    for seed in range(HISTORIES):
        draw = random.Random(seed)
        engine: Any = ENGINES[name](**CAPACITY)
        reference: Any = ENGINES["reference"](**CAPACITY)
        setup = opening(draw)
        assert engine.apply(setup) == reference.apply(setup)
        for _ in range(LENGTH):
            one = random_command(draw, reference.sequence)
            assert engine.apply(one) == reference.apply(one), f"seed {seed}"
        engine.check()
        reference.check()
