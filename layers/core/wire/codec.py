"""Commands from, and events to, Python objects: for intake, projections, tests and tools.

The engine itself never uses this module: inside, words stay words. The classes of events are in
``wire.events``.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from wire import layout as w
from wire.events import DecodeError, Event, decode_events

_COMMAND = struct.Struct("<16q")
_ID = struct.Struct("<qq")

__all__ = [
    "NO_ID",
    "Command",
    "DecodeError",
    "Event",
    "decode_commands",
    "decode_events",
    "encode",
    "encode_advance_time",
    "encode_cancel",
    "encode_cancel_all",
    "encode_cancel_all_after",
    "encode_change",
    "encode_define_asset",
    "encode_define_market",
    "encode_epoch",
    "encode_funds",
    "encode_list",
    "encode_place",
    "encode_reject",
    "encode_set_account",
    "encode_set_fee_tier",
    "encode_set_market_limits",
    "encode_set_market_state",
    "pack_symbol",
    "unpack_symbol",
]

NO_ID = (0, 0)


def pack_symbol(symbol: str) -> tuple[int, int]:
    """Return a symbol of up to 16 ASCII characters as two words.

    Raises
    ------
    ValueError
        The symbol is empty, too long or not ASCII.
    """
    raw = symbol.encode("ascii")
    if not 0 < len(raw) <= _ID.size:
        raise ValueError(f"symbol {symbol!r} must have 1 to 16 ASCII characters")
    high, low = _ID.unpack(raw.ljust(_ID.size, b"\0"))
    return (high, low)


def unpack_symbol(high: int, low: int) -> str:
    """Return the symbol in two words."""
    return _ID.pack(high, low).rstrip(b"\0").decode("ascii")


# --- commands -------------------------------------------------------------------------------------


def encode(
    kind: int,
    account: int = 0,
    *body: int,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return one command's bytes: the header, then the body; missing words are 0.

    Parameters
    ----------
    actor
        Who asked (`wire.layout.ACTOR_KIND_SHIFT`); 0 for the system itself.

    """
    padding = (0,) * (w.COMMAND_LENGTH - w.HEADER_LENGTH - len(body))
    return _COMMAND.pack(kind, *command_id, time_ms, actor, account, *body, *padding)


