"""The shape of what would become of an order (`bursa.trading.dry_run`)."""

from typing_extensions import TypedDict


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
