"""What a use case returns: what became of a command, typed, for any dialect to present.

What the engine decided is a value, rejections included. What could not be found out, or belongs to
another request, is an exception of `bursa.kernel.errors`; in a batch it concerns one operation
alone and is a value there too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from bursa.intake.submission import Pending
from bursa.kernel.errors import BursaError
from bursa.read_models.rows import FillRow
from bursa.trading.orders import OrderView
from wire import layout as w

_REASONS: Final[Mapping[str, int]] = {name: reason for reason, name in w.REASON_NAMES.items()}


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """The order, and the first of what it traded at once (`bursa.intake.outcomes.LISTED_MAX`)."""

    order: OrderView
    fills: tuple[FillRow, ...]


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order's state after its cancel."""

    order: OrderView


@dataclass(frozen=True, slots=True)
class OrdersCancelled:
    """How many orders were closed, and the first of them, oldest first."""

    count: int
    order_ids: tuple[int, ...]
    time_ms: int


@dataclass(frozen=True, slots=True)
class Countdown:
    """When all open orders end unless it is renewed, in UTC milliseconds; None when it is off.

    ``time_ms`` is when that was decided.
    """

    ends_at_ms: int | None
    time_ms: int


@dataclass(frozen=True, slots=True)
class OrderRejected:
    """The engine rejected it, nothing has changed; ``reason`` is a REASON_ of `wire.layout`."""

    reason: int

    @classmethod
    def named(cls, reason: str) -> Self:
        """Return the rejection for a reason by its name, as rows have it."""
        return cls(_REASONS[reason])


@dataclass(frozen=True, slots=True)
class OrderAlreadyClosed:
    """The order is the account's own, and nothing of it is left to cancel."""

    order_id: int


@dataclass(frozen=True, slots=True)
class OperationFailed:
    """An operation of a batch whose outcome can't be given; the others are not touched by it."""

    error: BursaError


@dataclass(frozen=True, slots=True)
class PendingOrder(Pending):
    """Handed in, and not decided before the deadline; the account can look the order up.

    Attributes
    ----------
    order_id, client_order_id
        Of the order that is cancelled or placed: one of them.

    """

    order_id: int | None = None
    client_order_id: str | None = None


SettleOutcome: TypeAlias = OrderView | OrderRejected | PendingOrder
PlaceOutcome: TypeAlias = OrderPlaced | OrderRejected | PendingOrder | Pending
CancelOutcome: TypeAlias = OrderCancelled | OrderRejected | OrderAlreadyClosed | PendingOrder
MassCancelOutcome: TypeAlias = OrdersCancelled | OrderRejected | Pending
CountdownOutcome: TypeAlias = Countdown | OrderRejected | Pending
AmendOutcome: TypeAlias = OrderPlaced | OrderRejected | OrderAlreadyClosed | PendingOrder
OperationOutcome: TypeAlias = (
    OrderPlaced | OrderCancelled | OrderRejected | OrderAlreadyClosed | OperationFailed
)
BatchOutcome: TypeAlias = tuple[OperationOutcome, ...] | Pending
