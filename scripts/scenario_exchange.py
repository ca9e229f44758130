"""What a scenario's steps mean: an exchange of one or more markets, and the commands it gets.

``scripts.scenarios`` describes the format, ``scripts.scenario_words`` its spellings.
"""

from collections.abc import Callable, Container
from typing import Any

from engine.reference import Engine as ReferenceEngine
from scripts import scenario_words as words
from scripts.scenario_ledger import Ledger
from scripts.scenario_lists import cancel_list, place_list
from scripts.scenario_words import (
    ScenarioError,
    Step,
    find_value,
    require_value,
    translate,
)
from wire import layout as w
from wire.codec import (
    decode_events,
    encode_advance_time,
    encode_cancel,
    encode_cancel_all,
    encode_change,
    encode_funds,
    encode_place,
    encode_set_account,
    encode_set_market_state,
)
from wire.events import Event, Order, OrderConditions, Result, Trade

AnyEngine = ReferenceEngine  # every engine has its methods
Funds = dict[str, dict[str, dict[str, words.Number]]]
Row = list[Any]

BOTH_SIDES = (w.SIDE_BUY, w.SIDE_SELL)
STOPS = w.types_in(w.STOP_TYPES & ~w.TRAILING_TYPES)
IMMEDIATE = w.types_in(w.MARKETABLE_TYPES)
STOP_MARKETS = w.types_in(w.STOP_MARKET_TYPES & ~w.TRAILING_TYPES)


