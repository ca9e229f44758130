"""Decoded events agree with their packed words."""

from typing import Any

import pytest

from wire import layout as w
from wire.codec import (
    decode_events,
    encode_advance_time,
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_place,
    encode_reject,
)
from wire.events import Balance, Level, Order, Result, Trade

TENANT, BASE, QUOTE, MARKET = w.TENANT_MAX, w.ASSET_MAX, w.ASSET_MAX - 1, w.MARKET_MAX
BUYER = w.account_number(TENANT, w.ACCOUNT_INDEX_MAX)
SELLER = w.account_number(TENANT, 1)


def decoded(events: bytes, kind: type) -> list[Any]:
    return [event for event in decode_events(events) if type(event) is kind]


def test_the_largest_numbers_come_back(engine_class: Any) -> None:
    engine = engine_class(orders=9, accounts=9, balances=9, holds=9, remembered_ids=9)
    setup = [
        encode_advance_time(w.TIME_MS_MAX),
        encode_define_asset(BASE, TENANT, 0, "B"),
        encode_define_asset(QUOTE, TENANT, 0, "Q"),
        encode_define_market(MARKET, TENANT, BASE, QUOTE, lot_units=1, tick_units=1, symbol="M"),
        encode_funds(w.COMMAND_CREDIT, SELLER, BASE, 9),
        encode_funds(w.COMMAND_CREDIT, BUYER, QUOTE, w.AMOUNT_MAX),
    ]
    engine.apply(b"".join(setup))
    sell = engine.apply(encode_place(SELLER, MARKET, w.SIDE_SELL, w.PRICE_MAX, 2))
    buy = engine.apply(encode_place(BUYER, MARKET, w.SIDE_BUY, w.PRICE_MAX, 2))

    assert decoded(sell, Level) == [Level(7, MARKET, w.SIDE_SELL, w.PRICE_MAX, 2)]
    assert decoded(sell, Balance) == [Balance(7, SELLER, BASE, 7, 2)]
    (result,), (trade,) = decoded(buy, Result), decoded(buy, Trade)
    assert (result.time_ms, result.account, result.order_id) == (w.TIME_MS_MAX, BUYER, 8)
    assert (result.filled_quantity, result.filled_quote) == (2, 2 * w.PRICE_MAX)
    assert (trade.market, trade.price, trade.taker_side) == (MARKET, w.PRICE_MAX, w.SIDE_BUY)
    assert {(order.order_id, order.market, order.status) for order in decoded(buy, Order)} == {
        (7, MARKET, w.STATUS_FILLED),
        (8, MARKET, w.STATUS_FILLED),
    }


@pytest.mark.parametrize("reason", w.REASON_NAMES)
def test_every_reason_comes_back(engine_class: Any, reason: int) -> None:
    engine = engine_class(orders=9, accounts=9, balances=9, holds=9, remembered_ids=9)
    (result,) = decode_events(engine.apply(encode_reject(SELLER, reason)))
    assert isinstance(result, Result)
    assert (result.command_kind, result.reason) == (
        w.COMMAND_REJECT,
        reason or w.REASON_MALFORMED_COMMAND,
    )


def test_the_first_word_of_an_event_is_never_negative() -> None:
    top = w.EVENT_KIND_LAST << w.EVENT_KIND_SHIFT
    below = 1 << w.EVENT_KIND_SHIFT
    assert top + below <= 1 << 63
    assert below >= (w.TIME_MS_MAX + 1) << w.RESULT_TIME_SHIFT
    assert w.REASON_LAST <= w.RESULT_REASON_MASK
    assert w.COMMAND_KIND_LAST <= w.RESULT_COMMAND_MASK
    assert below >= (w.MARKET_MAX + 1) << w.LEVEL_MARKET_SHIFT
