"""A short history with every kind of command and of event, the same each time."""

from typing import Any

from engine.reference import Engine
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, NOON_MS, USDT, Shard, buy, sell
from wire import codec
from wire import layout as w

FEES = w.account_number(1, 0)
WITHDRAWAL, FEE_HOLD = 7, 8
ASKED = {
    "time_ms": NOON_MS,
    "actor": w.ACTOR_USER << w.ACTOR_KIND_SHIFT | 0xA11CE,
}


def funds(kind: int, account: int, asset: int, amount: int, **names: Any) -> bytes:
    """Return a command about money, with a reference."""
    return codec.encode_funds(kind, account, asset, amount, reference=(1, amount), **names)


def split(commands: bytes) -> list[bytes]:
    """Return commands one by one."""
    starts = range(0, len(commands), w.COMMAND_BYTES)
    return [commands[start : start + w.COMMAND_BYTES] for start in starts]


def history() -> Shard:
    """Return a shard with all records of the history."""
    shard = Shard()
    shard.run(
        codec.encode_epoch(2, (5, 6)),
        codec.encode_set_account(ALICE, tier=0, stp_group=3),
        codec.encode_set_fee_tier(1, 1, -100, 1_500),
        codec.encode_set_tenant_limits(1, orders_per_market=200, orders=1 << 19, holds=100),
    )
    shard.run(
        sell(BOB, 110, 50, command_id=(1, 1), **ASKED),
        sell(BOB, 111, 50, display_quantity=10),
        buy(ALICE, 90, 40, command_id=(1, 2), **ASKED),
        buy(ALICE, 89, 40, time_in_force=w.TIF_GTD, expire_ms=NOON_MS + 3_600_000),
        client_order_ids={0: "ask-1", 2: "bid-1"},
    )
    # The same again: a duplicate.
    shard.run(sell(BOB, 110, 50, command_id=(1, 1), **ASKED))
    shard.run(
        buy(ALICE, 110, 20),
        buy(ALICE, 0, 0, order_type=w.TYPE_MARKET, quote_amount=1_000),
        codec.encode_place(
            ALICE,
            BTC_USDT,
            w.SIDE_BUY,
            120,
            5,
            order_type=w.TYPE_STOP_LIMIT,
            trigger_price=115,
        ),
        codec.encode_place(
            BOB,
            BTC_USDT,
            w.SIDE_SELL,
            0,
            5,
            order_type=w.TYPE_TRAILING_STOP_LIMIT,
            trail=w.TRAIL_PPM + 50_000,
            limit_offset=2,
        ),
    )
    shard.run(
        codec.encode_change(ALICE, command_of(shard, ALICE), quantity=10),
        codec.encode_change(BOB, command_of(shard, BOB), replace=True, price=112),
        codec.encode_cancel(ALICE, target=(1, 2)),
    )
    shard.run(
        funds(w.COMMAND_DEBIT, ALICE, USDT, 1_000),
        codec.encode_funds(w.COMMAND_HOLD, ALICE, USDT, 500, hold_id=WITHDRAWAL),
        codec.encode_funds(w.COMMAND_HOLD, ALICE, USDT, 50, hold_id=FEE_HOLD),
        funds(w.COMMAND_CAPTURE, ALICE, USDT, 200, hold_id=WITHDRAWAL),
        codec.encode_funds(w.COMMAND_RELEASE, ALICE, USDT, 0, hold_id=FEE_HOLD),
        funds(w.COMMAND_TRANSFER, ALICE, USDT, 70, to_account=BOB),
        funds(w.COMMAND_TRANSFER, ALICE, USDT, 30, to_account=FEES),
    )
    shard.run(
        codec.encode_set_market_state(BTC_USDT, w.STATE_AUCTION),
        buy(ALICE, 112, 5),
        codec.encode_cancel_all_after(ALICE, 60_000),
        codec.encode_reject(BOB, w.REASON_MALFORMED_COMMAND),
    )
    shard.run(codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN))
    shard.run(
        *split(
            codec.encode_list(
                sell(ALICE, 130, 2),
                codec.encode_place(
                    *(ALICE, BTC_USDT, w.SIDE_SELL, 0, 2),
                    order_type=w.TYPE_STOP_MARKET,
                    trigger_price=60,
                ),
                buy(ALICE, 100, 2, command_id=(1, 9), **ASKED),
            )
        ),
        sell(BOB, 100, 1),
        codec.encode_cancel(ALICE, target=(1, 9)),
        client_order_ids={2: "entry-1"},
    )
    shard.run(codec.encode_cancel_all(BOB), codec.encode_funds(w.COMMAND_CREDIT, BOB, BTC, 1))
    return shard


def command_of(shard: Shard, account: int) -> int:
    """Return the id of an account's oldest open order."""
    return next(iter(shard.engine.state.accounts[account].orders))


def goes_on(engine: Engine) -> bytes:
    """Return the events of a last batch, for an engine that was restored."""
    return engine.apply(
        codec.encode_advance_time(NOON_MS + 7_200_000)
        + buy(ALICE, 109, 3)
        + sell(BOB, 100, 9)
        + codec.encode_cancel_all(ALICE)
    )
