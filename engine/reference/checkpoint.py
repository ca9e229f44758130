"""The state as the sections of a checkpoint.

A checkpoint is the same bytes whichever engine writes it, so its rows have one order: markets by
number; orders by market and book, as they would trade, then exits that wait for their entry; the
rest as it came into being.
"""

from array import array
from collections.abc import Iterator
from dataclasses import astuple

from engine.checkpoint import Sections
from engine.reference.model import (
    Account,
    Market,
    Order,
)
from engine.reference.state import State


def write_sections(state: State) -> Sections:
    """Return all sections, each row's words in the order in which ``read_sections`` reads them."""
    accounts = state.accounts.values()
    markets = [market for _, market in sorted(state.markets.items())]
    rows: dict[str, list[list[int]]] = {
        "head": [head_row(state)],
        "assets": [
            [one.number, one.tenant, one.scale, one.symbol_high, one.symbol_low, one.supply]
            for one in state.assets.values()
        ],
        "tiers": [[*key, *fees] for key, fees in sorted(state.tiers.items())],
        "tenants": [
            [tenant, *astuple(limits)]
            for tenant, limits in sorted(state.tenant_limits.items())
            if any(astuple(limits))
        ],
        "markets": [market_row(market) for market in markets],
        "accounts": [
            [one.number, one.tier, one.stp_group, one.state, one.deadline_ms, one.rejections_ms]
            for one in accounts
        ],
        "balances": [
            [one.account, one.asset, one.available, one.held] for one in state.balances.values()
        ],
        "holds": [
            [account.number, hold.hold_id, hold.asset, hold.amount]
            for account in accounts
            for hold in account.holds.values()
        ],
        "orders": [
            *(order_row(order) for market in markets for order in orders_of(market)),
            *(order_row(order) for one in accounts for order in awaiting_orders(one)),
        ],
        "ids": [[*key, *value] for key, value in state.remembered.items()],
        "staged": state.staged if state.staged_sequence == state.sequence else [],
    }
    return {
        name: array("q", (word for row in section for word in row))
        for name, section in rows.items()
    }


def head_row(state: State) -> list[int]:
    """Return the capacities, the counters, the digest and the epoch."""
    return [
        state.capacity.orders,
        state.capacity.accounts,
        state.capacity.balances,
        state.capacity.holds,
        state.capacity.ids,
        state.sequence,
        state.time_ms,
        state.trade_id,
        _signed(state.digest.value),
        _signed(state.digest.total),
        state.digest.length,
        state.horizon_ms,
        *state.epoch,
        state.rejections_ms,
    ]


def _signed(word: int) -> int:
    """Return the signed word with the same bits."""
    return word - (1 << 64) if word >> 63 else word


def market_row(market: Market) -> list[int]:
    """Return a market's definition, limits and prices."""
    limits = market.limits
    return [
        market.number,
        market.tenant,
        market.base,
        market.quote,
        market.lot_units,
        market.tick_units,
        market.state,
        market.symbol_high,
        market.symbol_low,
        limits.min_notional,
        limits.max_quantity,
        limits.max_price,
        limits.collar_ppm,
        limits.market_collar_ppm,
        limits.breaker_ppm,
        limits.reference_interval_ms,
        limits.least_value,
        limits.auction_ms,
        market.last_price,
        market.reference_price,
        market.reference_until_ms,
        market.indicative_price,
        market.indicative_quantity,
        market.window_quantity,
        market.window_value,
        market.auction_until_ms,
        market.auctions_ms,
        market.confirmed_price,
        market.unconfirmed_quantity,
        market.unconfirmed_value,
        market.one_by_one_until_ms,
    ]


def orders_of(market: Market) -> Iterator[Order]:
    """Yield a market's orders: bids, asks, buy stops, sell stops, trailing stops; best first."""
    for book in market.books:
        for price in book.prices():
            yield from book.levels[price]


def awaiting_orders(account: Account) -> Iterator[Order]:
    """Yield the exits of an account that wait for their entry, by id."""
    return (order for _, order in sorted(account.orders.items()) if order.awaits_entry)


def order_row(order: Order) -> list[int]:
    """Return an order's words."""
    return [
        order.order_id,
        order.account.number,
        order.market.number,
        order.flags,
        order.price,
        order.remaining,
        order.visible,
        order.quantity,
        order.filled_quote,
        order.id_high,
        order.id_low,
        *order.conditions.words(),
        order.extreme,
        order.list_id,
    ]
