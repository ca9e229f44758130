"""The queues of a book: by price, then by time."""

from engine.reference.model import Book, Order
from wire import layout as w


def is_worse(side: int, price: int, limit: int) -> bool:
    """Whether a price of the book opposite to a side is beyond a limit."""
    return price > limit if side == w.SIDE_BUY else price < limit


def book_of(order: Order) -> tuple[Book, int]:
    """Return the book that an order belongs in, and its level's price.

    A pending stop waits among those that the same movement triggers, at its trigger price; one that
    trails at its extreme, or its activation price.
    """
    if order.is_pending and order.is_trailing:
        if not order.extreme:
            return order.market.activations(order.side), order.conditions.activation_price
        return order.market.trailing_book(order.side, order.conditions.trail), order.extreme
    if order.is_pending:
        return order.market.stops(order.trigger_side), order.conditions.trigger_price
    return order.market.book(order.side), order.price


def append_order(order: Order) -> None:
    """Put an order at the back of its level."""
    book, price = book_of(order)
    book.levels.setdefault(price, []).append(order)


def unlink_order(order: Order) -> None:
    """Take an order out of its level; a level without orders is gone."""
    book, price = book_of(order)
    book.levels[price] = [other for other in book.levels[price] if other is not order]
    if not book.levels[price]:
        del book.levels[price]
