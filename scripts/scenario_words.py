"""The vocabulary of scenarios: spellings, numbers and units.

Scenarios come from many venues' vocabularies, so several words mean the same here. A word that is
not in these tables is an error, never a guess. Nothing in this module touches an engine.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from wire import layout as w

Step = dict[str, Any]
Number = int | Decimal

DIGITS_MAX = 40  # of a number, before or after its point; more is a typing error
PLACES_MAX = 12  # after the point: more would not fit the engine's words once multiplied
EXACT = Context(prec=4 * DIGITS_MAX)  # the usual 28 digits would round


class ScenarioError(Exception):
    """The scenario says something that this runner does not understand."""


class Mismatch(Exception):  # noqa: N818 - the scenario's verdict, not a programming error
    """The engine did something else than the scenario expects."""


# --- spellings ------------------------------------------------------------------------------------

SIDES = {
    **dict.fromkeys(("buy", "bid", "b"), w.SIDE_BUY),
    **dict.fromkeys(("sell", "ask", "s", "offer"), w.SIDE_SELL),
}
TYPES = {
    **dict.fromkeys(("limit", "iceberg", "post_only", "limit_maker"), w.TYPE_LIMIT),
    "market": w.TYPE_MARKET,
    **dict.fromkeys(("stop_market", "stop", "stop_loss"), w.TYPE_STOP_MARKET),
    **dict.fromkeys(("stop_limit", "stop_loss_limit"), w.TYPE_STOP_LIMIT),
    **dict.fromkeys(("take_profit_market", "take_profit"), w.TYPE_TAKE_PROFIT_MARKET),
    "take_profit_limit": w.TYPE_TAKE_PROFIT_LIMIT,
    **dict.fromkeys(("trailing_stop_market", "trailing_stop"), w.TYPE_TRAILING_STOP_MARKET),
    "trailing_stop_limit": w.TYPE_TRAILING_STOP_LIMIT,
}
TIMES = {
    **dict.fromkeys(("gtc", "day", "good_till_cancel", "good_till_cancelled"), w.TIF_GTC),
    **dict.fromkeys(("ioc", "fak", "immediate_or_cancel", "fill_and_kill"), w.TIF_IOC),
    **dict.fromkeys(("fok", "fill_or_kill"), w.TIF_FOK),
    **dict.fromkeys(("gtd", "gtt", "good_till_date", "good_till_time"), w.TIF_GTD),
}
POST_ONLY = ("post_only", "gtx", "po", "postonly", "maker_only", "limit_maker", "alo")
PREVENTIONS = {
    **dict.fromkeys(("none", "allow", "off", "false", "disabled"), w.STP_NONE),
    **{
        f"{verb}_{whom}": mode
        for verb in ("cancel", "expire", "reject")
        for whom, mode in {
            **dict.fromkeys(("taker", "newest", "new", "aggressor", "incoming"), 1),
            **dict.fromkeys(("maker", "oldest", "old", "resting", "passive"), 2),
            "both": 3,
        }.items()
    },
    **dict.fromkeys(("cn", "stp_cancel_newest", "stp_cancel_taker"), w.STP_CANCEL_TAKER),
    **dict.fromkeys(("co", "stp_cancel_oldest", "stp_cancel_maker"), w.STP_CANCEL_MAKER),
    **dict.fromkeys(("cb", "stp_cancel_both"), w.STP_CANCEL_BOTH),
    **dict.fromkeys(
        ("dc", "decrement", "decrement_both", "decrement_and_cancel", "decrement_cancel", "decr"),
        w.STP_DECREMENT,
    ),
}
STATES = {name: state for state, name in w.MARKET_STATE_NAMES.items()}

USER = ("user", "owner", "account", "uid", "trader", "client")
MARKET = ("market", "symbol", "instrument", "pair")
ID = ("id", "order_id", "order", "oid")
PRICE = ("price", "limit_price", "px")
QUANTITY = ("qty", "quantity", "size", "volume")
STOP = ("stop_price", "trigger_price", "stop", "trigger", "activation_price")
TRAIL = ("trail", "trail_amount")
TRAIL_PPM = ("trail_ppm",)
LIMIT_OFFSET = ("limit_offset",)
DISPLAY = (
    *("display_qty", "display", "display_quantity", "visible_qty", "visible", "max_visible"),
    *("peak", "peak_qty", "peak_size", "iceberg_qty", "iceberg"),
)
QUOTE_AMOUNT = ("quote_amount", "quote_qty", "quote_quantity", "quote", "funds", "notional")
TIF = ("tif", "time_in_force")
STP = ("stp", "stp_mode", "self_trade_prevention", "self_trade")
GROUP = ("stp_group", "group", "trade_group")
EXPIRE = ("expire", "expire_ms", "expires")
NEW_ID = ("new_id", "new_order_id")
ASSET = ("asset", "currency")
AMOUNT = ("amount", *QUANTITY)
TIME = ("time_ms", "ms", "to")
REMARK = ("comment", "note", "checks")
# What steps may say.
ANY_STEP = ("op", *USER, *MARKET, *REMARK)
CHANGE_KEYS = (
    *(*ANY_STEP, *ID, *NEW_ID, "side", *PRICE, *QUANTITY),
    *(*STOP, *DISPLAY, *TRAIL, *TRAIL_PPM),
)
ORDER_KEYS = (
    *(*ANY_STEP, *ID, "side", "type", *PRICE, *QUANTITY, *STOP),
    *(*TIF, "post_only", *STP, *GROUP, *EXPIRE, *QUOTE_AMOUNT, *DISPLAY),
    *(*TRAIL, *TRAIL_PPM, *LIMIT_OFFSET),
)
MOVE_KEYS = (*ANY_STEP, *ASSET, *AMOUNT)


def normal_form(word: object) -> str:
    """Return a word in the form of the tables: lower case, underscores."""
    return str(word).strip().casefold().replace("-", "_").replace(" ", "_").replace("/", "_")


def translate(table: Mapping[str, int], word: object, what: str) -> int:
    """Return the value of a word of the scenario."""
    if (found := table.get(normal_form(word))) is None:
        raise ScenarioError(f"unknown {what} {word!r}; known: {', '.join(table)}")
    return found


def find_value(step: Step, names: Iterable[str]) -> Any:  # noqa: ANN401 - JSON is any
    """Return the value under one of some names for the same thing, None when absent or null."""
    for name in names:
        if (value := step.get(name)) is not None:
            return value
    return None


def require_value(step: Step, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON is any
    """Return the value under one of some names for the same thing, which must be there."""
    value = find_value(step, names)
    if value is None:
        raise ScenarioError(f"{step.get('op', 'object')!r} needs {names[0]!r}")
    return value


def reject_unknown(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a misspelt key rather than pass for the wrong reason."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ScenarioError(f"{what} has unknown {', '.join(map(repr, unknown))}")


def mapping(value: object, what: str) -> Step:
    """Return an object of the scenario."""
    if not isinstance(value, dict):
        raise ScenarioError(f"{what} must be an object")
    return value


def listed_orders(step: Step) -> list[Step]:
    """Return the orders of a step that places a list, with what the step says of all of them."""
    orders = step.get("orders", [])
    if not isinstance(orders, list):
        raise ScenarioError("orders must be a list")
    common = {key: value for key, value in step.items() if key != "orders"}
    return [common | mapping(order, "an order of a list") for order in orders]


def all_orders(steps: Iterable[Step]) -> list[Step]:
    """Return steps, and with them the orders of those that place a list."""
    return [one for step in steps for one in (step, *listed_orders(step))]


def prices_of(steps: Iterable[Step]) -> list[object]:
    """Return the prices and trigger prices that steps name, those of lists too."""
    prices = [find_value(one, names) for one in all_orders(steps) for names in (PRICE, STOP)]
    return [price for price in prices if price is not None]


# --- numbers --------------------------------------------------------------------------------------


def number(value: object, what: str) -> Number:
    """Return a number written as a number or as a string, exactly; whole ones as int."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, bool) or not isinstance(value, str | float | Decimal):
        raise ScenarioError(f"{what} must be a number, not {value!r}")
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ScenarioError(f"{what} must be a number, not {value!r}") from None
    if not exact.is_finite():
        raise ScenarioError(f"{what} must be a number, not {value!r}")
    if max(abs(exact.adjusted()), abs(int(exact.as_tuple().exponent))) > DIGITS_MAX:
        raise ScenarioError(f"{what} has more than {DIGITS_MAX} digits")
    return int(exact) if exact == exact.to_integral_value() else exact.normalize(EXACT)


