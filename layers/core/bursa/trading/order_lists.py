"""Lists of orders, placed all or none: a pair of which one cancels the other, or an entry with two.

A list is known by its last order: the two of a pair, or the two exits of an entry and then the
entry, have ids in a row, and the last of them is the list's (docs/adr/0092). Pure.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn, TypeAlias

from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError, InvalidInput, Refused
from bursa.trading.commands import PlaceOrder
from bursa.trading.order_checks import check_order
from bursa.trading.order_value import OneOf, TradingCommand
from bursa.trading.orders import CAN_REST, OPEN_STATUSES, STOPS, TRAILING, OrderType, OrderView
from bursa.trading.outcomes import OrderPlaced, OrderRejected, PendingOrder
from wire import layout as w

_PROFITS: Final = frozenset(OrderType(one) for one in w.types_in(w.TAKE_PROFIT_TYPES))
_INVALID: Final = w.REASON_NAMES[w.REASON_INVALID_LIST]
ORDERS_MAX: Final = w.STAGED_MAX + 1


class ListType(StrEnum):
    """What the orders of a list are to each other."""

    OCO = "oco"
    BRACKET = "bracket"


@dataclass(frozen=True, slots=True)
class PlaceList:
    """Place orders, all or none.

    Attributes
    ----------
    pair
        Of which one cancels the other.
    entry
        Which they wait for; None for two that wait for none.

    """

    pair: tuple[PlaceOrder, PlaceOrder]
    entry: PlaceOrder | None = None

    @property
    def orders(self) -> tuple[PlaceOrder, ...]:
        """All orders, as they are sent."""
        return self.pair if self.entry is None else (*self.pair, self.entry)

    @property
    def fields(self) -> tuple[str, ...]:
        """What each order is in a request, in the order of `orders`."""
        if self.entry is None:
            return ("orders[0]", "orders[1]")
        return ("exits[0]", "exits[1]", "entry")

    @property
    def last(self) -> PlaceOrder:
        """The order that the list is known by."""
        return self.orders[-1]

    @property
    def trades(self) -> tuple[TradingCommand, ...]:
        """What may trade: of a pair, one at most."""
        pair = OneOf(self.pair)
        return (pair,) if self.entry is None else (pair, self.entry)


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as its own account sees it: its orders, by id."""

    orders: tuple[OrderView, ...]

    @property
    def list_id(self) -> int:
        """The list's id."""
        return self.orders[0].list_id

    @property
    def type(self) -> ListType:
        """What its orders are to each other."""
        return ListType.BRACKET if len(self.orders) == ORDERS_MAX else ListType.OCO

    @property
    def is_open(self) -> bool:
        """Whether any of its orders may still trade."""
        return any(order.status in OPEN_STATUSES for order in self.orders)

    @property
    def newest_open_id(self) -> int:
        """The id of the newest of its orders that may still trade; 0 for none."""
        ids = [order.order_id for order in self.orders if order.status in OPEN_STATUSES]
        return max(ids, default=0)

    @property
    def is_whole(self) -> bool:
        """Whether all of its orders are here: rows are not written all at once."""
        sides = {order.side for order in self.orders}
        return self.orders[-1].order_id == self.list_id and len(self.orders) == 1 + len(sides)


@dataclass(frozen=True, slots=True)
class ListPlaced:
    """The orders of a new list, as they were sent, each with the first of what it traded."""

    orders: tuple[OrderPlaced, ...]

    @property
    def view(self) -> ListView:
        """The list."""
        return ListView(tuple(placed.order for placed in self.orders))


@dataclass(frozen=True, slots=True)
class ListCancelled:
    """The orders of a list that its cancel has closed."""

    list_id: int
    orders: tuple[OrderView, ...]


@dataclass(frozen=True, slots=True)
class ListAlreadyClosed:
    """The list is the account's own, and nothing of it is left to cancel."""

    list_id: int


