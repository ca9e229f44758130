"""What a scenario's steps mean: one market of the engine, seen from outside.

``scripts.scenarios`` describes the format.
"""

from collections.abc import Callable
from typing import Any

from engine import layout as w
from engine.codec import (
    command_id,
    decode_events,
    encode_advance_time,
    encode_cancel,
    encode_cancel_all,
    encode_change,
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_place,
    encode_set_fee_tier,
    encode_set_market_state,
)
from engine.core import Engine as CoreEngine
from engine.events import Event, Order, Result, Trade
from engine.reference import Engine as ReferenceEngine

Step = dict[str, Any]
Funds = dict[str, dict[str, dict[str, int]]]

TENANT, MARKET, BASE, QUOTE = 1, 1, 1, 2
RICH = 1 << 55
SIDES = {"buy": w.SIDE_BUY, "bid": w.SIDE_BUY, "sell": w.SIDE_SELL, "ask": w.SIDE_SELL}
TYPES = {
    "limit": w.TYPE_LIMIT,
    "iceberg": w.TYPE_LIMIT,
    "market": w.TYPE_MARKET,
    "stop_limit": w.TYPE_STOP_LIMIT,
    "stop_market": w.TYPE_STOP_MARKET,
    "stop": w.TYPE_STOP_MARKET,
}
TIMES = {"GTC": w.TIF_GTC, "IOC": w.TIF_IOC, "FOK": w.TIF_FOK, "GTD": w.TIF_GTD}
POST_ONLY = ("POST_ONLY", "GTX")
PREVENTIONS = {
    "none": w.STP_NONE,
    "allow": w.STP_NONE,
    "cancel_taker": w.STP_CANCEL_TAKER,
    "cancel_newest": w.STP_CANCEL_TAKER,
    "cancel_new": w.STP_CANCEL_TAKER,
    "cancel_maker": w.STP_CANCEL_MAKER,
    "cancel_oldest": w.STP_CANCEL_MAKER,
    "cancel_resting": w.STP_CANCEL_MAKER,
    "cancel_old": w.STP_CANCEL_MAKER,
    "cancel_both": w.STP_CANCEL_BOTH,
    "decrement": w.STP_DECREMENT,
    "decrement_both": w.STP_DECREMENT,
    "decrement_and_cancel": w.STP_DECREMENT,
}
STATES = {name: state for state, name in w.MARKET_STATE_NAMES.items()}


class ScenarioError(Exception):
    """The scenario says something that this runner does not understand."""


class Mismatch(Exception):  # noqa: N818 - the scenario's verdict, not a programming error
    """The engine did something else than the scenario expects."""


def take(step: Step, *names: str, default: Any = ...) -> Any:  # noqa: ANN401 - JSON is any
    """Return the value under the first of some names for the same thing."""
    for name in names:
        if name in step:
            return step[name]
    if default is ...:
        raise ScenarioError(f"{step.get('op', 'object')!r} needs {names[0]!r}")
    return default


def choose(table: dict[str, int], word: object, what: str) -> int:
    """Return what a word of the scenario stands for."""
    key = str(word)
    for known, value in table.items():
        if known.casefold() == key.casefold():
            return value
    raise ScenarioError(f"unknown {what} {word!r}; known: {', '.join(table)}")


def whole(value: object, what: str) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(f"{what} must be a whole number, not {value!r}")
    return value


