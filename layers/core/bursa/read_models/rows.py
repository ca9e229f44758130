"""Every row of every read model: its fields, and its form as DynamoDB attributes.

The projector writes these rows and the API reads them; no one else knows the form. A row holds
integers in the engine's units (prices in ticks, quantities in lots, amounts in ledger units, times
in UTC milliseconds) and words for everything that has a name ("buy", "partially_filled"). What is
``None`` is not stored. Keys are added by `bursa.kernel.keys`; no row needs its key to be read.

Each row but pointers and candles carries ``sequence``: it reflects every event up to that sequence
that concerns it, so a writer who finds a higher one has come late and leaves it alone (DESIGN D7).

Rows are msgspec's structs: frozen dataclasses of their size would cost every function 8 ms of its
start.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import TenantId
from bursa.read_models.moments import any_tenant_at, last_moment
from bursa.read_models.row_attributes import plan, read_attribute, write_attribute
from wire import layout as w

# One item in the form of boto3's low-level client: {"price": {"N": "12"}}.
Attributes: TypeAlias = dict[str, dict[str, Any]]
Value: TypeAlias = str | int | bool | bytes | frozenset[str]
# Fields to set; None removes the attribute.
Changes: TypeAlias = dict[str, Value | None]

ItemKey: TypeAlias = tuple[str, str]  # partition and sort key

AnyRow: TypeAlias = msgspec.Struct
Row = TypeVar("Row", bound=AnyRow)


_WAITING = (w.STATUS_OPEN, w.STATUS_PENDING_TRIGGER, w.STATUS_PENDING_ENTRY)
OPEN_STATUSES = frozenset({*_WAITING, w.STATUS_PARTIALLY_FILLED})
OPEN_WORDS = frozenset(w.STATUS_NAMES[status] for status in OPEN_STATUSES)

# Which rows there are, by number: a change of it asks for `make rebuild` of what is deployed.
# 2 has names of open orders, 3 transfers, 4 what users trade each day, 5 candles.
READ_MODELS_SCHEMA = 5
# The first in which lists of orders, transfers, what users trade, or candles are whole.
LISTS_SCHEMA, TRANSFERS_SCHEMA, TRADED_SCHEMA, CANDLES_SCHEMA = 2, 3, 4, 5


class RowError(Exception):
    """Raised when a stored row lacks a field or holds one of another type."""


class OrderRow(msgspec.Struct, frozen=True):
    """An order's whole state; one item for its whole life.

    Attributes
    ----------
    account
        ``t1-12``.
    order_id, list_id
        The sequence of the command that placed it, and of its list's last one; 0 for no list.
    status
        How far it has come (`wire.layout.STATUS_NAMES`).
    close_reason
        Why it closed (`wire.layout.CLOSE_NAMES`), ``none`` while it is open.
    price, trigger_price
        Ticks; 0 where the order type has none. A trailing stop's trigger price is the one that was
        stated last.
    trail
        Ticks, or `wire.layout.TRAIL_PPM` and parts per million.
    limit_offset, activation_price
        Ticks, of trailing stops.
    quantity, remaining, filled_quantity, display_quantity
        Lots. ``quantity`` is always what is filled and what remains; a market buy by
        ``quote_amount`` grows it as it fills.
    filled_quote, quote_amount
        Ledger units of the quote asset.
    request_digest
        What the command that placed it asked for (`wire.digests.command_digest`).

    """

    account: str
    order_id: int
    market: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    self_trade_prevention: str
    price: Ticks
    quantity: Lots
    remaining: Lots
    filled_quantity: Lots
    filled_quote: Units
    status: str
    close_reason: str
    created_at_ms: int
    updated_at_ms: int
    sequence: int
    client_order_id: str | None = None
    trigger_price: Ticks = Ticks(0)
    display_quantity: Lots = Lots(0)
    expire_ms: int = 0
    quote_amount: Units = Units(0)
    request_digest: bytes = b""
    trail: int = 0
    limit_offset: Ticks = Ticks(0)
    activation_price: Ticks = Ticks(0)
    list_id: int = 0


class OpenOrderRow(msgspec.Struct, frozen=True):
    """The name of an order that may be open; whether it is, its own row says.

    It is written after the order's row, and deleted once that is closed. A write that was on its
    way for long may bring it back.
    """

    order_id: int
    market: str
    status: str
    sequence: int


class ClientOrderRow(msgspec.Struct, frozen=True):
    """What became of the newest order under an account's client order id; never changes.

    Attributes
    ----------
    order_id
        0 when the order was rejected.
    request_digest
        What was asked for (`wire.digests.command_digest`); empty when that is not known.
    reason
        Why it was rejected (`wire.layout.REASON_NAMES`), else absent.

    """

    account: str
    client_order_id: str
    order_id: int
    request_digest: bytes = b""
    reason: str | None = None


class FillRow(msgspec.Struct, frozen=True):
    """One account's side of a trade; never changes.

    ``fee`` is in ledger units of ``fee_asset``; a rebate is negative.
    """

    account: str
    trade_id: int
    order_id: int
    market: str
    side: str
    role: str  # maker or taker
    price: Ticks
    quantity: Lots
    quote_amount: Units
    fee: Units
    fee_asset: str
    time_ms: int
    sequence: int


class BalanceRow(msgspec.Struct, frozen=True):
    """What an account has of an asset, in ledger units."""

    account: str
    asset: str
    available: Units
    held: Units
    updated_at_ms: int
    sequence: int


class AssetRow(msgspec.Struct, frozen=True):
    """An asset of a tenant; ``scale`` is the decimal places of its ledger unit. Never changes."""

    tenant: str
    number: int
    symbol: str
    scale: int
    sequence: int


class MarketRow(msgspec.Struct, frozen=True):
    """A market's definition, limits and state.

    Limits are 0 where there is none.
    """

    tenant: str
    number: int
    symbol: str
    base: str
    quote: str
    base_scale: int
    quote_scale: int
    lot_units: int
    tick_units: int
    state: str
    sequence: int
    min_notional: Units = Units(0)
    max_quantity: Lots = Lots(0)
    max_price: Ticks = Ticks(0)
    collar_ppm: int = 0
    market_collar_ppm: int = 0
    breaker_ppm: int = 0
    reference_interval_ms: int = 0
    least_value: Units = Units(0)
    auction_ms: int = 0


class FeeTierRow(msgspec.Struct, frozen=True):
    """The fees of a tier in parts per million; tier 0 is what an account has by default."""

    tenant: str
    tier: int
    maker_ppm: int
    taker_ppm: int
    sequence: int


class TradeRow(msgspec.Struct, frozen=True):
    """A public trade; never changes."""

    tenant: str
    market: str
    trade_id: int
    price: Ticks
    quantity: Lots
    quote_amount: Units
    taker_side: str
    time_ms: int
    sequence: int


class BookRow(msgspec.Struct, frozen=True):
    """A market's best levels and last day in one item; read it with `read_models.book_format`.

    Attributes
    ----------
    sequence
        Of the last command that changed anything in it.
    bids, asks
        Packed levels, best first: all of them, or the best where there is a base.
    hours
        Packed hourly statistics of the last 24 hours and the current one.
    last_price, last_quantity, last_trade_id, last_time_ms
        Of the last trade; 0 before the first.
    reference_price, indicative_price, indicative_quantity, state
        As the engine states them; 0, or None, where it has not.
    zones
        What is stored of the other parts (`read_models.book_zones`); None where ``bids`` and
        ``asks`` are all there is.
    ring
        Which ring of change rows they have or, without, had last.
    candles
        Packed: those that go on, one of each stored interval; None before the first trade.

    """

    tenant: str
    market: str
    sequence: int
    time_ms: int
    bids: bytes
    asks: bytes
    hours: bytes
    last_price: int = 0
    last_quantity: int = 0
    last_trade_id: int = 0
    last_time_ms: int = 0
    reference_price: int = 0
    indicative_price: int = 0
    indicative_quantity: int = 0
    zones: bytes | None = None
    ring: int = 0
    candles: bytes | None = None
    state: str | None = None


class BookBaseRow(msgspec.Struct, frozen=True):
    """A page of one side of a zone, best first, as it was at a sequence. Never changes.

    ``edge`` is where the near zone of the side ends, or the far one begins.
    """

    tenant: str
    market: str
    sequence: int
    zone: str
    side: str
    edge: int
    page: int
    levels: bytes


class BookChangeRow(msgspec.Struct, frozen=True):
    """Levels of a zone that changed at the sequences up to ``sequence``; 0: gone.

    It follows the change row, or the base, of the number ``previous``. It is written over by one
    with a higher number.
    """

    tenant: str
    market: str
    sequence: int
    ring: int
    zone: str
    number: int
    previous: int
    bids: bytes
    asks: bytes


class SchemaRow(msgspec.Struct, frozen=True):
    """Which rows a shard's read models have: those of the software that began or rebuilt them."""

    shard: int
    schema: int


