"""A journal's commands and events by the names of their fields, for `make journal ARGS=show`.

Kinds, reasons, sides, states and flags are written by name, accounts as t1-2, actors as a kind and
a number, and assets and markets by their symbol where the journal has defined it. Prices and
quantities stay in ticks and lots, amounts in units of the ledger. Fields that are 0 are left out.
"""

from bursa.kernel.identifiers import AccountId
from wire import layout as w
from wire.codec import Command, unpack_symbol
from wire.events import CONDITIONS, Account, Asset, Event, Market, MarketDefinition, Transfer

Fields = dict[str, int | str]

_PLACE = ("market", "flags", "price", "quantity", *CONDITIONS, "trail", "limit_offset")
_TARGET = ("order_id", "target_high", "target_low")
_CHANGE = (*_TARGET, "price", "quantity", "trigger_price", "display_quantity", "trail")
_MONEY = ("asset", "amount", "word_8", "reference_high", "reference_low")
_SYMBOL = ("symbol_high", "symbol_low")
# What the words after a command's header are called, by kind.
COMMAND_FIELDS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys((w.COMMAND_PLACE, w.COMMAND_STAGE, w.COMMAND_PLACE_LIST), _PLACE),
    w.COMMAND_CANCEL: (*_TARGET, "whole_list"),
    w.COMMAND_CANCEL_ALL: ("market", "side"),
    w.COMMAND_AMEND: _CHANGE,
    w.COMMAND_REPLACE: _CHANGE,
    w.COMMAND_CANCEL_ALL_AFTER: ("timeout_ms",),
    w.COMMAND_CREDIT: _MONEY,
    w.COMMAND_DEBIT: _MONEY,
    w.COMMAND_HOLD: ("asset", "amount", "hold_id"),
    w.COMMAND_RELEASE: ("asset", "amount", "hold_id"),
    w.COMMAND_CAPTURE: ("asset", "amount", "hold_id", "reference_high", "reference_low"),
    w.COMMAND_TRANSFER: ("asset", "amount", "to_account", "reference_high", "reference_low"),
    w.COMMAND_DEFINE_ASSET: ("asset", "tenant", "scale", *_SYMBOL),
    w.COMMAND_DEFINE_MARKET: (
        "market",
        "tenant",
        "base",
        "quote",
        "lot_units",
        "tick_units",
        "market_state",
        *_SYMBOL,
    ),
    w.COMMAND_SET_MARKET_LIMITS: (
        "market",
        "min_notional",
        "max_quantity",
        "max_price",
        "collar_ppm",
        "market_collar_ppm",
        "breaker_ppm",
        "reference_interval_ms",
        "least_value",
        "auction_ms",
    ),
    w.COMMAND_SET_MARKET_STATE: ("market", "market_state", "reference_price"),
    w.COMMAND_SET_FEE_TIER: ("tenant", "tier", "maker_ppm", "taker_ppm"),
    w.COMMAND_SET_TENANT_LIMITS: ("tenant", "orders_per_market", "orders", "holds"),
    w.COMMAND_SET_ACCOUNT: ("tier", "stp_group", "account_state"),
    w.COMMAND_ADVANCE_TIME: (),
    w.COMMAND_EPOCH: ("epoch", "worker_high", "worker_low"),
    w.COMMAND_REJECT: ("reason",),
}
_NAMES = {
    "side": w.SIDE_NAMES,
    "taker_side": w.SIDE_NAMES,
    "reason": w.REASON_NAMES,
    "command_kind": w.COMMAND_NAMES,
    "market_state": w.MARKET_STATE_NAMES,
    "account_state": w.ACCOUNT_STATE_NAMES,
    "transfer_kind": w.TRANSFER_KIND_NAMES,
}
_ACCOUNTS = {"account", "to_account", "counter_account", "maker_account", "taker_account"}
_ASSETS = {"asset", "base", "quote"}
_KIND_FIELDS = {
    (Market, "state"): "market_state",
    (MarketDefinition, "state"): "market_state",
    (Account, "state"): "account_state",
    (Transfer, "kind"): "transfer_kind",
}


