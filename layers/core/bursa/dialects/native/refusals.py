"""What each of the engine's reasons is to a client: an error, and a sentence about what to do.

The engine's name of a reason is the API's code. The table is complete: a test compares it with the
engine's list.

What the engine has decided is final for the command's id: it remembers the rejection, because the
queue may deliver the command again. So no reason is an `Unavailable`, which promises that the same
request may be sent again.
"""

from collections.abc import Callable
from typing import Final

from bursa.kernel.errors import (
    BursaError,
    Conflict,
    InternalError,
    NotFound,
    Refused,
)
from bursa.kernel.markets import Market
from wire import layout as w

_DETAILS: Final[dict[int, tuple[type[BursaError], str]]] = {
    w.REASON_MALFORMED_COMMAND: (
        InternalError,
        "The exchange could not read its own command; nothing has changed. Report the request_id.",
    ),
    w.REASON_COMMAND_TOO_OLD: (
        Refused,
        "The request waited too long and was dropped; send it again with a new id.",
    ),
    w.REASON_COMMAND_FROM_FUTURE: (
        Refused,
        "The exchange's clock is wrong, nothing was done. Retry later under a new client_order_id.",
    ),
    w.REASON_DUPLICATE_COMMAND: (Conflict, "This id has been used; choose a new one."),
    w.REASON_UNKNOWN_TENANT: (NotFound, "This exchange is not open yet."),
    w.REASON_UNKNOWN_ACCOUNT: (Refused, "Deposit funds first: the account holds nothing yet."),
    w.REASON_UNKNOWN_ASSET: (NotFound, "Choose an asset that GET /v1/balances or markets names."),
    w.REASON_UNKNOWN_MARKET: (NotFound, "Choose a market from GET /v1/markets."),
    w.REASON_WRONG_TENANT: (NotFound, "Choose a market from GET /v1/markets."),
    w.REASON_UNKNOWN_ORDER: (NotFound, "There is no such open order; see GET /v1/orders."),
    w.REASON_UNKNOWN_HOLD: (NotFound, "There is no such hold."),
    w.REASON_ALREADY_DEFINED: (Conflict, "Choose another number: this one is taken."),
    w.REASON_HOLD_EXISTS: (Conflict, "Choose another hold id: this one is taken."),
    w.REASON_ACCOUNT_FROZEN: (Refused, "The account is frozen; ask the exchange's support."),
    w.REASON_INVALID_SETTING: (Refused, "Send a setting within its documented range."),
    w.REASON_FEES_BELOW_REBATE: (Refused, "Choose a taker fee that covers the maker's rebate."),
    w.REASON_MARKET_HALTED: (Refused, "The market is halted; wait until it opens again."),
    w.REASON_MARKET_CANCEL_ONLY: (Refused, "The market takes only cancels now; wait for it."),
    w.REASON_MARKET_POST_ONLY: (Refused, "The market takes only post_only orders now."),
    w.REASON_MARKET_IN_AUCTION: (Refused, "The market is in an auction: send gtc limit orders."),
    w.REASON_INVALID_SIDE: (Refused, "Send side as buy or sell."),
    w.REASON_INVALID_ORDER_TYPE: (Refused, "Send a type that the documentation names."),
    w.REASON_INVALID_TIME_IN_FORCE: (Refused, "Send a time_in_force that fits the order's type."),
    w.REASON_INVALID_SELF_TRADE_PREVENTION: (Refused, "Send a known self_trade_prevention."),
    w.REASON_INVALID_POST_ONLY: (Refused, "Send post_only with gtc limit orders only."),
    w.REASON_INVALID_TRIGGER_PRICE: (
        Refused,
        (
            "Send a trigger price with stops that still wait only. A trailing stop needs a price to"
            " follow, so an activation_price where nothing has been traded yet, and a trail that"
            " leaves it a trigger price above 0 and within the market's limits."
        ),
    ),
    w.REASON_INVALID_EXPIRE_TIME: (Refused, "Send an expiry that is in the future."),
    w.REASON_INVALID_QUOTE_AMOUNT: (Refused, "Send quote_amount with market buys only."),
    w.REASON_PRICE_OUT_OF_RANGE: (Refused, "Send a price within the market's limits."),
    w.REASON_QUANTITY_OUT_OF_RANGE: (Refused, "Send a quantity within the market's limits."),
    w.REASON_INVALID_DISPLAY_QUANTITY: (Refused, "Send a display quantity below the quantity."),
    w.REASON_AMOUNT_OUT_OF_RANGE: (Refused, "Send an amount within the documented limits."),
    w.REASON_NOTHING_TO_CHANGE: (Refused, "Send at least one value that differs."),
    w.REASON_NOTIONAL_TOO_SMALL: (Refused, "Send an order worth at least the min_notional."),
    w.REASON_NOTIONAL_TOO_LARGE: (Refused, "Send a smaller order."),
    w.REASON_PRICE_OUTSIDE_COLLAR: (Refused, "Send a price closer to the market's."),
    w.REASON_POST_ONLY_WOULD_CROSS: (
        Refused,
        "The order would take liquidity; send another price or leave post_only out.",
    ),
    w.REASON_INSUFFICIENT_BALANCE: (
        Refused,
        "Send a smaller order or deposit funds: the available balance does not cover it.",
    ),
    w.REASON_SUPPLY_LIMIT: (Refused, "The asset's total supply would exceed the limit."),
    w.REASON_TOO_MANY_ORDERS: (
        Refused,
        "Cancel an open order of this market first: the account has as many as it may have.",
    ),
    w.REASON_TOO_MANY_HOLDS: (
        Refused,
        "Wait until a withdrawal ends: the account has as many holds as it may have.",
    ),
    w.REASON_CAPACITY_EXHAUSTED: (
        Refused,
        "The exchange is full: nothing was done. Retry later under a new client_order_id.",
    ),
    w.REASON_INVALID_LIST: (
        Refused,
        "Send a take-profit and a stop of one side and quantity, and an entry of the other side.",
    ),
    w.REASON_LIST_WOULD_EXECUTE: (
        Refused,
        "One of the orders would trade or trigger at once; send prices that it has to wait for.",
    ),
    w.REASON_ORDER_IN_LIST: (
        Refused,
        "Cancel the list and place another: none of its orders is changed by itself.",
    ),
    w.REASON_INTERNAL_ERROR: (
        InternalError,
        "The exchange failed to carry this out; nothing has changed. Report the request_id.",
    ),
}