class Exchange:
    """An engine that carries out steps, and their outcome in the scenario's own words.

    Parameters
    ----------
    scenario
        Its ledger, markets, deposits and users are set up at once; ``run_step`` runs its steps.
    make_engine
        The engine's class, or anything that takes its capacities.
    balance_steps
        The steps, by their indexes as text, after which ``balances`` keeps them.
    """

    def __init__(
        self,
        scenario: Step,
        make_engine: Callable[..., AnyEngine],
        balance_steps: Container[str] = (),
    ) -> None:
        steps = scenario["steps"]
        self.stp = str(find_value(scenario, words.STP) or "none")
        self.balance_steps = balance_steps
        self.trades: list[Trade] = []
        self.rejected_steps: list[int] = []
        # Steps whose order ended whole on arrival, cancelled or rejected: venues differ in which of
        # the two they call it, so the checks take either.
        self.ended_on_arrival: dict[int, Row] = {}
        self.rejected_post_only: dict[int, Row] = {}
        # Order id -> lots: what ended unfilled, and what self-trade prevention took from orders.
        self.cancelled: dict[int, int] = {}
        self.decremented: dict[int, int] = {}
        self.by_quote: set[int] = set()
        self.order_ids: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.attempts: dict[tuple[int, str], int] = {}
        self.remaining: dict[int, int] = {}
        self.arriving_lots = 0
        self.command_numbers: dict[tuple[int, str, int], int] = {}
        self.groups: dict[int, int] = {}
        self.balances: dict[str, Funds] = {}
        self.trigger_prices: dict[int, int] = {}
        self.reason = 0
        self.ledger = Ledger(scenario)
        self.units = self.ledger.units
        self.engine = make_engine(**self.ledger.capacities(len(steps)))
        for command in self.ledger.commands():
            self.send(command)
            if self.reason:
                raise ScenarioError(f"ledger rejected: {w.REASON_NAMES[self.reason]}")
        # So much a stop-market buy may pay at most: the highest price that a step names.
        self.highest_price = max(map(self.ticks, words.prices_of(steps)), default=0)

    # --- commands and events ----------------------------------------------------------------------

    def send(self, command: bytes) -> int:
        """Apply a command; return the order id of its result."""
        return self.observe(list(decode_events(self.engine.apply(command))))

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
            self.reason = w.REASON_MALFORMED_COMMAND
            return 0
        return self.send(command)

    def observe(self, events: list[Event]) -> int:
        """Translate a command's events."""
        result = events[0]
        if not isinstance(result, Result):
            raise words.Mismatch("the engine's output does not start with a result")
        for event in events:
            if isinstance(event, Result):
                result, self.reason = event, event.reason  # of a list the last decides
            elif isinstance(event, Trade):
                self.trades.append(event)
                for order_id in (event.maker_order, event.taker_order):
                    left = self.remaining.get(order_id, self.arriving_lots)
                    self.remaining[order_id] = left - event.quantity
            elif isinstance(event, Order):
                self.observe_order(event)
            elif isinstance(event, OrderConditions):
                self.trigger_prices[event.order_id] = event.trigger_price
        return result.order_id

    def observe_order(self, order: Order) -> None:
        """Note what an order has left, and its end if it did not end by a fill.

        Lots that are gone without a trade were taken by self-trade prevention.
        """
        order_id = order.order_id
        before = self.remaining.get(order_id, self.arriving_lots)
        self.remaining[order_id] = order.remaining
        if not self.arriving_lots and order_id not in self.names:
            self.by_quote.add(order_id)
        if order_id in self.by_quote:
            return
        ended = order.status in (w.STATUS_CANCELLED, w.STATUS_EXPIRED)
        if ended and not order.remaining:
            self.cancelled[order_id] = before
            return
        if before > order.remaining:
            taken = self.decremented.get(order_id, 0)
            self.decremented[order_id] = taken + before - order.remaining
        if ended and order.close_reason != w.CLOSE_REPLACED:
            self.cancelled[order_id] = order.remaining

    def has_ended(self, order_id: int) -> bool:
        """Whether an order has ended other than by a fill."""
        return order_id in self.cancelled or order_id in self.by_quote

    # --- words to the engine's numbers ------------------------------------------------------------

    def ticks(self, value: object, what: str = "price") -> int:
        """Return a price in ticks; 0 when it is not given."""
        exact = words.number(0 if value is None else value, what)
        return words.scaled(exact, self.units.price)

    def trail(self, step: Step) -> int:
        """Return how far behind the price a trailing stop follows it; 0 when it is not given."""
        ppm = words.whole_number(find_value(step, words.TRAIL_PPM) or 0, "trail_ppm")
        return w.TRAIL_PPM + ppm if ppm else self.ticks(find_value(step, words.TRAIL), "trail")

    def lots(self, value: object, what: str = "qty") -> int:
        """Return a quantity in lots; 0 when it is not given."""
        exact = words.number(0 if value is None else value, what)
        return words.scaled(exact, self.units.quantity)

    def amount(self, value: object, what: str = "amount") -> int:
        """Return an amount in ledger units; 0 when it is not given."""
        exact = words.number(0 if value is None else value, what)
        return words.scaled(exact, self.units.money)

    def name(self, order_id: int) -> str:
        """Return the scenario's id of an order."""
        return self.names.get(order_id, str(order_id))

    def account(self, step: Step) -> int:
        """Return the account of a step's user."""
        return self.ledger.account(find_value(step, words.USER))

    def account_for(self, step: Step, order_id: int) -> int:
        """Return the step's account, or the order's own when the step names no user."""
        order = None if find_value(step, words.USER) is not None else self.engine.order(order_id)
        return order.account if order else self.account(step)

    # --- steps ------------------------------------------------------------------------------------

    def run_step(self, index: int, step: Step) -> None:
        """Carry out one step."""
        op = words.normal_form(step.get("op", ""))
        if op not in OPERATIONS:
            raise ScenarioError(f"unknown op {step.get('op')!r}; known: {', '.join(OPERATIONS)}")
        operate, keys = OPERATIONS[op]
        words.reject_unknown(f"op {op!r}", step, keys)
        self.reason = 0
        traded = len(self.trades)
        order_id = operate(self, {**_IMPLIED.get(op, {}), **step, "index": index})
        if self.reason:
            self.rejected_steps.append(index)
        elif order_id and len(self.trades) == traded and self.has_ended(order_id):
            self.ended_on_arrival[index] = [self.name(order_id), self.cancelled.get(order_id, 0)]
        if str(index) in self.balance_steps:
            self.balances[str(index)] = self.funds()

    def add(self, step: Step) -> int:
        """Place an order of any type; return its order id."""
        name = str(find_value(step, words.ID) or f"step {step['index']}")
        owner, order = self.account(step), self.order_words(step)
        account = self.ledger.trader(find_value(step, words.USER), order["side"])
        market = self.ledger.market(find_value(step, words.MARKET))
        self.set_group(step, account)
        # The id of an order that is no more may be used again; the engine would reject it for good.
        known = self.order_ids.get(name, 0)
        if known and self.engine.order(known) is None:
            self.attempts[owner, name] = self.attempts.get((owner, name), 0) + 1
        attempt = self.attempts.get((owner, name), 0)
        self.arriving_lots = order["quantity"]
        order_id = self.send_if_it_fits(
            lambda: encode_place(
                account,
                market,
                **order,
                command_id=self.command_id(owner, name, attempt),
            )
        )
        if not self.reason:
            self.order_ids[name] = order_id
            self.names[order_id] = name
            return order_id
        # A rejected order was never there: its id may be used again.
        if self.reason != w.REASON_DUPLICATE_COMMAND:
            self.attempts[owner, name] = attempt + 1
        if self.reason == w.REASON_POST_ONLY_WOULD_CROSS:
            self.rejected_post_only[step["index"]] = [name, order["quantity"]]
        return 0

    def command_id(self, account: int, name: str, attempt: int) -> tuple[int, int]:
        """Return the id of an attempt to place an order: the same again for the same."""
        numbers = self.command_numbers
        return (account, numbers.setdefault((account, name, attempt), len(numbers) + 1))

    def order_words(self, step: Step) -> dict[str, Any]:
        """Return what an order is, as the encoder's arguments."""
        order_type, price, trigger = self.type_and_prices(step)
        tif = str(find_value(step, words.TIF) or "GTC")
        post_only = words.normal_form(tif) in words.POST_ONLY or bool(step.get("post_only"))
        post_only = post_only or words.normal_form(step.get("type", "")) in words.POST_ONLY
        in_force = w.TIF_GTC
        if words.normal_form(tif) not in words.POST_ONLY:
            in_force = translate(words.TIMES, tif, "tif")
        if order_type in IMMEDIATE and in_force != w.TIF_FOK:
            in_force = w.TIF_IOC
        quote_amount = find_value(step, words.QUOTE_AMOUNT)
        quantity = find_value(step, words.QUANTITY)
        if quantity is None and quote_amount is None:
            require_value(step, words.QUANTITY)
        grouped = find_value(step, words.GROUP) is not None
        # An order that names no user has no owner whose other orders it could meet.
        owned = grouped or find_value(step, words.USER) is not None
        stp = translate(words.PREVENTIONS, find_value(step, words.STP) or self.stp, "stp")
        return {
            "side": translate(words.SIDES, require_value(step, ("side",)), "side"),
            "price": price,
            "quantity": self.lots(quantity),
            "order_type": order_type,
            "time_in_force": in_force,
            "post_only": post_only,
            "stp": stp if owned else w.STP_NONE,
            "stp_by_group": grouped and stp != w.STP_NONE,
            "quote_amount": self.amount(quote_amount, "quote_amount"),
            "trigger_price": trigger,
            "display_quantity": self.lots(find_value(step, words.DISPLAY), "display_qty"),
            "trail": self.trail(step),
            "limit_offset": self.ticks(find_value(step, words.LIMIT_OFFSET), "limit_offset"),
            "expire_ms": words.whole_number(find_value(step, words.EXPIRE) or 0, "expire"),
        }

    def type_and_prices(self, step: Step) -> tuple[int, int, int]:
        """Return an order's type, price and trigger price; the keys imply a type not given."""
        price, trigger = find_value(step, words.PRICE), find_value(step, words.STOP)
        spelled = step.get("type")
        if spelled is None:
            spelled = "limit" if trigger is None else "stop"
        order_type = translate(words.TYPES, spelled, "type")
        if words.normal_form(spelled) == "stop" and trigger is not None and price:
            order_type = w.TYPE_STOP_LIMIT
        if order_type in STOP_MARKETS and trigger is None:
            price, trigger = None, price
        if words.normal_form(spelled) == "iceberg":
            require_value(step, words.DISPLAY)
        if order_type not in IMMEDIATE and find_value(step, words.LIMIT_OFFSET) is None:
            require_value(step, words.PRICE)
        if order_type in STOPS and trigger is None:
            require_value(step, words.STOP)
        ticks = 0 if order_type == w.TYPE_MARKET else self.ticks(price)
        if order_type in STOP_MARKETS and not ticks and _gives_quote(step):
            ticks = self.highest_price
        return order_type, ticks, self.ticks(trigger, "stop_price")

    def set_group(self, step: Step, account: int) -> None:
        """Put a user into the self-trade prevention group that its order names."""
        group = words.whole_number(find_value(step, words.GROUP) or 0, "group")
        if group and self.groups.get(account) != group:
            self.groups[account] = group
            self.send_if_it_fits(lambda: encode_set_account(account, stp_group=group))

    def market(self, step: Step) -> int:
        """Place a market order."""
        return self.add({**step, "type": "market"})

    def cancel(self, step: Step) -> None:
        """Cancel an order."""
        order_id = self.order_ids.get(str(require_value(step, words.ID)), 0)
        self.send(encode_cancel(self.account_for(step, order_id), order_id))

    def replace(self, step: Step) -> None:
        """Cancel-replace: the new price and the new remaining quantity, 0 cancels."""
        self.change(step, replace=True)

    def amend(self, step: Step) -> None:
        """Amend in place, to a new total; less at the same price keeps priority."""
        self.change(step, replace=False)

    def change(self, step: Step, *, replace: bool) -> None:
        """Send a replace or an amendment; quantity 0 cancels, another side is a new order."""
        name = str(require_value(step, words.ID))
        new_name = str(find_value(step, words.NEW_ID) or name)
        order_id = self.order_ids.get(name, 0)
        order = self.engine.order(order_id)
        quantity = find_value(step, words.QUANTITY)
        side = find_value(step, ("side",))
        turned = order and side is not None and translate(words.SIDES, side, "side") != order.side
        if turned or (quantity is not None and self.lots(quantity) == 0):
            self.cancel({"op": "cancel", "id": name, **_only(step, words.USER)})
            if turned and not self.reason and self.lots(quantity):
                self.add({**step, "id": new_name})
            return
        self.arriving_lots = (
            self.lots(quantity) if quantity is not None else self.remaining.get(order_id, 0)
        )
        if not replace:
            # What an amendment leaves is what it says, less what is filled: the rest was not taken
            # from the order.
            if order and quantity is not None:
                self.arriving_lots = max(0, self.arriving_lots - order.quantity + order.remaining)
            self.remaining[order_id] = self.arriving_lots
        changed = self.send_if_it_fits(
            lambda: encode_change(
                self.account_for(step, order_id),
                order_id,
                replace=replace,
                price=self.ticks(find_value(step, words.PRICE)),
                quantity=self.lots(quantity),
                trigger_price=self.ticks(find_value(step, words.STOP), "stop_price"),
                display_quantity=self.lots(find_value(step, words.DISPLAY), "display_qty"),
                trail=self.trail(step),
            )
        )
        if self.reason:
            self.remaining[order_id] = order.remaining if order else 0
        else:
            self.order_ids[new_name] = changed
            self.names[changed] = new_name

    def cancel_all(self, step: Step) -> None:
        """Cancel all orders of a user, or of one side or market of it."""
        both = {**words.SIDES, "both": w.SIDE_BOTH}
        side = translate(both, step.get("side") or "both", "side")
        named = find_value(step, words.MARKET)
        market = 0 if named is None else self.ledger.market(named)
        user = find_value(step, words.USER)
        for account in dict.fromkeys(
            self.ledger.trader(user, one) for one in (w.SIDE_SELL, w.SIDE_BUY)
        ):
            self.send(encode_cancel_all(account, market, side))

    def deposit(self, step: Step) -> None:
        """Pay something in."""
        self.move(w.COMMAND_CREDIT, step)

    def withdraw(self, step: Step) -> None:
        """Pay something out."""
        self.move(w.COMMAND_DEBIT, step)

    def move(self, kind: int, step: Step) -> None:
        """Pay in or out."""
        asset = self.ledger.asset(require_value(step, words.ASSET))
        amount = self.amount(require_value(step, words.AMOUNT))
        account = self.account(step)
        self.send_if_it_fits(lambda: encode_funds(kind, account, asset, amount))

    def time(self, step: Step) -> None:
        """Move the engine's time."""
        time_ms = words.whole_number(require_value(step, words.TIME), "time_ms")
        self.send_if_it_fits(lambda: encode_advance_time(time_ms))

    def state(self, step: Step) -> None:
        """Change the market's state; open after an auction uncrosses it."""
        state = translate(words.STATES, require_value(step, ("state",)), "state")
        reference = self.ticks(step.get("reference"), "reference")
        market = self.ledger.market(find_value(step, words.MARKET))
        self.send_if_it_fits(lambda: encode_set_market_state(market, state, reference))

    # --- the outcome ------------------------------------------------------------------------------

    def row_of(self, row: tuple[int, int]) -> Row:
        """Return a row of (order id, lots) with the scenario's id and quantity."""
        return [self.name(row[0]), words.unscaled(row[1], self.units.quantity)]

    def resting(self, market: int, side: int) -> list[Row]:
        """Return [id, remaining] of a side in book order."""
        return [self.row_of(row) for row in self.engine.resting(market, side)]

    def stops(self, market: int, side: int) -> list[Row]:
        """Return [id, quantity] of a side's pending stops in the order they would fire."""
        return [self.row_of(row) for row in self.engine.stops(market, side)]

    def trailing(self, market: int, side: int) -> list[Row]:
        """Return [id, trigger price] of what trails on a side, first triggered first."""
        trailing = self.engine.trailing(market, side)
        return [[self.name(one), words.unscaled(at, self.units.price)] for one, at in trailing]

    def levels(self, market: int) -> list[list[list[words.Number]]]:
        """Return the [price, displayed quantity] of the bids and of the asks."""
        return [
            [
                [words.unscaled(price, self.units.price), words.unscaled(lots, self.units.quantity)]
                for price, lots in side
            ]
            for side in self.engine.book(market)
        ]

    def trade(self, trade: Trade) -> Row:
        """Return [maker, taker, price, quantity]."""
        price = words.unscaled(trade.price, self.units.price)
        quantity = words.unscaled(trade.quantity, self.units.quantity)
        return [self.name(trade.maker_order), self.name(trade.taker_order), price, quantity]

    def funds(self) -> Funds:
        """Return user -> asset -> {available, held}."""
        return {
            user: {
                asset: {
                    part: words.unscaled(amount, self.units.money)
                    for part, amount in zip(
                        ("available", "held"), self.engine.balance(account, number), strict=True
                    )
                }
                for asset, number in self.ledger.assets.items()
            }
            for user, account in self.ledger.users.items()
        }


