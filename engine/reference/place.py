"""Placing an order: reject first, in the documented order; after that nothing may fail."""

from engine.reference.execution import accept_order
from engine.reference.index import open_balance
from engine.reference.model import Account, Command, Conditions, Market, Order, Rejected
from engine.reference.order_checks import (
    check_funds,
    check_market,
    check_order,
    order_price,
)
from engine.reference.price_checks import check_worth
from engine.reference.reference_price import due_reference, set_reference
from engine.reference.room import check_capacity
from engine.reference.state import State
from engine.reference.trailing import start_trail
from wire import layout as w


def place_order(state: State, command: Command) -> int:
    """Decide a PLACE command; return the order's id, which is the command's sequence."""
    order = fill_order(state, command)
    check_stated(state, order)
    if order.account.number not in state.accounts:
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)
    check_funds(state, order)
    check_capacity(state, order)

    open_balance(state, order.account, order.market.base)
    open_balance(state, order.account, order.market.quote)
    follow_reference(state, order.market)
    accept_order(state, order)
    return order.order_id


def check_stated(state: State, order: Order) -> None:
    """Reject an order for what it says and where it would trade; give it the price that it has."""
    check_order(state, order)
    order.price = order_price(order)
    check_worth(state, order)


def fill_order(state: State, command: Command) -> Order:
    """Return the order that a command asks for.

    An account that does not exist passes the same checks until the one for its money.
    """
    number = command[w.HEADER_ACCOUNT]
    order = Order(
        order_id=state.sequence,
        account=state.accounts.get(number) or Account(number),
        market=check_market(state, command[w.PLACE_MARKET], w.account_tenant(number)),
        flags=command[w.PLACE_FLAGS],
        price=command[w.PLACE_PRICE],
        quantity=command[w.PLACE_QUANTITY],
        remaining=command[w.PLACE_QUANTITY],
        id_high=command[w.HEADER_ID_HIGH],
        id_low=command[w.HEADER_ID_LOW],
        conditions=Conditions(*command[w.PLACE_CONDITIONS :][: w.PLACE_CONDITIONS_COUNT]),
        budget=command[w.PLACE_QUOTE_AMOUNT],
    )
    if order.is_trailing:
        start_trail(order)
    return order


def follow_reference(state: State, market: Market) -> None:
    """Let the reference follow what has been traded, where enough has been for long enough.

    An accepted order moves it, not a trade: orders of one sweep are all held against one reference.
    """
    reference = due_reference(state, market)
    if reference:
        set_reference(state, market, reference)
