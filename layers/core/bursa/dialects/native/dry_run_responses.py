"""The shapes of what would become of orders, lists and batches (`bursa.trading.dry_run`)."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from bursa.dialects.native.responses import OperationError


class AssetAmount(TypedDict):
    """So much of an asset."""

    asset: str
    amount: str


class NearestValue(TypedDict):
    """The nearest value of a field that this rule would not refuse."""

    field: str
    value: str


class DryRunRefusal(TypedDict):
    """Why the order would be refused: the same code and sentence as if it were sent."""

    code: str
    detail: str
    field: str | None
    nearest: NearestValue | None


class DryRunTaking(TypedDict):
    """What the order would trade at once, with what the book shows of its best 1,000 levels.

    average_price is to the tick, and never better than it is.
    """

    quantity: str
    quote_amount: str
    average_price: str
    worst_price: str
    fee: AssetAmount


class DryRunFees(TypedDict):
    """Fees by default in parts per million, and all of them at most, at the order's own price.

    Null where that is not known: of a stop that would wait.
    """

    maker_ppm: int
    taker_ppm: int
    at_most: AssetAmount | None


class DryRunResult(TypedDict):
    """What would become of an order, by the market and the balance as they are read now.

    needed must be available for it; reserved is what would be held for waiting_quantity after it
    has traded what it can. sequence is that of the market's data; 0 where nothing has happened yet.
    """

    accepted: bool
    refusal: DryRunRefusal | None
    needed: AssetAmount
    available: AssetAmount
    reserved: AssetAmount
    waiting_quantity: str
    taking: DryRunTaking | None
    fees: DryRunFees
    status: str
    sequence: int


class DryRunNotTold(TypedDict):
    """Why it is not told what would become of it."""

    code: Literal["after_another", "own_order", "price_protection", "repeated_id", "exit_trades"]
    detail: str


class DryRunListOrder(TypedDict):
    """What would become of an order of a list, or why that is not told; its name is its field."""

    order: str
    dry_run: NotRequired[DryRunResult]
    not_told: NotRequired[DryRunNotTold]


class DryRunList(TypedDict):
    """What would become of a list.

    The orders are as in the list's response; there are none where it would not even be sent.
    refusal names the order that it is about in its field.
    """

    accepted: bool
    refusal: DryRunRefusal | None
    orders: list[DryRunListOrder]


class DryRunOperation(TypedDict):
    """What would become of an operation, after those before it.

    An order (dry_run), what a cancel makes available again, null where that is not known, an error
    (of an order that is not there), or why it is not told.
    """

    index: int
    op: str
    dry_run: NotRequired[DryRunResult]
    available_again: NotRequired[AssetAmount | None]
    error: NotRequired[OperationError]
    not_told: NotRequired[DryRunNotTold]


class DryRunBatch(TypedDict):
    """One result an operation, in the order they were sent."""

    results: list[DryRunOperation]