class ProgressRow(msgspec.Struct, frozen=True):
    """How far a projection has followed a shard's journal.

    Attributes
    ----------
    sequence, number, time_ms
        Last sequence, number and time of the last record that is wholly applied.
    skipped
        Records stepped over because they could not be projected; anything but 0 calls for
        `make rebuild` once the cause is mended.
    epoch
        Epoch of the last record that is applied: which of the shard's writers committed it.
    ahead_sequence, ahead_time_ms
        While the rows of a large record are being written: how far all rows are but theirs who
        are in ``behind``; 0 when none is.
    behind
        Accounts and markets, or whole tenants, whose rows may be no further than ``sequence``.
    moments, ahead_moments
        When each tenant was concerned last (`bursa.read_models.moments`), up to ``sequence`` and up
        to ``ahead_sequence``. Rows of older software have none.

    """

    shard: int
    sequence: int
    number: int
    time_ms: int
    skipped: int = 0
    epoch: int = 0
    ahead_sequence: int = 0
    ahead_time_ms: int = 0
    behind: frozenset[str] = frozenset()
    moments: bytes = b""
    ahead_moments: bytes = b""

    def position_of(self, owner: str) -> tuple[int, int]:
        """Return the sequence and time that an account's or a market's rows have got to."""
        tenant = owner.partition("#")[0].partition("-")[0]
        if not self.ahead_sequence or owner in self.behind or tenant in self.behind:
            return self.sequence, self.time_ms
        return self.ahead_sequence, self.ahead_time_ms

    def moment_of(self, owner: str) -> int:
        """Return when the tenant of an account or a market was concerned last, as its rows show."""
        sequence, time_ms = self.position_of(owner)
        moments = self.moments if sequence == self.sequence else self.ahead_moments
        tenant = TenantId.parse(owner.partition("#")[0].partition("-")[0])
        return last_moment(moments or any_tenant_at(time_ms), tenant)


