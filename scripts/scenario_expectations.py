"""What a scenario may expect at its end, each held against what the engine did.

A check raises Mismatch and says what was expected and what came. What a scenario does not name is
not looked at.

Venues differ in one thing that the format can not tell apart: an order that ends whole on
arrival (fill-or-kill without enough, immediate-or-cancel without a match, a self-trade) is
"cancelled" for some and "rejected" for others, and a post-only order that would cross likewise.
Here the first is cancelled and the second rejected, but a scenario may name either as either.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from scripts import scenario_words as words
from scripts.scenario_exchange import BOTH_SIDES, Exchange, Row
from scripts.scenario_words import Mismatch, ScenarioError, Step, mapping

PARTS = {"available": "available", "held": "held", "locked": "held", "reserved": "held"}
AT_END = ("final", "end")
ALIASES = {
    "canceled": "cancelled",
    "rejected": "rejected_steps",
    "rejects": "rejected_steps",
    "fills": "trades",
    "pending_stops": "stops_pending",
    "locked": "held",
    "reserved": "held",
    "book_visible": "book_visible_volume",
    "book_stop_orders": "stop_orders",
    "book_stop_volume": "stop_volume",
}


def as_json(value: object) -> str:
    """Return a value as the scenario's file would write it."""
    return json.dumps(value, default=float)


def require_equal(what: str, expected: object, actual: object) -> None:
    """Raise Mismatch unless two values are equal."""
    if expected != actual:
        raise Mismatch(f"{what}: expected {as_json(expected)}, got {as_json(actual)}")


def rows(values: object, what: str, *columns: str) -> list[Row]:
    """Return expected rows: ids as text, the rest as numbers; objects in the columns' order."""
    if not isinstance(values, list):
        raise ScenarioError(f"{what} must be a list")
    return [_row(value, what, columns) for value in values]


def _row(value: object, what: str, columns: tuple[str, ...]) -> Row:
    if isinstance(value, dict):
        words.reject_unknown(what, value, columns)
        value = [value[name] for name in columns if name in value]
    if not isinstance(value, list):
        return [str(value)]
    if not 0 < len(value) <= len(columns):
        raise ScenarioError(f"{what} has a row of {len(value)}, not [{', '.join(columns)}]")
    return [
        str(cell) if column in {"id", "maker", "taker"} else words.number(cell, what)
        for cell, column in zip(value, columns, strict=False)
    ]


def pair(value: object, what: str) -> list[Any]:
    """Return two numbers, given as [bids, asks] or as an object of them."""
    if isinstance(value, dict):
        words.reject_unknown(what, value, ("bids", "asks"))
        value = [value.get("bids", 0), value.get("asks", 0)]
    if not isinstance(value, list) or len(value) != len(BOTH_SIDES):
        raise ScenarioError(f"{what} must be [bids, asks]")
    return [words.number(one, what) for one in value]


# --- trades and orders ----------------------------------------------------------------------------


def check_trades(exchange: Exchange, expected: object, _: Step) -> None:
    """[maker, taker, price, quantity] of every trade, in order."""
    wanted = rows(expected, "trades", "maker", "taker", "price", "qty")
    require_equal("trades", wanted, [exchange.trade(trade) for trade in exchange.trades])


def check_resting(exchange: Exchange, expected: object, _: Step) -> None:
    """[id, remaining], or ids alone, in book order, bids first; an object of them by market."""
    for what, wanted, markets in _by_market(exchange, expected, "resting"):
        actual = [row for m in markets for side in BOTH_SIDES for row in exchange.resting(m, side)]
        given = rows(wanted, what, "id", "qty")
        only_ids = bool(given) and all(len(row) == 1 for row in given)
        require_equal(what, given, [row[:1] for row in actual] if only_ids else actual)


def _by_market(
    exchange: Exchange, expected: object, what: str
) -> Iterator[tuple[str, object, list[int]]]:
    """Yield (name, what is expected, market numbers): each named market, or all at once."""
    if not isinstance(expected, dict):
        yield what, expected, list(exchange.ledger.markets.values())
        return
    for name, wanted in expected.items():
        if words.normal_form(name) not in exchange.ledger.markets:
            raise ScenarioError(f"{what} of an unknown market {name!r}")
        yield f"{what} of {name}", wanted, [exchange.ledger.market(name)]