def _gives_quote(step: Step) -> bool:
    """Whether a step's order gives the quote asset."""
    return translate(words.SIDES, require_value(step, ("side",)), "side") == w.SIDE_BUY


def _only(step: Step, names: tuple[str, ...]) -> Step:
    return {name: step[name] for name in names if name in step}


_ANY_STEP, _CHANGE = words.ANY_STEP, words.CHANGE_KEYS
_ORDER, _MOVE = words.ORDER_KEYS, words.MOVE_KEYS
# Operations that place an order of the type that they are called.
_TYPES = (
    *("stop", "stop_market", "stop_limit", "iceberg"),
    *("take_profit", "take_profit_market", "take_profit_limit"),
    *("trailing_stop", "trailing_stop_market", "trailing_stop_limit"),
)
Operation = tuple[Callable[[Exchange, Step], int | None], frozenset[str]]
OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("add", "limit", "place", "new", "submit"), (Exchange.add, frozenset(_ORDER))),
    **dict.fromkeys(_TYPES, (Exchange.add, frozenset(_ORDER))),
    "market": (Exchange.market, frozenset(_ORDER)),
    **dict.fromkeys(("replace", "modify"), (Exchange.replace, frozenset(_CHANGE))),
    "amend": (Exchange.amend, frozenset(_CHANGE)),
    "cancel": (Exchange.cancel, frozenset((*_ANY_STEP, *words.ID))),
    "list": (place_list, frozenset((*_ORDER, "orders"))),
    "cancel_list": (cancel_list, frozenset((*_ANY_STEP, *words.ID))),
    "cancel_all": (Exchange.cancel_all, frozenset((*_ANY_STEP, "side"))),
    "deposit": (Exchange.deposit, frozenset(_MOVE)),
    "withdraw": (Exchange.withdraw, frozenset(_MOVE)),
    "time": (Exchange.time, frozenset((*_ANY_STEP, *words.TIME))),
    "state": (Exchange.state, frozenset((*_ANY_STEP, "state", "reference"))),
}
_IMPLIED: dict[str, Step] = {kind: {"type": kind} for kind in _TYPES}
