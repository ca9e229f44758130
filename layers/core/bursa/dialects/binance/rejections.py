"""What each of the engine's reasons is on this wire. A test compares it with the engine's list."""

from collections.abc import Mapping
from typing import Final

from bursa.dialects.binance.errors import (
    BUSY,
    DUPLICATE_ORDER,
    INSUFFICIENT_BALANCE,
    INVALID_ORDER_TYPE,
    INVALID_SIDE,
    INVALID_SYMBOL,
    INVALID_TIME_IN_FORCE,
    UNKNOWN_FAULT,
    UNKNOWN_ORDER,
    UNSUPPORTED_COMBINATION,
    WRONG_PRICES,
    BinanceError,
    Text,
    error,
)
from wire import layout as w

_CLOSED: Final = Text(-2010, "Market is closed.")
_DISABLED: Final = Text(-2010, "This action is disabled on this account.")


def _filter(name: str) -> Text:
    return Text(-1013, f"Filter failure: {name}")


_ERRORS: Final[Mapping[int, Text]] = {
    w.REASON_MALFORMED_COMMAND: UNKNOWN_FAULT,
    # Dropped, and known to be: it may be sent again.
    w.REASON_COMMAND_TOO_OLD: BUSY,
    w.REASON_COMMAND_FROM_FUTURE: BUSY,
    w.REASON_DUPLICATE_COMMAND: DUPLICATE_ORDER,
    w.REASON_UNKNOWN_TENANT: INVALID_SYMBOL,
    # It holds nothing yet.
    w.REASON_UNKNOWN_ACCOUNT: INSUFFICIENT_BALANCE,
    w.REASON_UNKNOWN_ASSET: INVALID_SYMBOL,
    w.REASON_UNKNOWN_MARKET: INVALID_SYMBOL,
    w.REASON_WRONG_TENANT: INVALID_SYMBOL,
    w.REASON_UNKNOWN_ORDER: UNKNOWN_ORDER,
    w.REASON_UNKNOWN_HOLD: UNKNOWN_FAULT,
    w.REASON_ALREADY_DEFINED: UNKNOWN_FAULT,
    w.REASON_HOLD_EXISTS: UNKNOWN_FAULT,
    w.REASON_ACCOUNT_FROZEN: _DISABLED,
    w.REASON_INVALID_SETTING: UNKNOWN_FAULT,
    w.REASON_FEES_BELOW_REBATE: UNKNOWN_FAULT,
    w.REASON_MARKET_HALTED: _CLOSED,
    w.REASON_MARKET_CANCEL_ONLY: _CLOSED,
    w.REASON_MARKET_POST_ONLY: Text(-2010, "This symbol takes only LIMIT_MAKER orders now."),
    w.REASON_MARKET_IN_AUCTION: Text(-2010, "This symbol takes only LIMIT orders with GTC now."),
    w.REASON_INVALID_SIDE: INVALID_SIDE,
    w.REASON_INVALID_ORDER_TYPE: INVALID_ORDER_TYPE,
    w.REASON_INVALID_TIME_IN_FORCE: INVALID_TIME_IN_FORCE,
    w.REASON_INVALID_SELF_TRADE_PREVENTION: UNSUPPORTED_COMBINATION,
    w.REASON_INVALID_POST_ONLY: UNSUPPORTED_COMBINATION,
    w.REASON_INVALID_TRIGGER_PRICE: UNSUPPORTED_COMBINATION,
    w.REASON_INVALID_EXPIRE_TIME: UNSUPPORTED_COMBINATION,
    w.REASON_INVALID_QUOTE_AMOUNT: UNSUPPORTED_COMBINATION,
    w.REASON_PRICE_OUT_OF_RANGE: _filter("PRICE_FILTER"),
    w.REASON_QUANTITY_OUT_OF_RANGE: _filter("LOT_SIZE"),
    w.REASON_INVALID_DISPLAY_QUANTITY: _filter("ICEBERG_PARTS"),
    w.REASON_AMOUNT_OUT_OF_RANGE: _filter("NOTIONAL"),
    w.REASON_NOTHING_TO_CHANGE: UNKNOWN_ORDER,
    w.REASON_NOTIONAL_TOO_SMALL: _filter("NOTIONAL"),
    w.REASON_NOTIONAL_TOO_LARGE: _filter("NOTIONAL"),
    w.REASON_PRICE_OUTSIDE_COLLAR: _filter("PERCENT_PRICE"),
    w.REASON_POST_ONLY_WOULD_CROSS: Text(-2010, "Order would immediately match and take."),
    w.REASON_INSUFFICIENT_BALANCE: INSUFFICIENT_BALANCE,
    w.REASON_SUPPLY_LIMIT: UNKNOWN_FAULT,
    w.REASON_TOO_MANY_ORDERS: _filter("MAX_NUM_ORDERS"),
    w.REASON_TOO_MANY_HOLDS: UNKNOWN_FAULT,
    w.REASON_CAPACITY_EXHAUSTED: BUSY,
    w.REASON_INVALID_LIST: WRONG_PRICES,
    # The last price is to be between those of the two.
    w.REASON_LIST_WOULD_EXECUTE: WRONG_PRICES,
    w.REASON_ORDER_IN_LIST: Text(-2038, "An order of a list can't be changed: cancel the list."),
    w.REASON_INTERNAL_ERROR: UNKNOWN_FAULT,
}

REJECTABLE: Final = frozenset(_ERRORS)


def rejection(reason: int) -> BinanceError:
    """Return the error for one of the engine's reasons, ready to raise."""
    return error(_ERRORS[reason])