def check_cancelled(exchange: Exchange, expected: object, expect: Step) -> None:
    """[id, quantity] of what ended unfilled, in any order.

    What self-trade prevention took from an order that lived on may be named too; a market order
    by quote amount has no quantity left, so it need not be named.
    """
    rejected = _steps(expect.get("rejected_steps") or [])
    wanted = _totals(rows(expected, "cancelled", "id", "qty"))
    actual = _totals(exchange.row_of(row) for row in exchange.cancelled.items())
    taken = _totals(exchange.row_of(row) for row in exchange.decremented.items())
    free = {exchange.name(order_id) for order_id in exchange.by_quote}
    free |= {name for step, (name, _) in exchange.ended_on_arrival.items() if step in rejected}
    for name, lots in exchange.rejected_post_only.values():
        if name not in actual:
            actual[name], free = words.unscaled(lots, exchange.units.quantity), free | {name}
    for name in {*wanted, *actual}:
        total, more = actual.get(name, 0), taken.get(name, 0)
        if wanted.get(name, 0) not in (total, total + more) and not (
            name in free and (name not in wanted or name not in actual)
        ):
            shown = [exchange.row_of(row) for row in exchange.cancelled.items()]
            raise Mismatch(f"cancelled: expected {as_json(expected)}, got {as_json(shown)}")


def _totals(named: "Iterator[Row] | list[Row]") -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for name, *lots in named:
        if not lots:
            raise ScenarioError(f"cancelled needs [id, quantity], not only {name!r}")
        totals[name] = totals.get(name, 0) + lots[0]
    return totals


def _steps(expected: object) -> set[int]:
    if not isinstance(expected, list):
        raise ScenarioError("rejected_steps must be a list")
    return {words.whole_number(step, "rejected_steps") for step in expected}


def check_rejected(exchange: Exchange, expected: object, expect: Step) -> None:
    """Indexes of the rejected steps, from 0."""
    wanted = _steps(expected)
    cancelled = expect.get("cancelled") or []
    named = {row[0] for row in rows(cancelled, "cancelled", "id", "qty")}
    also = {step for step, (name, _) in exchange.rejected_post_only.items() if name in named}
    if (
        not set(exchange.rejected_steps) - also
        <= wanted
        <= set(exchange.rejected_steps) | set(exchange.ended_on_arrival)
    ):
        require_equal("rejected_steps", sorted(wanted), exchange.rejected_steps)


def check_stops(exchange: Exchange, expected: object, _: Step) -> None:
    """Pending stops: how many, or how many [buys, sells], or their ids, or [id, quantity]."""
    markets = exchange.ledger.markets.values()
    buys, sells = ([r for m in markets for r in exchange.stops(m, side)] for side in BOTH_SIDES)
    if not isinstance(expected, list):
        require_equal(
            "stops_pending", words.whole_number(expected, "stops_pending"), len(buys) + len(sells)
        )
        return
    if expected == [len(buys), len(sells)]:
        return
    wanted = rows(expected, "stops_pending", "id", "qty")
    width = min((len(row) for row in wanted), default=2)
    require_equal("stops_pending", sorted(wanted), sorted(row[:width] for row in buys + sells))


def check_trailing(exchange: Exchange, expected: object, _: Step) -> None:
    """Trailing stops that follow the price: [id, trigger price], buys first, in their order."""
    markets = exchange.ledger.markets.values()
    found = [row for side in BOTH_SIDES for m in markets for row in exchange.trailing(m, side)]
    require_equal("trailing", rows(expected, "trailing", "id", "price"), found)


# --- the book in figures --------------------------------------------------------------------------


def check_l2(exchange: Exchange, expected: object, _: Step) -> None:
    """{bids, asks}: [price, displayed quantity], best first; an object of them by market."""
    given = mapping(expected, "l2")
    by_market: dict[Any, Any] = {None: given} if {"bids", "asks"} & set(given) else given
    for name, book in by_market.items():
        if name is not None and words.normal_form(name) not in exchange.ledger.markets:
            raise ScenarioError(f"l2 has unknown {name!r}")
        words.reject_unknown("l2", mapping(book, "l2"), {"bids", "asks"})
        bids, asks = exchange.levels(exchange.ledger.market(name))
        for side, levels in (("bids", bids), ("asks", asks)):
            if side in book:
                require_equal(f"l2 {side}", rows(book[side], "l2", "price", "qty"), levels)


def _book_figure(
    what: str, count: Callable[[Exchange, int, int], Any]
) -> Callable[[Exchange, object, Step], None]:
    """Return the check of [bids, asks], counted over a (market, side)."""

    def check(exchange: Exchange, expected: object, _: Step) -> None:
        markets = exchange.ledger.markets.values()
        actual = [sum(count(exchange, m, side) for m in markets) for side in BOTH_SIDES]
        require_equal(what, pair(expected, what), actual)

    return check


