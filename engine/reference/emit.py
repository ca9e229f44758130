"""Events: what a command states as facts, in the words of ``wire.layout``.

An event says how something is now, never how it has changed. A balance or level is stated once a
command, where it is touched first, and that event is kept true until the command ends; markets are
stated at its end. The result, known last, is the first of all.
"""

from engine.reference.model import Account, Balance, Command, Hold, Market, Order
from engine.reference.state import State
from wire import layout as w


def emit_words(state: State, kind: int, *words: int) -> None:
    """State a fact whose first word is its kind alone."""
    state.facts.append([kind << w.EVENT_KIND_SHIFT, *words])


def emit_result(state: State, command: Command, reason: int, subject: int) -> None:
    """State what became of the command, before all that it has caused."""
    kind = command[w.HEADER_KIND]
    known = 0 < kind <= w.COMMAND_KIND_LAST
    first = w.EVENT_RESULT << w.EVENT_KIND_SHIFT | state.time_ms << w.RESULT_TIME_SHIFT
    state.facts.insert(
        0,
        [
            first | reason << w.RESULT_REASON_SHIFT | (kind if known else 0),
            state.sequence,
            command[w.HEADER_ID_HIGH],
            command[w.HEADER_ID_LOW],
            command[w.HEADER_ACCOUNT],
            subject,
            command[w.HEADER_TIME_MS],
        ],
    )


# --- balances, holds and countdowns ---------------------------------------------------------------


def emit_balance(state: State, balance: Balance) -> None:
    """State a balance, or correct what the command has stated of it."""
    key = (balance.account, balance.asset)
    if key not in state.stated_balances:
        first = w.EVENT_BALANCE << w.EVENT_KIND_SHIFT | balance.asset
        state.stated_balances[key] = [first, balance.account, 0, 0]
        state.facts.append(state.stated_balances[key])
    state.stated_balances[key][2:] = [balance.available, balance.held]


def emit_hold(state: State, account: int, hold: Hold) -> None:
    """State what a hold still holds; 0 when it has ended."""
    emit_words(state, w.EVENT_HOLD, account, hold.hold_id, hold.asset, hold.amount)


def emit_transfer(
    state: State, kind: int, command: Command, amount: int, counter_account: int = 0
) -> None:
    """State that money moved other than by a trade, and what the caller's books call it."""
    first = w.EVENT_TRANSFER << w.EVENT_KIND_SHIFT | kind << w.TRANSFER_KIND_SHIFT
    state.facts.append(
        [
            first | command[w.FUNDS_ASSET],
            command[w.HEADER_ACCOUNT],
            counter_account,
            amount,
            command[w.FUNDS_REFERENCE_HIGH],
            command[w.FUNDS_REFERENCE_LOW],
        ]
    )


def emit_countdown(state: State, account: Account) -> None:
    """State when an account's dead-man switch ends its orders; 0 for never."""
    emit_words(state, w.EVENT_COUNTDOWN, account.number, account.deadline_ms)


# --- orders, trades and levels --------------------------------------------------------------------


def emit_order(state: State, order: Order) -> None:
    """State an order's whole state."""
    first = w.EVENT_ORDER << w.EVENT_KIND_SHIFT | order.market.number << w.EVENT_MARKET_SHIFT
    state.facts.append(
        [
            first | order.flags,
            order.order_id,
            order.account.number,
            order.id_high,
            order.id_low,
            order.price,
            order.quantity,
            order.remaining,
            order.filled_quote,
        ],
    )


def emit_conditions(state: State, order: Order) -> None:
    """State an order's conditions; most have none."""
    words = order.conditions.words()
    conditions, trail = words[: w.CONDITIONS_COUNT], words[w.CONDITIONS_COUNT :]
    if any(conditions):
        emit_words(state, w.EVENT_ORDER_CONDITIONS, order.order_id, *conditions)
    if any(trail):
        emit_words(state, w.EVENT_ORDER_TRAIL, order.order_id, *trail)


def emit_list(state: State, order: Order) -> None:
    """State the list that an order belongs to; most belong to none."""
    if order.list_id:
        emit_words(state, w.EVENT_ORDER_LIST, order.order_id, order.list_id)


def emit_decided_order(state: State, order: Order, *, with_conditions: bool) -> None:
    """State a decided order, with its conditions and its list when they are news."""
    emit_order(state, order)
    if with_conditions:
        emit_conditions(state, order)
        emit_list(state, order)


def emit_trade(
    state: State,
    maker: Order,
    taker: Order,
    price: int,
    lots: int,
    *,
    maker_fee: int,
    taker_fee: int,
) -> None:
    """State a trade; a negative fee is a rebate."""
    market = maker.market
    first = w.EVENT_TRADE << w.EVENT_KIND_SHIFT | market.number << w.EVENT_MARKET_SHIFT
    state.facts.append(
        [
            first | taker.side,
            state.trade_id,
            price,
            lots,
            price * lots * market.tick_units,
            maker.order_id,
            taker.order_id,
            maker.account.number,
            taker.account.number,
            maker_fee,
            taker_fee,
        ]
    )


def emit_level(state: State, order: Order) -> None:
    """State what an order's level shows, or correct what the command has stated of it.

    Pending stops are not shown.
    """
    if order.is_pending:
        return
    key = (order.market.number, order.side, order.price)
    level = order.market.book(order.side).levels.get(order.price, [])
    if key not in state.stated_levels:
        first = w.EVENT_LEVEL << w.EVENT_KIND_SHIFT | order.market.number << w.LEVEL_MARKET_SHIFT
        state.stated_levels[key] = [first | order.side << w.LEVEL_SIDE_SHIFT | order.price, 0]
        state.facts.append(state.stated_levels[key])
    state.stated_levels[key][1] = sum(order.visible for order in level)
    if not level:
        # Gone for good: if the same command makes it again, that is another level.
        del state.stated_levels[key]


# --- definitions and markets ----------------------------------------------------------------------


def emit_definition(state: State, kind: int, words: list[int]) -> None:
    """State a definition: a fact that repeats the command's own words."""
    emit_words(state, kind, *words)


def touch_market(state: State, market: Market) -> None:
    """Have a market stated at the end of the command."""
    state.touched_markets[market.number] = market


def emit_touched_markets(state: State) -> None:
    """State the markets that the command has touched, in the order in which it touched them."""
    for market in state.touched_markets.values():
        emit_words(
            state,
            w.EVENT_MARKET,
            market.number,
            market.state,
            market.last_price,
            market.reference_price,
            market.indicative_price,
            market.indicative_quantity,
        )
    state.touched_markets.clear()
