"""Lists of orders: two of which one cancels the other, or an entry and the two exits after it.

A list comes as one command for each order, all but the last staged: so each has a sequence that is
its id. The last decides about all at once. What lists do later is in ``orders`` and ``execution``.
"""

import cython

from engine.core.emit import emit_decided_order
from engine.core.execution import accept_order
from engine.core.index import find_account, find_balance, find_market, open_balance
from engine.core.ledger import by_side
from engine.core.order_checks import can_rest, check_funds, order_price
from engine.core.orders import count_awaiting, link_pair, rest_pair, set_status, trigger_side
from engine.core.place import (
    check_stated,
    fill_conditions,
    fill_order,
    follow_reference,
    stated_trigger,
    would_trade,
)
from engine.core.price_checks import is_waiting
from engine.core.records import (
    BAL_AVAILABLE,
    COND_EXIT,
    COND_LIST_ID,
    M_BASE,
    M_QUOTE,
    O_CONDITIONS,
    O_ID,
    O_VISIBLE,
    S_SEQUENCE,
    S_STAGED,
    S_STAGED_COUNT,
    S_STAGED_SEQUENCE,
)
from engine.core.registry import make_order, register_order
from engine.core.room import check_list_capacity
from engine.core.stops import is_triggered
from engine.core.store import Store, make_room
from engine.core.trailing import trails
from wire.layout import (
    CLOSE_NONE,
    COMMAND_LENGTH,
    HEADER_ACCOUNT,
    PLACE_EXPIRE_MS,
    PLACE_FLAGS,
    PLACE_MARKET,
    PLACE_PRICE,
    PLACE_QUANTITY,
    PLACE_TRIGGER_PRICE,
    POST_ONLY_SHIFT,
    REASON_INSUFFICIENT_BALANCE,
    REASON_INVALID_LIST,
    REASON_LIST_WOULD_EXECUTE,
    RESULT_SUBJECT,
    SIDE_BUY,
    SIDE_MASK,
    STAGED_MAX,
    STATUS_PENDING_ENTRY,
    STOP_TYPES,
    TYPE_LIMIT,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
def stage_order(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a STAGE command: keep an order until its list is decided, by one of the next two."""
    m = s.m
    if not continues_list(s, command) or m[S_STAGED_COUNT] == STAGED_MAX:
        m[S_STAGED_COUNT] = 0
    first = S_STAGED + m[S_STAGED_COUNT] * COMMAND_LENGTH
    for index in range(COMMAND_LENGTH):
        m[first + index] = command[index]
    m[S_STAGED_COUNT] += 1
    m[S_STAGED_SEQUENCE] = m[S_SEQUENCE]
    s.out[s.started + RESULT_SUBJECT] = m[S_SEQUENCE]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def continues_list(s: Store, command: cython.p_longlong) -> cython.bint:
    """Whether a command comes right after orders of its account that have been staged."""
    m = s.m
    follows: cython.bint = m[S_STAGED_COUNT] and m[S_STAGED_SEQUENCE] == m[S_SEQUENCE] - 1
    return follows and m[S_STAGED + HEADER_ACCOUNT] == command[HEADER_ACCOUNT]


@cython.cfunc
def list_command(
    s: Store, command: cython.p_longlong, others: cython.longlong, index: cython.longlong
) -> cython.p_longlong:
    """Return the command of one of a list's orders, of which the last has so many others."""
    if index == others:
        return command
    first = S_STAGED + index * COMMAND_LENGTH
    if cython.compiled:
        return s.m + first
    return s.m[first : first + COMMAND_LENGTH]


@cython.cfunc
def place_list(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a PLACE_LIST command: all orders of a list, or none."""
    m = s.m
    others = m[S_STAGED_COUNT] if continues_list(s, command) else 0
    account = find_account(s, command[HEADER_ACCOUNT])
    reason = check_each(s, account, command, others)
    if reason:
        return reason
    if not account:
        return REASON_INSUFFICIENT_BALANCE
    # Exits are paid from what their entry brings, and of two orders only one will ever trade.
    for index in range(others if others == STAGED_MAX else 0, others + 1):
        reason = check_paid(s, account, list_command(s, command, others, index))
        if reason:
            return reason
    market = find_market(s, command[PLACE_MARKET])
    base_balance = find_balance(s, account, m[market + M_BASE])
    quote_balance = find_balance(s, account, m[market + M_QUOTE])
    reason = check_list_capacity(s, market, command, base_balance, quote_balance, others)
    if reason:
        return reason
    reason = check_list(s, command, others)
    if reason:
        return reason

    open_balance(s, account, m[market + M_BASE])
    open_balance(s, account, m[market + M_QUOTE])
    follow_reference(s, market)
    s.out[s.started + RESULT_SUBJECT] = m[S_SEQUENCE]
    first = make_listed(s, account, list_command(s, command, others, 0), others)
    second = make_listed(s, account, list_command(s, command, others, 1), others - 1)
    if others == STAGED_MAX:
        return accept_entry(s, first, second, make_listed(s, account, command, 0))
    return accept_pair(s, first, second)


@cython.cfunc
def check_each(
    s: Store, account: cython.longlong, command: cython.p_longlong, others: cython.longlong
) -> cython.longlong:
    """Return why one of a list's orders is rejected for what it says, or 0."""
    for index in range(others + 1):
        one = list_command(s, command, others, index)
        reason = check_stated(s, find_market(s, one[PLACE_MARKET]), account, one)
        if reason:
            return reason
    return 0


@cython.cfunc
def check_paid(s: Store, account: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return why an account can't pay for one order of a list, or 0."""
    m = s.m
    market = find_market(s, command[PLACE_MARKET])
    asset = by_side(command[PLACE_FLAGS] & SIDE_MASK, m[market + M_QUOTE], m[market + M_BASE])
    balance = find_balance(s, account, asset)
    available = m[balance + BAL_AVAILABLE] if balance else 0
    price = order_price(s, market, command, stated_trigger(s, market, command))
    return check_funds(s, market, account, command, price, available)


@cython.cfunc
def make_listed(
    s: Store, account: cython.longlong, command: cython.p_longlong, before: cython.longlong
) -> cython.longlong:
    """Return an order of a list, whose command came so many before the last."""
    m = s.m
    market = find_market(s, command[PLACE_MARKET])
    asset = by_side(command[PLACE_FLAGS] & SIDE_MASK, m[market + M_QUOTE], m[market + M_BASE])
    order = make_order(s)
    balance = find_balance(s, account, asset)
    price = order_price(s, market, command, command[PLACE_TRIGGER_PRICE])
    fill_order(s, order, market, balance, command, price)
    fill_conditions(s, order, command)
    m[order + O_ID] = m[S_SEQUENCE] - before
    m[m[order + O_CONDITIONS] + COND_LIST_ID] = m[S_SEQUENCE]
    return order


# --- what a list may be ---------------------------------------------------------------------------


@cython.cfunc
def check_list(s: Store, command: cython.p_longlong, others: cython.longlong) -> cython.longlong:
    """Return why orders make no list, or that one of them would be executed at once, or 0."""
    if not others:
        return REASON_INVALID_LIST
    first, second = list_command(s, command, others, 0), list_command(s, command, others, 1)
    if not is_pair(first, second):
        return REASON_INVALID_LIST
    if others == STAGED_MAX:
        return 0 if has_exits(command, first, second) else REASON_INVALID_LIST
    if executes_on_arrival(s, first) or executes_on_arrival(s, second):
        return REASON_LIST_WOULD_EXECUTE
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def is_pair(first: cython.p_longlong, second: cython.p_longlong) -> cython.bint:
    """Whether one of two orders takes a profit and the other stops a loss, of the same position."""
    differs = first[PLACE_MARKET] ^ second[PLACE_MARKET]
    differs |= (first[PLACE_FLAGS] ^ second[PLACE_FLAGS]) & SIDE_MASK
    differs |= first[PLACE_QUANTITY] ^ second[PLACE_QUANTITY]
    if differs or not waits(first) or not waits(second):
        return False
    if takes_profit(first) == takes_profit(second):
        return False
    above = position_price(first) - position_price(second)
    if takes_profit(second):
        above = -above
    return above < 0 if first[PLACE_FLAGS] & SIDE_MASK == SIDE_BUY else above > 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def position_price(command: cython.p_longlong) -> cython.longlong:
    """Return the price that an order of a list waits for."""
    trigger = command[PLACE_TRIGGER_PRICE]
    return trigger if trigger else command[PLACE_PRICE]


@cython.cfunc
@cython.exceptval(check=False)
def waits(command: cython.p_longlong) -> cython.bint:
    """Whether an order waits: a stop or take-profit, or a limit order that may also take.

    None that trails: its trigger may move to where the other one is.
    """
    flags = command[PLACE_FLAGS]
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if flags >> POST_ONLY_SHIFT & 1 or trails(flags):
        return False
    return STOP_TYPES >> kind & 1 or (kind == TYPE_LIMIT and can_rest(flags))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def takes_profit(command: cython.p_longlong) -> cython.bint:
    """Whether an order waits for a better price: it is no stop."""
    flags = command[PLACE_FLAGS]
    is_stop: cython.bint = STOP_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1
    return not is_stop or trigger_side(flags) != flags & SIDE_MASK


@cython.cfunc
@cython.exceptval(check=False)
def has_exits(
    entry: cython.p_longlong, first: cython.p_longlong, second: cython.p_longlong
) -> cython.bint:
    """Whether two orders are exits of an entry: the other side of as much, and without an end.

    The entry does not trail.
    """
    differs = entry[PLACE_MARKET] ^ first[PLACE_MARKET]
    differs |= entry[PLACE_QUANTITY] ^ first[PLACE_QUANTITY]
    same_side: cython.bint = (entry[PLACE_FLAGS] ^ first[PLACE_FLAGS]) & SIDE_MASK == 0
    expires: cython.bint = first[PLACE_EXPIRE_MS] | second[PLACE_EXPIRE_MS]
    return not differs and not same_side and not expires and not trails(entry[PLACE_FLAGS])


@cython.cfunc
@cython.exceptval(check=False)
def executes_on_arrival(s: Store, command: cython.p_longlong) -> cython.bint:
    """Whether an order would trade or trigger now, or cross what an auction has collected."""
    market, flags = find_market(s, command[PLACE_MARKET]), command[PLACE_FLAGS]
    if is_waiting(flags):
        return is_triggered(s, market, trigger_side(flags), command[PLACE_TRIGGER_PRICE])
    return would_trade(s, market, flags, command[PLACE_PRICE])


# --- effects --------------------------------------------------------------------------------------


@cython.cfunc
def accept_pair(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Let two orders wait, of which one will cancel the other."""
    rest_pair(s, first, second)
    register_order(s, first)
    emit_decided_order(s, first, True)
    register_order(s, second)
    emit_decided_order(s, second, True)
    return 0


@cython.cfunc
def accept_entry(
    s: Store, first: cython.longlong, second: cython.longlong, entry: cython.longlong
) -> cython.longlong:
    """Let two exits wait for their entry, and start its life."""
    m = s.m
    link_pair(s, first, second)
    m[m[entry + O_CONDITIONS] + COND_EXIT] = first
    await_entry(s, first)
    await_entry(s, second)
    make_room(s)
    return accept_order(s, entry, False)


@cython.cfunc
def await_entry(s: Store, order: cython.longlong) -> cython.longlong:
    """Let an exit wait for its entry."""
    s.m[order + O_VISIBLE] = 0
    set_status(s, order, STATUS_PENDING_ENTRY, CLOSE_NONE)
    count_awaiting(s, order, 1)
    register_order(s, order)
    emit_decided_order(s, order, True)
    return 0