class Exchange:
    """One market, driven by steps, and what came of them in the scenario's own words."""

    def __init__(self, scenario: Step, engine: CoreEngine | ReferenceEngine) -> None:
        self.engine = engine
        ledger = scenario.get("ledger", {})
        known = {
            "base",
            "quote",
            "base_units_per_lot",
            "quote_units_per_step_lot",
            "maker_fee",
            "taker_fee",
        }
        reject_unknown("ledger", ledger, known)
        self.stp = scenario.get("stp", "none") or "none"
        self.assets = {ledger.get("base", "BASE"): BASE, ledger.get("quote", "QUOTE"): QUOTE}
        self.users: dict[str, int] = {}
        self.trades: list[Trade] = []
        self.cancelled: list[tuple[int, int]] = []
        self.rejected: list[int] = []
        self.order_ids: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.attempts: dict[tuple[int, str], int] = {}
        self.remaining: dict[int, int] = {}
        self.history: dict[str, Funds] = {}
        self.refusal = 0
        self.send(encode_define_asset(BASE, TENANT, 0, "BASE"))
        self.send(encode_define_asset(QUOTE, TENANT, 0, "QUOTE"))
        self.send(
            encode_define_market(
                MARKET,
                TENANT,
                BASE,
                QUOTE,
                lot_units=whole(ledger.get("base_units_per_lot", 1), "base_units_per_lot"),
                tick_units=whole(
                    ledger.get("quote_units_per_step_lot", 1), "quote_units_per_step_lot"
                ),
                symbol="BASE-QUOTE",
            )
        )
        fees = [_ppm(ledger.get(name, 0)) for name in ("maker_fee", "taker_fee")]
        self.send(encode_set_fee_tier(TENANT, 0, *fees))
        if self.refusal:
            raise ScenarioError(f"ledger refused: {w.REASON_NAMES[self.refusal]}")
        self._deposit_all(scenario)

    def _deposit_all(self, scenario: Step) -> None:
        deposits: dict[str, dict[str, int]] = scenario.get("deposits", {})
        owners = set(map(str, deposits))
        owners |= {str(s.get("user", "")) for s in scenario["steps"] if s.get("op") == "deposit"}
        users = sorted({str(step.get("user", "")) for step in scenario["steps"]} | owners)
        for index, user in enumerate(users):
            self.users[user] = w.account_number(TENANT, 1 + index)
        rich = min(RICH, w.AMOUNT_MAX // (len(users) + 1))
        for user in users:
            if user not in owners:
                self.credit(user, BASE, rich)
                self.credit(user, QUOTE, rich)
        for user, amounts in deposits.items():
            for asset, amount in amounts.items():
                self.credit(str(user), self.asset(asset), whole(amount, "deposit"))

    def asset(self, name: str) -> int:
        """Return an asset's number."""
        if name not in self.assets:
            raise ScenarioError(f"unknown asset {name!r}; known: {', '.join(self.assets)}")
        return self.assets[name]

    def account(self, step: Step) -> int:
        """Return the account of a step's user."""
        return self.users[str(step.get("user", ""))]

    def credit(self, user: str, asset: int, amount: int) -> None:
        """Pay something in."""
        if amount:
            account = self.users[user]
            self.send(encode_funds(w.COMMAND_CREDIT, account, asset, amount))

    def send(self, command: bytes) -> int:
        """Apply a command; return the order id of its result."""
        return self.observe(list(decode_events(self.engine.apply(command))))

    def observe(self, events: list[Event]) -> int:
        """Translate a command's events."""
        result = events[0]
        if not isinstance(result, Result):
            raise Mismatch("the engine's answer does not start with a result")
        self.refusal = result.reason
        for event in events[1:]:
            if isinstance(event, Trade):
                self.trades.append(event)
            elif isinstance(event, Order):
                self.observe_order(event)
        return result.order_id

    def observe_order(self, order: Order) -> None:
        """Note what an order has left, and its end if it did not end by a fill."""
        before = self.remaining.get(order.order_id, order.remaining)
        self.remaining[order.order_id] = order.remaining
        ended = order.status in (w.STATUS_CANCELLED, w.STATUS_EXPIRED)
        if ended and order.close_reason != w.CLOSE_REPLACED:
            # What a decrement has taken away from both sides was cancelled too.
            lots = order.remaining or before
            self.cancelled.append((order.order_id, lots))

    def name(self, order_id: int) -> int | str:
        """Return the scenario's id of an order."""
        return self.names.get(order_id, order_id)

    # --- steps ------------------------------------------------------------------------------------

    def run(self, index: int, step: Step) -> None:
        """Do one step."""
        if step.get("op") not in OPERATIONS:
            raise ScenarioError(f"unknown op {step.get('op')!r}; known: {', '.join(OPERATIONS)}")
        operate, keys = OPERATIONS[step["op"]]
        reject_unknown(f"op {step['op']!r}", step, {"op", "user", "comment", *keys})
        self.refusal = 0
        operate(self, step)
        if self.refusal:
            self.rejected.append(index)
        self.history[str(index)] = self.funds()

    def add(self, step: Step) -> None:
        """Place an order of any type."""
        order_type = choose(TYPES, take(step, "type", default="limit"), "type")
        name = str(take(step, "id"))
        tif = str(take(step, "tif", default="GTC"))
        post_only = tif.upper() in POST_ONLY or bool(step.get("post_only", False))
        time_in_force = w.TIF_GTC
        if tif.upper() not in POST_ONLY:
            time_in_force = choose(TIMES, tif, "tif")
        immediate = order_type in (w.TYPE_MARKET, w.TYPE_STOP_MARKET)
        if immediate and time_in_force != w.TIF_FOK:
            time_in_force = w.TIF_IOC
        quote_amount = take(step, "quote_amount", "quote_qty", "quote", default=0)
        quantity = take(step, "qty", "quantity", default=0 if quote_amount else ...)
        price = take(step, "price", default=0 if immediate else ...)
        account = self.account(step)
        order_id = self.send_if_it_fits(
            lambda: encode_place(
                account,
                MARKET,
                choose(SIDES, take(step, "side"), "side"),
                whole(0 if order_type == w.TYPE_MARKET else price or 0, "price"),
                whole(quantity, "qty"),
                order_type=order_type,
                time_in_force=time_in_force,
                post_only=post_only,
                stp=choose(PREVENTIONS, step.get("stp") or self.stp, "stp"),
                quote_amount=whole(quote_amount, "quote_amount"),
                trigger_price=whole(take(step, "stop_price", "trigger_price", default=0), "stop"),
                display_quantity=whole(take(step, *DISPLAY_NAMES, default=0), "display_qty"),
                expire_ms=whole(take(step, "expire", "expire_ms", default=0), "expire"),
                command_id=self.client_id(account, name),
            )
        )
        if self.refusal:
            # A refused order was never there: its id may be used again.
            self.attempts[account, name] = self.attempts.get((account, name), 0) + 1
        else:
            self.know(name, order_id)

    def client_id(self, account: int, name: str) -> tuple[int, int]:
        """Return the command id of an order; trying again after a refusal makes a new one."""
        attempt = self.attempts.get((account, name), 0)
        return command_id(account, f"{name}\n{attempt}" if attempt else name)

    def send_if_it_fits(self, encode: Callable[[], bytes]) -> int:
        """Send a command, unless a number in it is too large for a word."""
        try:
            command = encode()
        except OverflowError:
            command = b""
        except Exception as error:
            if type(error).__module__ != "struct":
                raise
            command = b""
        if not command:
            self.refusal = w.REASON_MALFORMED_COMMAND
            return 0
        return self.send(command)

    def know(self, name: str, order_id: int) -> None:
        """Use a scenario's id for an order."""
        self.order_ids[name] = order_id
        self.names[order_id] = name

    def market(self, step: Step) -> None:
        """Place a market order."""
        self.add({**step, "type": "market"})

    def cancel(self, step: Step) -> None:
        """Cancel an order."""
        order_id = self.order_ids.get(str(take(step, "id")), 0)
        self.send(encode_cancel(self.account_for(step, order_id), order_id))

    def account_for(self, step: Step, order_id: int) -> int:
        """Return the step's account, or the order's own when the step names no user."""
        order = None if "user" in step else self.engine.order(order_id)
        return order.account if order else self.account(step)

    def replace(self, step: Step) -> None:
        """Cancel-replace: the new price and the new remaining quantity, 0 cancels."""
        if take(step, "qty", "quantity", default=1) == 0:
            self.cancel(step)
        else:
            self.change(step, replace=True)

    def amend(self, step: Step) -> None:
        """Amend in place: less at the same price keeps priority."""
        if take(step, "qty", "quantity", default=1) == 0:
            self.cancel(step)
        else:
            self.change(step, replace=False)

    def change(self, step: Step, *, replace: bool) -> None:
        """Send a replace or an amendment."""
        name = str(take(step, "id"))
        order_id = self.order_ids.get(name, 0)
        display = take(step, *DISPLAY_NAMES, default=0)
        changed = self.send_if_it_fits(
            lambda: encode_change(
                self.account_for(step, order_id),
                order_id,
                replace=replace,
                price=whole(take(step, "price", default=0), "price"),
                quantity=whole(take(step, "qty", "quantity", default=0), "qty"),
                trigger_price=whole(take(step, "stop_price", "trigger_price", default=0), "stop"),
                display_quantity=whole(display, "display_qty"),
            )
        )
        if not self.refusal:
            self.know(str(step.get("new_id", name)), changed)

    def cancel_all(self, step: Step) -> None:
        """Cancel all orders of a user, or of one side of it."""
        side = choose({**SIDES, "both": w.SIDE_BOTH}, step.get("side", "both"), "side")
        self.send(encode_cancel_all(self.account(step), side=side))

    def deposit(self, step: Step) -> None:
        """Pay something in."""
        self.move(w.COMMAND_CREDIT, step)

    def withdraw(self, step: Step) -> None:
        """Pay something out."""
        self.move(w.COMMAND_DEBIT, step)

    def move(self, kind: int, step: Step) -> None:
        """Pay in or out."""
        asset, amount = self.asset(take(step, "asset")), whole(take(step, "amount"), "amount")
        account = self.account(step)
        self.send_if_it_fits(lambda: encode_funds(kind, account, asset, amount))

    def time(self, step: Step) -> None:
        """Move the engine's time."""
        self.send(encode_advance_time(whole(take(step, "time_ms", "ms", "to"), "time_ms")))

    def state(self, step: Step) -> None:
        """Change the market's state; open after an auction uncrosses it."""
        state = choose(STATES, take(step, "state"), "state")
        reference = whole(step.get("reference", 0), "reference")
        self.send(encode_set_market_state(MARKET, state, reference))

    # --- what came of it --------------------------------------------------------------------------

    def resting(self) -> list[list[object]]:
        """Return [id, remaining] in book order, bids first."""
        sides = (w.SIDE_BUY, w.SIDE_SELL)
        return [self.named(row) for side in sides for row in self.engine.resting(MARKET, side)]

    def stops_pending(self) -> list[list[object]]:
        """Return [id, quantity] of pending stops, buys first."""
        sides = (w.SIDE_BUY, w.SIDE_SELL)
        return [self.named(row) for side in sides for row in self.engine.stops(MARKET, side)]

    def named(self, row: tuple[int, int]) -> list[object]:
        """Return a row of (order id, lots) with the scenario's id."""
        return [self.name(row[0]), row[1]]

    def sides(self) -> list[list[tuple[int, int]]]:
        """Return the (order id, remaining) of the bids and of the asks."""
        return [self.engine.resting(MARKET, side) for side in (w.SIDE_BUY, w.SIDE_SELL)]

    def levels(self) -> list[list[list[int]]]:
        """Return the [price, displayed lots] of the bids and of the asks."""
        return [[list(level) for level in side] for side in self.engine.book(MARKET)]

    def funds(self) -> Funds:
        """Return user -> asset -> {available, held}."""
        return {
            user: {
                asset: dict(
                    zip(("available", "held"), self.engine.balance(account, number), strict=True)
                )
                for asset, number in self.assets.items()
            }
            for user, account in self.users.items()
        }


def _ppm(fee: object) -> int:
    """Return a fee in ppm: whole numbers are ppm, others fractions of the amount."""
    if isinstance(fee, float) and not fee.is_integer():
        return round(fee * w.PPM)
    return whole(int(fee) if isinstance(fee, float) else fee, "fee")


def reject_unknown(what: str, given: Step, known: set[str]) -> None:
    """Refuse a misspelt key rather than pass for the wrong reason."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise ScenarioError(f"{what} has unknown {', '.join(map(repr, unknown))}")


DISPLAY_NAMES = ("display_qty", "display", "visible_qty", "visible", "peak", "peak_qty")
_ORDER_KEYS = (
    *("id", "side", "price", "qty", "quantity", "tif", "type", "stp", "post_only"),
    *("stop_price", "trigger_price", "expire", "expire_ms"),
    *("quote_amount", "quote_qty", "quote", *DISPLAY_NAMES),
)
_CHANGE_KEYS = (
    *("id", "new_id", "side", "price", "qty", "quantity", "stop_price", "trigger_price"),
    *DISPLAY_NAMES,
)
OPERATIONS: dict[str, tuple[Callable[[Exchange, Step], None], tuple[str, ...]]] = {
    "add": (Exchange.add, _ORDER_KEYS),
    "market": (Exchange.market, _ORDER_KEYS),
    "replace": (Exchange.replace, _CHANGE_KEYS),
    "amend": (Exchange.amend, _CHANGE_KEYS),
    "cancel": (Exchange.cancel, ("id",)),
    "cancel_all": (Exchange.cancel_all, ("side",)),
    "deposit": (Exchange.deposit, ("asset", "amount")),
    "withdraw": (Exchange.withdraw, ("asset", "amount")),
    "time": (Exchange.time, ("time_ms", "ms", "to")),
    "state": (Exchange.state, ("state", "reference")),
}