class JournalText:
    """Writes commands and events, with the symbols that events have defined so far."""

    def __init__(self) -> None:
        self._assets: dict[int, str] = {}
        self._markets: dict[int, str] = {}

    def define(self, event: Event) -> None:
        """Remember the symbol of an asset or a market; other events change nothing."""
        if isinstance(event, Asset):
            self._assets[event.asset] = unpack_symbol(event.symbol_high, event.symbol_low)
        elif isinstance(event, MarketDefinition):
            self._markets[event.market] = unpack_symbol(event.symbol_high, event.symbol_low)

    def command(self, command: Command) -> Fields:
        """Return a command's fields after its header; an unknown kind's by their place."""
        names = COMMAND_FIELDS.get(command.kind, ())
        padding = tuple(f"word_{w.HEADER_LENGTH + at}" for at in range(len(command.body)))
        pairs = zip((*names, *padding[len(names) :]), command.body, strict=True)
        return self._fields(list(pairs))

    def event(self, event: Event) -> Fields:
        """Return an event's kind and its fields, without the sequence that it belongs to."""
        kind = type(event)
        pairs = [
            (_KIND_FIELDS.get((kind, name), name), value)
            for name, value in event._asdict().items()
            if name != "sequence"
        ]
        return {"event": kind.__name__, **self._fields(pairs)}

    def _fields(self, pairs: list[tuple[str, int]]) -> Fields:
        values = dict(pairs)
        fields: Fields = {}
        for name, value in values.items():
            if name == "symbol_high":
                fields["symbol"] = unpack_symbol(value, values["symbol_low"])
            elif name == "flags":
                fields |= flags_fields(value)
            elif value and name != "symbol_low":
                fields[name] = self._value(name, value)
        return fields

    def _value(self, name: str, value: int) -> int | str:
        if name in _NAMES:
            return _NAMES[name].get(value, value)
        if name in _ACCOUNTS:
            return account_text(value)
        if name in _ASSETS:
            return self._assets.get(value, value)
        return self._markets.get(value, value) if name == "market" else value


def account_text(number: int) -> str:
    """Return an account as t1-2; nothing for commands that belong to no account."""
    return str(AccountId.from_number(number)) if number else ""


def actor_text(actor: int) -> str:
    """Return who asked: the actor's kind, and its number unless it has none."""
    kind, number = divmod(actor, 1 << w.ACTOR_KIND_SHIFT)
    name = w.ACTOR_NAMES.get(kind, str(kind))
    return f"{name} {number:014x}" if number else name


def flags_fields(flags: int) -> Fields:
    """Return what the flags of an order mean, field by field."""
    fields: Fields = {
        "side": w.SIDE_NAMES.get(w.flags_side(flags), w.flags_side(flags)),
        "type": w.TYPE_NAMES.get(w.flags_type(flags), w.flags_type(flags)),
        "time_in_force": w.TIF_NAMES.get(
            w.flags_time_in_force(flags), w.flags_time_in_force(flags)
        ),
    }
    if w.flags_stp(flags):
        fields["stp"] = w.STP_NAMES.get(w.flags_stp(flags), w.flags_stp(flags))
    for name, is_set in (
        ("post_only", w.flags_post_only(flags)),
        ("stp_by_group", w.flags_stp_by_group(flags)),
        ("triggered", w.flags_triggered(flags)),
    ):
        if is_set:
            fields[name] = "yes"
    if w.flags_status(flags):
        fields["status"] = w.STATUS_NAMES.get(w.flags_status(flags), w.flags_status(flags))
    if w.flags_close_reason(flags):
        reason = w.flags_close_reason(flags)
        fields["close_reason"] = w.CLOSE_NAMES.get(reason, reason)
    return fields