def check_list(placed: PlaceList) -> None:
    """Refuse orders that are faulty, or no list; the error's field names which, and its field.

    What depends on the market is the engine's to decide.

    Raises
    ------
    InvalidInput
        ``missing_client_order_id``, ``repeated_client_order_id``.
    Refused
        ``invalid_list``, and what `check_order` raises.

    """
    for field, order in zip(placed.fields, placed.orders, strict=True):
        try:
            check_order(order)
        except BursaError as error:
            error.field = field_of(field, error)
            raise
    _check_names(placed)
    _check_pair(placed)
    if placed.entry is not None:
        _check_entry(placed, placed.entry)


def field_of(field: str, error: BursaError) -> str:
    """Return the name of a faulty field of one of a list's orders."""
    return f"{field}.{error.field}" if error.field else field


def _check_names(placed: PlaceList) -> None:
    names = [order.client_order_id for order in placed.orders]
    if not any(names):
        return
    for field, name in zip(placed.fields, names, strict=True):
        if name is None:
            raise InvalidInput(
                "missing_client_order_id",
                "Send client_order_id with each order of a list, or with none.",
                field=f"{field}.client_order_id",
            )
        if names.count(name) > 1:
            raise InvalidInput(
                "repeated_client_order_id",
                "Send another client_order_id with each order of a list.",
                field=f"{field}.client_order_id",
            )


def _check_pair(placed: PlaceList) -> None:
    first, second = placed.pair
    here, there = placed.fields[:2]
    if second.market.number != first.market.number:
        _refuse("Send orders of one market.", f"{there}.market")
    if second.side is not first.side:
        _refuse(f"Send {there} on the side of {here}: one of them cancels the other.", there)
    if second.quantity != first.quantity:
        _refuse(f"Send both with one quantity, {there} with that of {here}.", f"{there}.quantity")
    for field, order in zip(placed.fields[:2], placed.pair, strict=True):
        if not _waits(order):
            _refuse(
                "Send a gtc or gtd limit order without post_only, a stop or a take-profit, none"
                " that trails.",
                f"{field}.type",
            )
    if _takes_profit(first) is _takes_profit(second):
        _refuse("Send one stop, and one limit order or take-profit.", f"{there}.type")
    _check_prices(placed)


def _check_prices(placed: PlaceList) -> None:
    profit, stop = placed.pair if _takes_profit(placed.pair[0]) else placed.pair[::-1]
    field = placed.fields[placed.pair.index(profit)]
    price = profit.conditions.trigger_price or profit.price
    above = price - stop.conditions.trigger_price
    name = "trigger_price" if profit.conditions.trigger_price else "price"
    word = "above" if profit.side is profit.side.SELL else "below"
    if above <= 0 if word == "above" else above >= 0:
        _refuse(f"Send {name} {word} the trigger_price of the stop.", f"{field}.{name}")


def _check_entry(placed: PlaceList, entry: PlaceOrder) -> None:
    first = placed.pair[0]
    if entry.market.number != first.market.number:
        _refuse("Send orders of one market.", "entry.market")
    if entry.side is first.side:
        _refuse("Send exits on the other side of their entry.", "entry.side")
    if entry.type in TRAILING:
        _refuse("Send an entry that does not trail.", "entry.type")
    if entry.quantity != first.quantity:
        _refuse("Send the entry with the quantity of its exits.", "entry.quantity")
    for field, order in zip(placed.fields, placed.pair, strict=False):
        if order.conditions.expire_ms:
            _refuse("Send exits without an expiry.", f"{field}.expires_at_ms")


def _waits(order: PlaceOrder) -> bool:
    if order.post_only or order.type in TRAILING:
        return False
    return order.type in STOPS or (
        order.type is OrderType.LIMIT and order.time_in_force in CAN_REST
    )


def _takes_profit(order: PlaceOrder) -> bool:
    return order.type is OrderType.LIMIT or order.type in _PROFITS


def _refuse(detail: str, field: str) -> NoReturn:
    raise Refused(_INVALID, detail, field=field)


ListOutcome: TypeAlias = ListPlaced | OrderRejected | PendingOrder | Pending
ListCancelOutcome: TypeAlias = ListCancelled | ListAlreadyClosed | OrderRejected | Pending