def encode_place(
    account: int,
    market: int,
    side: int,
    price: int = 0,
    quantity: int = 0,
    *,
    order_type: int = w.TYPE_LIMIT,
    time_in_force: int | None = None,
    post_only: bool = False,
    stp: int = w.STP_NONE,
    stp_by_group: bool = False,
    quote_amount: int = 0,
    trigger_price: int = 0,
    display_quantity: int = 0,
    expire_ms: int = 0,
    trail: int = 0,
    limit_offset: int = 0,
    activation_price: int = 0,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a PLACE command.

    Parameters
    ----------
    price, trigger_price, quantity, display_quantity, limit_offset, activation_price
        Ticks and lots. A trailing stop has an activation price or 0, other stops a trigger.
    trail
        Ticks, or parts per million as `wire.layout.TRAIL_PPM` says.
    quote_amount
        What a market buy may spend, in quote units, instead of a quantity.
    time_in_force
        Good till cancelled for orders that can rest, immediate for market orders when None.
    """
    if time_in_force is None:
        immediate = w.MARKETABLE_TYPES >> order_type & 1
        time_in_force = w.TIF_IOC if immediate else w.TIF_GTC
    flags = w.pack_flags(
        side, order_type, time_in_force, post_only=post_only, stp=stp, stp_by_group=stp_by_group
    )
    body = (
        market,
        flags,
        price,
        quantity,
        trigger_price or activation_price,
        display_quantity,
        expire_ms,
        quote_amount,
        trail,
        limit_offset,
    )
    return encode(
        w.COMMAND_PLACE, account, *body, command_id=command_id, time_ms=time_ms, actor=actor
    )


def encode_list(*places: bytes) -> bytes:
    """Return the commands that place orders as a list, all or none.

    Parameters
    ----------
    places
        A PLACE command for each: two of which one cancels the other, or two exits and their entry.

    """
    kinds = [w.COMMAND_STAGE] * (len(places) - 1) + [w.COMMAND_PLACE_LIST]
    return b"".join(
        kind.to_bytes(w.WORD_BYTES, "little") + place[w.WORD_BYTES :]
        for kind, place in zip(kinds, places, strict=True)
    )


def encode_cancel(
    account: int,
    order_id: int = 0,
    *,
    target: tuple[int, int] = NO_ID,
    whole_list: bool = False,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a CANCEL of an order, named by its id or by the command id that placed it.

    Parameters
    ----------
    whole_list
        Whether a list is meant: by its id, or by the command id that placed its last order.

    """
    body = (order_id, *target, whole_list)
    return encode(
        w.COMMAND_CANCEL, account, *body, command_id=command_id, time_ms=time_ms, actor=actor
    )


def encode_cancel_all(
    account: int,
    market: int = 0,
    side: int = w.SIDE_BOTH,
    *,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a CANCEL_ALL for an account, one market or all, one side or both."""
    return encode(
        w.COMMAND_CANCEL_ALL,
        account,
        market,
        side,
        command_id=command_id,
        time_ms=time_ms,
        actor=actor,
    )


def encode_change(
    account: int,
    order_id: int = 0,
    *,
    replace: bool = False,
    target: tuple[int, int] = NO_ID,
    price: int = 0,
    quantity: int = 0,
    trigger_price: int = 0,
    display_quantity: int = 0,
    trail: int = 0,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return an AMEND, or a REPLACE; ``quantity`` is the new remaining one, 0 = as it is."""
    kind = w.COMMAND_REPLACE if replace else w.COMMAND_AMEND
    body = (order_id, *target, price, quantity, trigger_price, display_quantity, trail)
    return encode(kind, account, *body, command_id=command_id, time_ms=time_ms, actor=actor)


def encode_cancel_all_after(
    account: int,
    timeout_ms: int,
    *,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a CANCEL_ALL_AFTER: the dead-man switch; 0 disarms it."""
    return encode(
        w.COMMAND_CANCEL_ALL_AFTER,
        account,
        timeout_ms,
        command_id=command_id,
        time_ms=time_ms,
        actor=actor,
    )


def encode_funds(
    kind: int,
    account: int,
    asset: int,
    amount: int,
    *,
    hold_id: int = 0,
    to_account: int = 0,
    reference: tuple[int, int] = NO_ID,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a CREDIT, DEBIT, HOLD, RELEASE, CAPTURE or TRANSFER.

    Parameters
    ----------
    amount
        Ledger units.
    reference
        What the caller's books call it, such as a deposit's id; not for HOLD and RELEASE.

    """
    body = (asset, amount, hold_id or to_account, *reference)
    return encode(kind, account, *body, command_id=command_id, time_ms=time_ms, actor=actor)


def encode_define_asset(asset: int, tenant: int, scale: int, symbol: str) -> bytes:
    """Return a DEFINE_ASSET; scale is the decimal places of the ledger unit."""
    return encode(w.COMMAND_DEFINE_ASSET, 0, asset, tenant, scale, *pack_symbol(symbol))


def encode_define_market(
    market: int,
    tenant: int,
    base: int,
    quote: int,
    *,
    lot_units: int,
    tick_units: int,
    symbol: str,
    state: int = w.STATE_OPEN,
) -> bytes:
    """Return a DEFINE_MARKET.

    Parameters
    ----------
    lot_units
        Base units in a lot.
    tick_units
        Quote units that one lot costs at a price of one tick.
    """
    body = (market, tenant, base, quote, lot_units, tick_units, state, *pack_symbol(symbol))
    return encode(w.COMMAND_DEFINE_MARKET, 0, *body)


def encode_set_market_limits(
    market: int,
    *,
    min_notional: int = 0,
    max_quantity: int = 0,
    max_price: int = 0,
    collar_ppm: int = 0,
    market_collar_ppm: int = 0,
    breaker_ppm: int = 0,
    reference_interval_ms: int = 0,
    least_value: int = 0,
    auction_ms: int = 0,
    account: int = 0,
) -> bytes:
    """Return a SET_MARKET_LIMITS: all limits of a market at once, 0 = no such limit.

    Of another tenant than the account's, if one is named, it is rejected.
    """
    return encode(
        w.COMMAND_SET_MARKET_LIMITS,
        account,
        market,
        min_notional,
        max_quantity,
        max_price,
        collar_ppm,
        market_collar_ppm,
        breaker_ppm,
        reference_interval_ms,
        least_value,
        auction_ms,
    )


def encode_set_market_state(
    market: int, state: int, reference_price: int = 0, *, account: int = 0
) -> bytes:
    """Return a SET_MARKET_STATE; leaving an auction for open or post-only uncrosses it."""
    return encode(w.COMMAND_SET_MARKET_STATE, account, market, state, reference_price)


def encode_set_fee_tier(tenant: int, tier: int, maker_ppm: int, taker_ppm: int) -> bytes:
    """Return a SET_FEE_TIER; a negative maker fee is a rebate."""
    return encode(w.COMMAND_SET_FEE_TIER, 0, tenant, tier, maker_ppm, taker_ppm)


def encode_set_tenant_limits(
    tenant: int, *, orders_per_market: int = 0, orders: int = 0, holds: int = 0
) -> bytes:
    """Return a SET_TENANT_LIMITS: all limits of a tenant at once, 0 for none."""
    return encode(w.COMMAND_SET_TENANT_LIMITS, 0, tenant, orders_per_market, orders, holds)


def encode_set_account(
    account: int, *, tier: int = 0, stp_group: int = 0, state: int = w.ACCOUNT_STATE_ACTIVE
) -> bytes:
    """Return a SET_ACCOUNT: all settings of an account at once, or SETTING_KEPT for one."""
    return encode(w.COMMAND_SET_ACCOUNT, account, tier, stp_group, state)


def encode_advance_time(time_ms: int) -> bytes:
    """Return an ADVANCE_TIME: expires orders and ends countdowns up to that time."""
    return encode(w.COMMAND_ADVANCE_TIME, time_ms=time_ms)


def encode_epoch(epoch: int, worker: tuple[int, int] = NO_ID, *, time_ms: int = 0) -> bytes:
    """Return an EPOCH marker: which worker writes the journal from here on."""
    return encode(w.COMMAND_EPOCH, 0, epoch, *worker, time_ms=time_ms)


def encode_reject(
    account: int,
    reason: int = w.REASON_MALFORMED_COMMAND,
    *,
    command_id: tuple[int, int] = NO_ID,
    time_ms: int = 0,
    actor: int = 0,
) -> bytes:
    """Return a REJECT: what the journal has for a message that could not be decoded."""
    return encode(
        w.COMMAND_REJECT, account, reason, command_id=command_id, time_ms=time_ms, actor=actor
    )


class Command(NamedTuple):
    """A command as journaled; ``body`` is what follows the header."""

    kind: int
    id_high: int
    id_low: int
    time_ms: int
    actor: int
    account: int
    body: tuple[int, ...]


def decode_commands(data: bytes | memoryview) -> Iterator[Command]:
    """Yield the commands in a batch.

    Raises
    ------
    DecodeError
        The length is not a whole number of commands.
    """
    if len(data) % w.COMMAND_BYTES:
        raise DecodeError(f"{len(data)} bytes are not whole commands of {w.COMMAND_BYTES} bytes")
    return (
        Command(kind, high, low, time_ms, actor, account, tuple(body))
        for kind, high, low, time_ms, actor, account, *body in _COMMAND.iter_unpack(data)
    )