def _orders(exchange: Exchange, market: int, side: int) -> int:
    return len(exchange.resting(market, side))


def _volume(exchange: Exchange, market: int, side: int) -> Any:  # noqa: ANN401 - int or Decimal
    return sum(row[1] for row in exchange.resting(market, side))


def _visible(exchange: Exchange, market: int, side: int) -> Any:  # noqa: ANN401 - int or Decimal
    return sum(level[1] for level in exchange.levels(market)[BOTH_SIDES.index(side)])


def _stop_orders(exchange: Exchange, market: int, side: int) -> int:
    return len(exchange.stops(market, side))


def _stop_volume(exchange: Exchange, market: int, side: int) -> Any:  # noqa: ANN401 - see above
    return sum(row[1] for row in exchange.stops(market, side))


def _best(side: int) -> Callable[[Exchange, object, Step], None]:
    """Return the check of a side's best price, or [price, displayed quantity], or [] for none."""

    def check(exchange: Exchange, expected: object, _: Step) -> None:
        what = ("best_bid", "best_ask")[side]
        best = next(iter(exchange.levels(1)[side]), [])
        if isinstance(expected, list):
            require_equal(what, [words.number(cell, what) for cell in expected], best)
        else:
            require_equal(what, words.number(expected, what), best[0] if best else 0)

    return check


# --- money ----------------------------------------------------------------------------------------


def balances_expected(expected: object, what: str) -> Iterator[tuple[str, Step]]:
    """Yield (step as text or "end", what users own then) of an expectation of money.

    ``{after_step: {step: users}, final: users}``; a step or a user may also be at the top.
    """
    given = mapping(expected, what)
    yield from mapping(given.get("after_step", {}), f"{what} after_step").items()
    final: Step = {}
    for key, value in given.items():
        if key == "after_step":
            continue
        users = mapping(value, f"{what} of {key!r}")
        if key in AT_END:
            final |= users
        elif users and all(isinstance(assets, dict) for assets in users.values()):
            yield key, users
        else:
            final[key] = users
    yield "end", final


def check_money(part: str) -> Callable[[Exchange, object, Step], None]:
    """Return the check of what users have available, or held."""

    def check(exchange: Exchange, expected: object, _: Step) -> None:
        for step, users in balances_expected(expected, part):
            if step not in exchange.balances:
                raise ScenarioError(f"{part} after step {step}, but there is no such step")
            for user, assets in mapping(users, part).items():
                if user not in exchange.ledger.users:
                    raise ScenarioError(f"{part} of {user!r}, who does nothing in this scenario")
                owned = exchange.balances[step][user]
                by_number = {exchange.ledger.assets[name]: owned[name] for name in owned}
                for asset, amount in mapping(assets, part).items():
                    has = by_number[exchange.ledger.asset(asset)][part]
                    what = f"{part} after step {step}: {user} {asset}"
                    require_equal(what, words.number(amount, what), has)

    return check


EXPECTATIONS: dict[str, Callable[[Exchange, object, Step], None]] = {
    "trades": check_trades,
    "resting": check_resting,
    "cancelled": check_cancelled,
    "rejected_steps": check_rejected,
    "stops_pending": check_stops,
    "trailing": check_trailing,
    "l2": check_l2,
    "book_orders": _book_figure("book_orders", _orders),
    "book_volume": _book_figure("book_volume", _volume),
    "book_visible_volume": _book_figure("book_visible_volume", _visible),
    "stop_orders": _book_figure("stop_orders", _stop_orders),
    "stop_volume": _book_figure("stop_volume", _stop_volume),
    "best_bid": _best(0),
    "best_ask": _best(1),
    "available": check_money("available"),
    "held": check_money("held"),
}


def read_expectations(given: object) -> Step:
    """Return a scenario's expectations under their own names, those that are null left out."""
    expect = {
        ALIASES.get(name, name): value
        for name, value in mapping(given, "expect").items()
        if value is not None
    }
    unknown = sorted(set(expect) - set(EXPECTATIONS))
    if unknown:
        raise ScenarioError(
            f"unknown expectation {', '.join(unknown)}; known: {', '.join(EXPECTATIONS)}"
        )
    return expect


def steps_with_balances(expect: Step) -> set[str]:
    """Return the steps whose balances some expectation names."""
    return {
        step
        for part in ("available", "held")
        for step, _ in balances_expected(expect.get(part, {}), part)
    }