def whole_number(value: object, what: str) -> int:
    """Return a whole number."""
    exact = number(value, what)
    if not isinstance(exact, int):
        raise ScenarioError(f"{what} must be a whole number, not {value!r}")
    return exact


def fee_ppm(value: object) -> int:
    """Return a fee in ppm: whole numbers are ppm, others fractions of the amount."""
    exact = number(value, "fee")
    if isinstance(exact, int):
        return exact
    return whole_number(EXACT.multiply(exact, Decimal(w.PPM)), "fee in ppm")


def places(value: object, what: str) -> int:
    """Return how many places a number has after its point."""
    if isinstance(value, int):
        return 0
    exact = number(value, what)
    count = 0 if isinstance(exact, int) else -int(exact.as_tuple().exponent)
    if count > PLACES_MAX:
        raise ScenarioError(f"{what} has more than {PLACES_MAX} places after the point")
    return count


@dataclass(frozen=True)
class Units:
    """How many places after the point a scenario's prices, quantities and amounts have.

    The engine counts in whole ticks, lots and units: 10.25 is 1025 with two places.
    """

    price: int = 0
    quantity: int = 0
    money: int = 0

    @classmethod
    def of(cls, scenario: Step, markets: Iterable[Step]) -> "Units":
        """Return the units that hold every number of a scenario exactly."""
        steps = all_orders(scenario["steps"])
        price = most_places(steps, (PRICE, STOP, TRAIL, LIMIT_OFFSET))
        quantity = most_places(steps, (QUANTITY, DISPLAY))
        of_amounts = max(
            most_places(steps, (AMOUNT, QUOTE_AMOUNT)),
            most_places(mapping(scenario.get("deposits", {}), "deposits").values(), None),
        )
        per_lot = most_places(markets, (("base_units_per_lot",), ("quote_units_per_step_lot",)))
        return cls(price, quantity, max(price + quantity + per_lot, of_amounts))


def most_places(objects: Iterable[Step], keys: tuple[tuple[str, ...], ...] | None) -> int:
    """Return the most places after the point under some keys (None: all) of some objects."""

    def values() -> Iterator[tuple[object, str]]:
        for one in objects:
            if keys is None:
                yield from ((value, "deposit") for value in mapping(one, "deposit").values())
                continue
            for names in keys:
                value = find_value(one, names)
                # `market`, `stop` and the like may also be words or flags.
                if isinstance(value, str | float | Decimal):
                    yield value, names[0]

    return max((places(value, what) for value, what in values()), default=0)


def scaled(value: Number, count: int) -> int:
    """Return a number as a whole count of its smallest unit."""
    if isinstance(value, int):
        return value * int(10**count)
    return int(EXACT.scaleb(value, count))


def unscaled(value: int, count: int) -> Number:
    """Return a count of smallest units as the scenario would write it; inverse of ``scaled``."""
    if not count:
        return value
    exact = EXACT.scaleb(Decimal(value), -count)
    return int(exact) if exact == exact.to_integral_value() else exact.normalize(EXACT)
