"""The state as the sections of a checkpoint, and back.

A checkpoint is the same bytes whichever engine writes it, so its rows have one order: markets by
number; orders by market and book, as they would trade; the rest as it came into being.
"""

from array import array
from collections.abc import Iterator
from dataclasses import astuple

from engine.checkpoint import SECTIONS, Sections
from engine.digest import MASK, Digest
from engine.reference.book import append_order
from engine.reference.index import open_account
from engine.reference.model import (
    Asset,
    Balance,
    Conditions,
    Hold,
    Limits,
    Market,
    Order,
    TenantLimits,
)
from engine.reference.orders import register_order
from engine.reference.state import Capacity, State

# --- writing --------------------------------------------------------------------------------------


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
        "orders": [order_row(order) for market in markets for order in orders_of(market)],
        "ids": [[*key, *value] for key, value in state.remembered.items()],
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
    """Yield a market's orders: bids, asks, buy stops, sell stops; best and oldest first."""
    for book in market.books:
        for price in book.prices():
            yield from book.levels[price]


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
    ]


# --- reading --------------------------------------------------------------------------------------


def read_sections(sections: Sections) -> State:
    """Return the state that some sections hold."""
    (head,) = rows_of(sections, "head")
    state = State(Capacity(*head[:5]))
    state.sequence, state.time_ms, state.trade_id = head[5:8]
    state.digest = Digest(head[8] & MASK, head[9] & MASK, head[10])
    state.horizon_ms, state.epoch, state.rejections_ms = head[11], head[12:15], head[15]
    for row in rows_of(sections, "assets"):
        state.assets[row[0]] = Asset(*row)
        state.tenants.add(row[1])
    for tenant, tier, maker_ppm, taker_ppm in rows_of(sections, "tiers"):
        state.tiers[tenant, tier] = (maker_ppm, taker_ppm)
    for tenant, *words in rows_of(sections, "tenants"):
        state.tenant_limits[tenant] = TenantLimits(*words)
    for row in rows_of(sections, "markets"):
        state.markets[row[0]] = read_market(row)
    for row in rows_of(sections, "accounts"):
        account = open_account(state, row[0])
        account.tier, account.stp_group, account.state = row[1:4]
        account.deadline_ms, account.rejections_ms = row[4:]
    for number, asset, available, held in rows_of(sections, "balances"):
        state.balances[number, asset] = Balance(number, asset, available, held)
    for number, hold_id, asset, amount in rows_of(sections, "holds"):
        state.accounts[number].holds[hold_id] = Hold(hold_id, asset, amount)
        state.hold_count += 1
    for row in rows_of(sections, "orders"):
        order = read_order(state, row)
        append_order(order)
        register_order(state, order)
    for high, low, outcome, stamp_ms in rows_of(sections, "ids"):
        state.remembered[high, low] = (outcome, stamp_ms)
    return state


def rows_of(sections: Sections, name: str) -> Iterator[list[int]]:
    """Yield the rows of a section."""
    words, width = sections[name].tolist(), SECTIONS[name]
    return (words[start : start + width] for start in range(0, len(words), width))


def read_market(row: list[int]) -> Market:
    """Return a market without its orders."""
    market = Market.of_words(row[:9])
    market.limits = Limits(*row[9:18])
    market.last_price, market.reference_price, market.reference_until_ms = row[18:21]
    market.indicative_price, market.indicative_quantity = row[21:23]
    market.window_quantity, market.window_value = row[23:25]
    market.auction_until_ms, market.auctions_ms = row[25:27]
    market.confirmed_price, market.unconfirmed_quantity, market.unconfirmed_value = row[27:30]
    market.one_by_one_until_ms = row[30]
    return market


def read_order(state: State, row: list[int]) -> Order:
    """Return an order that is not in its book yet."""
    return Order(
        order_id=row[0],
        account=state.accounts[row[1]],
        market=state.markets[row[2]],
        flags=row[3],
        price=row[4],
        remaining=row[5],
        visible=row[6],
        quantity=row[7],
        filled_quote=row[8],
        id_high=row[9],
        id_low=row[10],
        conditions=Conditions(*row[11:]),
    )
