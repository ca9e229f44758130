"""Events as objects: what the engine's output words say.

A class's fields are the layout's words in the layout's order; ``sequence`` is that of the command
which caused the event.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from engine import layout as w


class DecodeError(ValueError):
    """The bytes are not whole commands or whole events."""


class Result(NamedTuple):
    """How one command was decided."""

    sequence: int
    time_ms: int
    id_high: int
    id_low: int
    account: int
    command_kind: int
    reason: int
    order_id: int
    filled_quantity: int
    filled_quote: int
    detail: int
    intake_ms: int

    @property
    def accepted(self) -> bool:
        """Whether the command took effect."""
        return self.reason == w.REASON_ACCEPTED


class Order(NamedTuple):
    """The whole state of an order."""

    sequence: int
    order_id: int
    account: int
    id_high: int
    id_low: int
    market: int
    terms: int
    price: int
    quantity: int
    remaining: int
    filled_quote: int

    @property
    def side(self) -> int:
        """SIDE_BUY or SIDE_SELL."""
        return w.terms_side(self.terms)

    @property
    def order_type(self) -> int:
        """A TYPE_ constant."""
        return w.terms_type(self.terms)

    @property
    def time_in_force(self) -> int:
        """A TIF_ constant."""
        return w.terms_time_in_force(self.terms)

    @property
    def status(self) -> int:
        """A STATUS_ constant."""
        return w.terms_status(self.terms)

    @property
    def close_reason(self) -> int:
        """A CLOSE_ constant."""
        return w.terms_close_reason(self.terms)


class OrderTerms(NamedTuple):
    """The rarely used terms of an order."""

    sequence: int
    order_id: int
    trigger_price: int
    display_quantity: int
    expire_ms: int
    quote_amount: int


class Trade(NamedTuple):
    """One fill."""

    sequence: int
    trade_id: int
    market: int
    price: int
    quantity: int
    quote_amount: int
    maker_order: int
    taker_order: int
    maker_account: int
    taker_account: int
    maker_fee: int
    taker_fee: int
    taker_side: int


class Balance(NamedTuple):
    """What an account has of an asset."""

    sequence: int
    account: int
    asset: int
    available: int
    held: int


class Level(NamedTuple):
    """The displayed quantity at a price."""

    sequence: int
    market: int
    side: int
    price: int
    quantity: int


class Market(NamedTuple):
    """The state of a market."""

    sequence: int
    market: int
    state: int
    last_price: int
    reference_price: int
    indicative_price: int
    indicative_quantity: int


class MarketDefinition(NamedTuple):
    """What a market trades and in which steps."""

    sequence: int
    market: int
    tenant: int
    base: int
    quote: int
    lot_units: int
    tick_units: int
    state: int
    symbol_high: int
    symbol_low: int


class MarketLimits(NamedTuple):
    """The limits of a market."""

    sequence: int
    market: int
    min_notional: int
    max_quantity: int
    max_price: int
    collar_ppm: int
    market_collar_ppm: int
    breaker_ppm: int
    reference_interval_ms: int


class Asset(NamedTuple):
    """An asset of a tenant."""

    sequence: int
    asset: int
    tenant: int
    scale: int
    symbol_high: int
    symbol_low: int


class Account(NamedTuple):
    """The settings of an account."""

    sequence: int
    account: int
    tier: int
    stp_group: int
    state: int


class FeeTier(NamedTuple):
    """The fees of a tier of a tenant."""

    sequence: int
    tenant: int
    tier: int
    maker_ppm: int
    taker_ppm: int


class Hold(NamedTuple):
    """What is left of a hold; 0 = gone."""

    sequence: int
    account: int
    hold_id: int
    asset: int
    amount: int


class Countdown(NamedTuple):
    """When an account's dead-man switch fires; 0 = disarmed."""

    sequence: int
    account: int
    deadline_ms: int


class Epoch(NamedTuple):
    """Who writes the journal from here on."""

    sequence: int
    epoch: int
    worker_high: int
    worker_low: int


Event = (
    Result
    | Order
    | OrderTerms
    | Trade
    | Balance
    | Level
    | Market
    | MarketDefinition
    | MarketLimits
    | Asset
    | Account
    | FeeTier
    | Hold
    | Countdown
    | Epoch
)

_EVENT_CLASSES: tuple[type[Event], ...] = (
    Result,  # never indexed: kind 0 does not exist
    Result,
    Order,
    OrderTerms,
    Trade,
    Balance,
    Level,
    Market,
    MarketDefinition,
    MarketLimits,
    Asset,
    Account,
    FeeTier,
    Hold,
    Countdown,
    Epoch,
)


def decode_events(data: bytes | memoryview) -> Iterator[Event]:
    """Yield the events in an engine's output or a journal record.

    Raises
    ------
    DecodeError
        The bytes do not start with a result, are cut short, or hold an unknown event kind.
    """
    count, odd = divmod(len(data), w.WORD_BYTES)
    if odd:
        raise DecodeError(f"{len(data)} bytes are not whole words")
    words = struct.unpack(f"<{count}q", data)
    if count and words[0] != w.EVENT_RESULT:
        raise DecodeError(f"events start with kind {words[0]}, not with a result")
    position = sequence = 0
    while position < count:
        kind = words[position]
        if not 0 < kind <= w.EVENT_KIND_LAST:
            raise DecodeError(f"unknown event kind {kind} at word {position}")
        end = position + w.EVENT_LENGTH[kind]
        if end > count:
            raise DecodeError(f"event of kind {kind} at word {position} is cut short")
        if kind == w.EVENT_RESULT:
            yield Result(*words[position + 1 : end])
            sequence = words[position + w.RESULT_SEQUENCE]
        else:
            yield _EVENT_CLASSES[kind](sequence, *words[position + 1 : end])
        position = end
