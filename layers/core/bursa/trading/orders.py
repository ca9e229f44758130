"""What an order is: its enumerations, and the one view of it that every dialect presents.

The enumerations have the wire's values; a member's word is how the read models store it. A view is
made from an event (an order that was just placed or changed), from a row, or from the changes that
a record makes to a row; what a source does not know is left at its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple, Self

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market
from bursa.read_models.rows import OrderRow
from wire import layout as w
from wire.events import Order, OrderConditions, OrderTrail


class _Word(IntEnum):
    """A number of the wire that has a word."""

    @property
    def word(self) -> str:
        """The member's word, such as ``partially_filled``."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Self:
        """Return the member of a word; raises `KeyError` for any other."""
        return cls[word.upper()]


class Side(_Word):
    """Which asset an order gives."""

    BUY = w.SIDE_BUY
    SELL = w.SIDE_SELL


class OrderType(_Word):
    """How an order is priced and when it begins to trade."""

    LIMIT = w.TYPE_LIMIT
    MARKET = w.TYPE_MARKET
    STOP_LIMIT = w.TYPE_STOP_LIMIT
    STOP_MARKET = w.TYPE_STOP_MARKET
    TAKE_PROFIT_LIMIT = w.TYPE_TAKE_PROFIT_LIMIT
    TAKE_PROFIT_MARKET = w.TYPE_TAKE_PROFIT_MARKET
    TRAILING_STOP_LIMIT = w.TYPE_TRAILING_STOP_LIMIT
    TRAILING_STOP_MARKET = w.TYPE_TRAILING_STOP_MARKET


class TimeInForce(_Word):
    """How long an order may rest."""

    GTC = w.TIF_GTC
    IOC = w.TIF_IOC
    FOK = w.TIF_FOK
    GTD = w.TIF_GTD


class SelfTradePrevention(_Word):
    """What happens when an order meets another of its own account."""

    NONE = w.STP_NONE
    CANCEL_TAKER = w.STP_CANCEL_TAKER
    CANCEL_MAKER = w.STP_CANCEL_MAKER
    CANCEL_BOTH = w.STP_CANCEL_BOTH
    DECREMENT = w.STP_DECREMENT


class OrderStatus(_Word):
    """How far an order has come."""

    OPEN = w.STATUS_OPEN
    PARTIALLY_FILLED = w.STATUS_PARTIALLY_FILLED
    PENDING_TRIGGER = w.STATUS_PENDING_TRIGGER
    PENDING_ENTRY = w.STATUS_PENDING_ENTRY
    FILLED = w.STATUS_FILLED
    CANCELLED = w.STATUS_CANCELLED
    EXPIRED = w.STATUS_EXPIRED


class CloseReason(_Word):
    """Why an order closed; NONE while it can still trade."""

    NONE = w.CLOSE_NONE
    FILLED = w.CLOSE_FILLED
    CANCELLED_BY_USER = w.CLOSE_CANCELLED_BY_USER
    COUNTDOWN_ELAPSED = w.CLOSE_COUNTDOWN_ELAPSED
    UNFILLED_REMAINDER = w.CLOSE_UNFILLED_REMAINDER
    FILL_OR_KILL_UNFILLED = w.CLOSE_FILL_OR_KILL_UNFILLED
    SELF_TRADE_PREVENTION = w.CLOSE_SELF_TRADE_PREVENTION
    REPLACED = w.CLOSE_REPLACED
    EXPIRED = w.CLOSE_EXPIRED
    PRICE_PROTECTION = w.CLOSE_PRICE_PROTECTION
    POST_ONLY_WOULD_CROSS = w.CLOSE_POST_ONLY_WOULD_CROSS
    ACCOUNT_FROZEN = w.CLOSE_ACCOUNT_FROZEN
    ONE_CANCELS_OTHER = w.CLOSE_ONE_CANCELS_OTHER
    EXIT_TOO_SMALL = w.CLOSE_EXIT_TOO_SMALL


# They wait for a trigger price, take-profits included.
STOPS = frozenset(OrderType(one) for one in w.types_in(w.STOP_TYPES))
# Their trigger price follows the market at a distance.
TRAILING = frozenset(OrderType(one) for one in w.types_in(w.TRAILING_TYPES))
# They never rest, and need no price.
MARKETABLE = frozenset(OrderType(one) for one in w.types_in(w.MARKETABLE_TYPES))
CAN_REST = frozenset({TimeInForce.GTC, TimeInForce.GTD})

OPEN_STATUSES = frozenset(
    {
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.PENDING_TRIGGER,
        OrderStatus.PENDING_ENTRY,
    }
)