REFUSABLE: Final = frozenset(_DETAILS)


def refusal(reason: int, market: Market | None = None) -> BursaError:
    """Return the error for one of the engine's reasons, ready to raise.

    With its market it names the rule's value, and the field that breaks it.
    """
    error, detail = _DETAILS[reason]
    field = None
    if market is not None and reason in _RULES:
        field, detail = _RULES[reason](market)
    return error(w.REASON_NAMES[reason], detail, field=field)


def _notional(market: Market) -> tuple[str, str]:
    least = market.units.quote_text(market.min_notional)
    return "quantity", f"Send an order worth at least {least} {market.units.quote}."


def _largest_price(market: Market) -> tuple[str, str]:
    return "price", f"Send a price of at most {market.units.price_text(market.max_price)}."


def _largest_quantity(market: Market) -> tuple[str, str]:
    most = market.units.quantity_text(market.max_quantity)
    return "quantity", f"Send a quantity of at most {most} {market.units.base}."


def _display_quantity(_: Market) -> tuple[str, str]:
    parts = w.ICEBERG_SLICES_MAX
    return "display_quantity", (
        f"Send a display_quantity of at most the quantity, and at least a part in {parts:,} of it."
    )


def _collar(market: Market) -> tuple[str, str]:
    return "price", (
        f"Send a price within {market.collar_ppm} parts per million of the reference price, or of "
        "a stop's own trigger_price; a dry_run of the order says the nearest one."
    )


_RULES: Final[dict[int, Callable[[Market], tuple[str, str]]]] = {
    w.REASON_NOTIONAL_TOO_SMALL: _notional,
    w.REASON_PRICE_OUT_OF_RANGE: _largest_price,
    w.REASON_QUANTITY_OUT_OF_RANGE: _largest_quantity,
    w.REASON_INVALID_DISPLAY_QUANTITY: _display_quantity,
    w.REASON_PRICE_OUTSIDE_COLLAR: _collar,
}
