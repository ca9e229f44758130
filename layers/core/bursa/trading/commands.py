"""What an account may ask for: typed, in the engine's units, of any dialect.

A dialect looks the market up and reads the decimals; `bursa.trading.order_checks` has what an order
must also keep to.
"""

from dataclasses import dataclass
from typing import TypeAlias

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.markets import Market
from bursa.trading.orders import (
    NO_CONDITIONS,
    Conditions,
    OrderType,
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
    """Cancel all open orders of the account, in one market or, when None, in all."""

    market: Market | None = None


Operation: TypeAlias = PlaceOrder | CancelOrder


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `OPERATIONS_MAX` operations, carried out in this order, each on its own."""

    operations: tuple[Operation, ...]