class Conditions(NamedTuple):
    """What an order waits for or is limited by; 0 for what it has none of.

    The names are those of the wire (`OrderConditions`, `OrderTrail`, `wire.codec.encode_place`) and
    of `OrderRow`: a condition that is added here is sent, compared and read from every source.

    Attributes
    ----------
    quote_amount
        What a market buy may spend, instead of a quantity.
    trigger_price
        What a stop order or take-profit waits for; of a trailing stop as it was stated last.
    display_quantity
        How much of an iceberg the book shows at a time.
    expire_ms
        When a good-till-date order ends, in UTC milliseconds.
    trail
        How far behind the price a trailing stop follows it: ticks, or `wire.layout.TRAIL_PPM` and
        parts per million (`trail_ppm`).
    limit_offset
        How far from the trigger price a trailing stop-limit has its limit.
    activation_price
        Where a trailing stop begins to follow the price; 0 is at once.

    """

    quote_amount: Units = Units(0)
    trigger_price: Ticks = Ticks(0)
    display_quantity: Lots = Lots(0)
    expire_ms: int = 0
    trail: int = 0
    limit_offset: Ticks = Ticks(0)
    activation_price: Ticks = Ticks(0)

    @property
    def trail_ppm(self) -> int:
        """The trail in parts per million of the price; 0 for one in ticks, or none."""
        return max(0, self.trail - w.TRAIL_PPM)

    @property
    def trail_ticks(self) -> Ticks:
        """The trail in ticks; 0 for one in parts per million, or none."""
        return Ticks(0 if self.trail_ppm else self.trail)

    @classmethod
    def of(cls, *sources: OrderRow | OrderConditions | OrderTrail | None) -> Self:
        """Return the conditions in a row, or in events; None is one that an order has not."""
        return cls(
            **{
                name: getattr(source, name)
                for source in sources
                for name in cls._fields
                if hasattr(source, name)
            }
        )

    @classmethod
    def of_changes(cls, values: Mapping[str, Any]) -> Self:
        """Return the conditions in the changes of a row; those it does not state are 0."""
        return cls(**{name: values[name] for name in cls._fields if name in values})


NO_CONDITIONS: Final = Conditions()


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its own account sees it.

    Attributes
    ----------
    price
        None where the order has none.
    quantity
        None for a buy by ``quote_amount``, where it is known as one.
    conditions
        All 0 also when the source does not know them: an event after the first does not repeat
        them.
    client_order_id, created_at_ms
        None and 0 also when the source does not know them.
    list_id
        The list that it belongs to; 0 for none, and when the source does not know it.
    sequence
        Of the last command that the view reflects.

    """

    order_id: int
    market: Market
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    price: Ticks | None
    quantity: Lots | None
    conditions: Conditions
    filled_quantity: Lots
    remaining_quantity: Lots
    filled_quote: Units
    status: OrderStatus
    close_reason: CloseReason
    updated_at_ms: int
    sequence: int
    client_order_id: str | None = None
    created_at_ms: int = 0
    list_id: int = 0


def order_from_row(row: OrderRow, market: Market) -> OrderView:
    """Return the view of an order of the read model."""
    return OrderView(
        order_id=row.order_id,
        market=market,
        side=Side.from_word(row.side),
        type=OrderType.from_word(row.type),
        time_in_force=TimeInForce.from_word(row.time_in_force),
        post_only=row.post_only,
        self_trade_prevention=SelfTradePrevention.from_word(row.self_trade_prevention),
        price=row.price or None,
        quantity=None if row.quote_amount else row.quantity,
        conditions=Conditions.of(row),
        filled_quantity=row.filled_quantity,
        remaining_quantity=row.remaining,
        filled_quote=row.filled_quote,
        status=OrderStatus.from_word(row.status),
        close_reason=CloseReason.from_word(row.close_reason),
        updated_at_ms=row.updated_at_ms,
        sequence=row.sequence,
        client_order_id=row.client_order_id,
        created_at_ms=row.created_at_ms,
        list_id=row.list_id,
    )


def order_from_event(
    event: Order,
    conditions: Conditions,
    time_ms: int,
    market: Market,
) -> OrderView:
    """Return the view of an order as an event states it; the event does not say how it began."""
    return OrderView(
        order_id=event.order_id,
        market=market,
        side=Side(event.side),
        type=OrderType(event.order_type),
        time_in_force=TimeInForce(event.time_in_force),
        post_only=w.flags_post_only(event.flags),
        self_trade_prevention=SelfTradePrevention(w.flags_stp(event.flags)),
        price=Ticks(event.price) or None,
        quantity=None if conditions.quote_amount else Lots(event.quantity),
        conditions=conditions,
        filled_quantity=Lots(event.quantity - event.remaining),
        remaining_quantity=Lots(event.remaining),
        filled_quote=Units(event.filled_quote),
        status=OrderStatus(event.status),
        close_reason=CloseReason(event.close_reason),
        updated_at_ms=time_ms,
        sequence=event.sequence,
    )


def order_from_changes(values: Mapping[str, Any], sequence: int, market: Market) -> OrderView:
    """Return the view of those fields of an `OrderRow` that a record states.

    The quantity is what has been filled and remains, also for a buy by quote amount; None is one
    that bought nothing. An order that self-trade prevention has decremented to nothing has 0.
    """
    conditions = Conditions.of_changes(values)
    bought_nothing = conditions.quote_amount > 0 and values["quantity"] == 0
    return OrderView(
        order_id=values["order_id"],
        market=market,
        side=Side.from_word(values["side"]),
        type=OrderType.from_word(values["type"]),
        time_in_force=TimeInForce.from_word(values["time_in_force"]),
        post_only=values["post_only"],
        self_trade_prevention=SelfTradePrevention.from_word(values["self_trade_prevention"]),
        price=values["price"] or None,
        quantity=None if bought_nothing else values["quantity"],
        conditions=conditions,
        filled_quantity=values["filled_quantity"],
        remaining_quantity=values["remaining"],
        filled_quote=values["filled_quote"],
        status=OrderStatus.from_word(values["status"]),
        close_reason=CloseReason.from_word(values["close_reason"]),
        updated_at_ms=values["updated_at_ms"],
        sequence=sequence,
        client_order_id=values.get("client_order_id"),
        created_at_ms=values.get("created_at_ms", 0),
        list_id=values.get("list_id", 0),
    )
