"""The shapes of events' details, version 1. Amounts are decimal strings, times UTC milliseconds."""

from typing import Final

from typing_extensions import TypedDict

VERSION: Final = 1


class Detail(TypedDict):
    """What every event has: `id` is equal whenever the same event comes again."""

    version: int
    id: str
    tenant: str
    at_ms: int


class OrderDone(Detail):
    """An order that is done; nothing changes it any more. `price` is null where it has none."""

    account: str
    order_id: str
    market: str
    side: str
    type: str
    time_in_force: str
    price: str | None
    quantity: str | None
    filled_quantity: str
    filled_quote: str
    status: str
    close_reason: str | None


class TradeSide(TypedDict):
    """One side of a trade; a negative fee is a rebate."""

    account: str
    order_id: str
    fee: str
    fee_asset: str


class TradeExecuted(Detail):
    """A trade; `side` is what the taker did."""

    trade_id: str
    market: str
    side: str
    price: str
    quantity: str
    quote_amount: str
    maker: TradeSide
    taker: TradeSide


class TransferMade(Detail):
    """Money that moved other than by a trade, as one account sees it.

    `kind` is credit, debit, capture, transfer or fee; `direction` in or out; `counter_account` is
    null where the other side is outside the exchange.
    """

    account: str
    kind: str
    direction: str
    asset: str
    amount: str
    reference: str
    counter_account: str | None


class BalanceChanged(Detail):
    """What an account has of an asset since then; values in between may have been left out."""

    account: str
    asset: str
    available: str
    held: str
    total: str


class MarketState(Detail):
    """The state that a market is in since then; it may be stated again."""

    market: str
    status: str