class ConnectionRow(msgspec.Struct, frozen=True):
    """An open WebSocket connection, whose it is, and the channels it listens to.

    It may be used until ``expires_at``: the end of its session or of what a connection may last. A
    visitor (`bursa.kernel.visitors`) is in the place of an account, for who has not signed in.
    """

    tenant: str
    connection_id: str
    account: str
    connected_at_ms: int
    expires_at: int  # seconds; DynamoDB forgets the row then
    channels: frozenset[str] = frozenset()
    user: str = ""
    session: str = ""


class SubscriptionRow(msgspec.Struct, frozen=True):
    """One connection's interest in one channel.

    ``since`` is how far the read models were when it subscribed: what comes later is to be sent,
    until ``expires_at``, which is its connection's. ``moment`` is when its tenant was
    concerned last up to there; rows of older software lack it.
    """

    tenant: str
    channel: str
    connection_id: str
    since: int
    expires_at: int
    account: str
    moment: int | None = None


def to_attributes(row: AnyRow) -> Attributes:
    """Write a whole row; fields that are None or an empty set are left out."""
    attributes: Attributes = {}
    for name, kind, _ in plan(type(row)):
        value = getattr(row, name)
        if value is None or (kind == "SS" and not value):
            continue
        attributes[name] = write_attribute(kind, value)
    return attributes


def change_attributes(row_type: type[AnyRow], changes: Changes) -> Attributes:
    """Write the fields that a change sets; those it removes (None) are left out."""
    kinds = {name: kind for name, kind, _ in plan(row_type)}
    return {
        name: write_attribute(kinds[name], value)
        for name, value in changes.items()
        if value is not None
    }


def from_attributes(row_type: type[Row], attributes: Mapping[str, Mapping[str, Any]]) -> Row:
    """Read a row; attributes it does not know (keys, a time to live) are passed over.

    Raises
    ------
    RowError
        A field is missing or has another type.

    """
    values: dict[str, Any] = {}
    for name, kind, required in plan(row_type):
        attribute = attributes.get(name)
        if attribute is None:
            if required:
                raise RowError(f"A {row_type.__name__} without {name}.")
            continue
        try:
            values[name] = read_attribute(kind, attribute[kind])
        except (KeyError, TypeError, ValueError):
            raise RowError(f"A {row_type.__name__} whose {name} is not a {kind}.") from None
    return row_type(**values)


def with_values(row: Row, **values: Value | None) -> Row:
    """Return a row with other values in some of its fields."""
    return msgspec.structs.replace(row, **values)


def row_key(partition: str, sort: str) -> Attributes:
    """Return a key's attributes."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def is_open(order: Attributes) -> bool:
    """Return whether the stored row of an order says that it is open."""
    return order["status"]["S"] in OPEN_WORDS


def item_key(item: Attributes) -> ItemKey:
    """Name an item within its table."""
    return item["pk"]["S"], item["sk"]["S"]
