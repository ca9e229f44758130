"""Events as objects: what the engine's output words mean.

``sequence`` is that of the command which caused the event. What a result was filled is nowhere in
the words: it is the sum of the command's trades in which the order it placed or meant is the taker.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from wire import layout as w

# They say nothing of what the command's id stands for: the engine does not remember them under it.
NOT_REMEMBERED = frozenset(
    {w.REASON_MALFORMED_COMMAND, w.REASON_DUPLICATE_COMMAND, w.REASON_COMMAND_TOO_OLD}
)


class DecodeError(ValueError):
    """The bytes are not whole commands or whole events."""


class Result(NamedTuple):
    """How one command was decided.

    Attributes
    ----------
    command_kind
        A COMMAND_ constant; 0 for a kind that does not exist.
    order_id
        The order placed or meant; for duplicate_command that of the original.
    filled_quantity, filled_quote
        Lots that the order placed or changed traded at once, and the quote units for them.
    detail
        How many orders CANCEL_ALL closed; for duplicate_command the original's reason.
    intake_ms
        The command's own time; ``time_ms`` is the engine's.

    """

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
    flags: int
    price: int
    quantity: int
    remaining: int
    filled_quote: int

    @property
    def side(self) -> int:
        """SIDE_BUY or SIDE_SELL."""
        return w.flags_side(self.flags)

    @property
    def order_type(self) -> int:
        """A TYPE_ constant."""
        return w.flags_type(self.flags)

    @property
    def time_in_force(self) -> int:
        """A TIF_ constant."""
        return w.flags_time_in_force(self.flags)

    @property
    def status(self) -> int:
        """A STATUS_ constant."""
        return w.flags_status(self.flags)

    @property
    def close_reason(self) -> int:
        """A CLOSE_ constant."""
        return w.flags_close_reason(self.flags)


class OrderConditions(NamedTuple):
    """What an order waits for or is limited by; most orders have none of it."""

    sequence: int
    order_id: int
    trigger_price: int
    display_quantity: int
    expire_ms: int
    quote_amount: int


# Their names in the order of their words, which is the order of a PLACE command's last words too.
CONDITIONS = OrderConditions._fields[2:]


class OrderTrail(NamedTuple):
    """How a trailing stop trails; its trigger price is in its conditions."""

    sequence: int
    order_id: int
    trail: int
    limit_offset: int
    activation_price: int


TRAIL = OrderTrail._fields[2:]


class OrderList(NamedTuple):
    """Which list an order belongs to: the id of the list's last order."""

    sequence: int
    order_id: int
    list_id: int


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
    least_value: int
    auction_ms: int


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


class TenantLimits(NamedTuple):
    """What the accounts of a tenant may take up; 0 = as much as there is."""

    sequence: int
    tenant: int
    orders_per_market: int
    orders: int
    holds: int


class Hold(NamedTuple):
    """What is left of a hold; 0 = gone."""

    sequence: int
    account: int
    hold_id: int
    asset: int
    amount: int


class Transfer(NamedTuple):
    """Money that moved other than by a trade.

    Attributes
    ----------
    kind
        A TRANSFER_KIND_ constant.
    counter_account
        Who received it; 0 where it came from, or went, outside the exchange.
    amount
        Ledger units of the asset, above 0.
    reference_high, reference_low
        What the caller's books call it; 0, 0 for nothing.

    """

    sequence: int
    kind: int
    asset: int
    account: int
    counter_account: int
    amount: int
    reference_high: int
    reference_low: int


class Countdown(NamedTuple):
    """When an account's dead-man switch cancels its orders; 0 = disarmed."""

    sequence: int
    account: int
    deadline_ms: int


class Epoch(NamedTuple):
    """Which worker writes the journal from here on."""

    sequence: int
    epoch: int
    worker_high: int
    worker_low: int


Event = (
    Result | Order | OrderConditions | OrderTrail | OrderList | Trade | Balance | Level | Market
    | MarketDefinition | MarketLimits | Asset | Account | FeeTier | TenantLimits | Hold | Countdown
    | Epoch | Transfer
)  # fmt: skip


# A kind is in the top byte of an event's first word: by that byte, 0 for what is no kind.
_TOP_BYTE = w.WORD_BYTES - 1
_KIND_OF_TOP = bytes(
    kind if kind <= w.EVENT_KIND_LAST else 0
    for kind in (top >> w.EVENT_KIND_SHIFT - 8 * _TOP_BYTE for top in range(256))
)
# What is no kind is longer than any output.
_LENGTHS = (1 << 62, *w.EVENT_LENGTH[1:])
_FILLS = (w.COMMAND_PLACE, w.COMMAND_AMEND, w.COMMAND_REPLACE, w.COMMAND_PLACE_LIST)

# A function each for the kinds whose first word says more, ``_plain`` for the others. Tuples are
# made without the call of ``Order(...)``, which takes a fifth of the time.
_Decoder = Callable[[int, tuple[int, ...]], Event]
# Kind, start and end of an event.
Span = tuple[int, int, int]
_new = tuple.__new__


