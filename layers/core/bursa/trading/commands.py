"""What an account may ask for: typed, in the engine's units, of any dialect.

A dialect looks the market up and reads the decimals; `bursa.trading.order_checks` has what an order
must also keep to.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.markets import Market
from bursa.trading.orders import (
    NO_CONDITIONS,
    Conditions,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

OPERATIONS_MAX = COMMANDS_PER_MESSAGE_MAX


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Place an order.

    Attributes
    ----------
    price
        0 for a market order.
    quantity
        0 when the condition ``quote_amount`` says how much to buy.
    client_order_id
        The account's own name of the order: the same name again is the same order.

    """

    market: Market
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: Ticks = Ticks(0)
    quantity: Lots = Lots(0)
    conditions: Conditions = NO_CONDITIONS
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel an order, named by exactly one of its two ids."""

    order_id: int | None = None
    client_order_id: str | None = None

    def __post_init__(self) -> None:
        if (self.order_id is None) == (self.client_order_id is None):
            raise ValueError("A cancel names its order by one id.")


@dataclass(frozen=True, slots=True)
class CancelAllOrders:
    """Cancel all open orders of the account, in one market or on one side; None is for any."""

    market: Market | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class CancelAllAfter:
    """Cancel all open orders of the account in so many milliseconds; 0 ends the countdown."""

    timeout_ms: int


class OrderChange(NamedTuple):
    """What an order is to have instead; 0 leaves it as it is.

    Attributes
    ----------
    quantity
        Of an amended order all of it, what is filled included; of a replacement its own, 0 for
        what remains of the one that it replaces.
    trigger_price
        Only of a stop that waits.
    display_quantity
        Only of an iceberg.
    trail
        Only of a trailing stop that waits; as in `Conditions`.

    """

    price: Ticks = Ticks(0)
    quantity: Lots = Lots(0)
    trigger_price: Ticks = Ticks(0)
    display_quantity: Lots = Lots(0)
    trail: int = 0


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Change an open order, which stays the same one.

    It keeps its place in the queue where only its quantity gets less.
    """

    order: OrderView
    change: OrderChange


@dataclass(frozen=True, slots=True)
class ReplaceOrder:
    """Cancel an open order and place another like it in one step, or do neither."""

    order: OrderView
    change: OrderChange
    client_order_id: str | None = None

    @property
    def market(self) -> Market:
        """The market of both."""
        return self.order.market


NewOrder: TypeAlias = PlaceOrder | ReplaceOrder
Operation: TypeAlias = PlaceOrder | AmendOrder | ReplaceOrder | CancelOrder


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `OPERATIONS_MAX` operations, carried out in this order, each on its own."""

    operations: tuple[Operation, ...]