def _result(words: tuple[int, ...], kinds: bytes, position: int) -> Result:
    end = position + w.RESULT_LENGTH
    first, sequence, id_high, id_low, account, subject, intake_ms = words[position:end]
    time_ms = first >> w.RESULT_TIME_SHIFT & w.TIME_MS_MAX
    reason = first >> w.RESULT_REASON_SHIFT & w.RESULT_REASON_MASK
    kind = first & w.RESULT_COMMAND_MASK
    order_id, quantity, quote, detail = subject, 0, 0, 0
    if reason == w.REASON_DUPLICATE_COMMAND:
        order_id, detail = max(subject, 0), max(-subject, 0)
    elif kind == w.COMMAND_CANCEL_ALL:
        order_id, detail = 0, subject
    elif kind in _FILLS and not reason:
        quantity, quote = _filled(words, kinds, end, order_id)
    return _new(
        Result,
        (
            sequence,
            time_ms,
            id_high,
            id_low,
            account,
            kind,
            reason,
            order_id,
            quantity,
            quote,
            detail,
            intake_ms,
        ),
    )


def _filled(words: tuple[int, ...], kinds: bytes, position: int, order_id: int) -> tuple[int, int]:
    """Return the lots and quote units that an order takes before the next result."""
    # Written out: a generator for each result would cost a seventh of all decoding.
    count, quantity, quote = len(words), 0, 0
    while position < count:
        kind = kinds[position]
        if kind == w.EVENT_RESULT:
            break
        end = position + _LENGTHS[kind]
        if kind == w.EVENT_TRADE and end <= count:
            taken = words[position + w.TRADE_TAKER_ORDER] == order_id
            quantity += words[position + w.TRADE_QUANTITY] if taken else 0
            quote += words[position + w.TRADE_QUOTE_AMOUNT] if taken else 0
        position = end
    return quantity, quote


def _order(sequence: int, words: tuple[int, ...]) -> Order:
    first, order_id, account, id_high, id_low, price, quantity, remaining, filled_quote = words
    market, flags = first >> w.EVENT_MARKET_SHIFT & w.MARKET_MAX, first & w.EVENT_LOW_MASK
    numbers = price, quantity, remaining, filled_quote
    return _new(Order, (sequence, order_id, account, id_high, id_low, market, flags, *numbers))


def _trade(sequence: int, words: tuple[int, ...]) -> Trade:
    first, trade_id = words[:2]
    market, side = first >> w.EVENT_MARKET_SHIFT & w.MARKET_MAX, first & w.EVENT_LOW_MASK
    return _new(Trade, (sequence, trade_id, market, *words[2:], side))


def _balance(sequence: int, words: tuple[int, ...]) -> Balance:
    first, account, available, held = words
    return _new(Balance, (sequence, account, first & w.ASSET_MAX, available, held))


def _level(sequence: int, words: tuple[int, ...]) -> Level:
    first, quantity = words
    market = first >> w.LEVEL_MARKET_SHIFT & w.MARKET_MAX
    side = first >> w.LEVEL_SIDE_SHIFT & w.SIDE_MASK
    return _new(Level, (sequence, market, side, first & w.PRICE_MAX, quantity))


def _transfer(sequence: int, words: tuple[int, ...]) -> Transfer:
    first = words[0]
    kind, asset = first >> w.TRANSFER_KIND_SHIFT & w.TRANSFER_KIND_MASK, first & w.ASSET_MAX
    return _new(Transfer, (sequence, kind, asset, *words[1:]))


def _plain(event: Callable[..., Event]) -> _Decoder:
    return lambda sequence, words: event(sequence, *words[1:])


_DECODERS: tuple[_Decoder, ...] = (
    _plain(Result),  # never used: kind 0 does not exist, and a result has its own function
    _plain(Result),
    _order,
    _plain(OrderConditions),
    _trade,
    _balance,
    _level,
    _plain(Market),
    _plain(MarketDefinition),
    _plain(MarketLimits),
    _plain(Asset),
    _plain(Account),
    _plain(FeeTier),
    _plain(Hold),
    _plain(Countdown),
    _plain(Epoch),
    _transfer,
    _plain(TenantLimits),
    _plain(OrderTrail),
    _plain(OrderList),
)


def decode_events(data: bytes | memoryview) -> Iterator[Event]:
    """Yield the events in an engine's output or a journal record.

    Raises
    ------
    DecodeError
        The bytes do not start with a result, are cut short, or hold an unknown event kind.
    """
    kinds = _kinds_by_word(data)
    words = struct.unpack(f"<{len(kinds)}q", data)
    if words and kinds[0] != w.EVENT_RESULT:
        raise DecodeError(f"events start with the word {words[0]}, not with a result")
    sequence = 0
    for kind, start, end in _spans(kinds):
        if kind == w.EVENT_RESULT:
            sequence = words[start + w.RESULT_SEQUENCE]
            yield _result(words, kinds, start)
        else:
            yield _DECODERS[kind](sequence, words[start:end])


def event_spans(data: bytes | memoryview) -> Iterator[Span]:
    """Yield kind, start and end of each event, in words: for those who pass events on as bytes.

    Raises
    ------
    DecodeError
        The bytes are cut short, or hold an unknown event kind.
    """
    return _spans(_kinds_by_word(data))


def _kinds_by_word(data: bytes | memoryview) -> bytes:
    """Return what kind of event would begin at each word, 0 for none."""
    if len(data) % w.WORD_BYTES:
        raise DecodeError(f"{len(data)} bytes are not whole words")
    return bytes(data[_TOP_BYTE :: w.WORD_BYTES]).translate(_KIND_OF_TOP)


def _spans(kinds: bytes, position: int = 0) -> Iterator[Span]:
    count = len(kinds)
    while position < count:
        kind = kinds[position]
        end = position + _LENGTHS[kind]
        if end > count:
            fault = f"event of kind {kind} is cut short" if kind else "unknown event kind"
            raise DecodeError(f"{fault} at word {position}")
        yield kind, position, end
        position = end
