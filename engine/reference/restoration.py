"""The state read from the sections of a checkpoint."""

from collections.abc import Iterator

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
from engine.reference.registry import register_order
from engine.reference.state import Capacity, State


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
    read_orders(state, sections)
    for high, low, outcome, stamp_ms in rows_of(sections, "ids"):
        state.remembered[high, low] = (outcome, stamp_ms)
    state.staged, state.staged_sequence = list(rows_of(sections, "staged")), state.sequence
    return state


def read_orders(state: State, sections: Sections) -> None:
    """Read the orders into their books, and let those of a list know each other."""
    for row in rows_of(sections, "orders"):
        order = read_order(state, row)
        if not order.awaits_entry:
            append_order(order)
        register_order(state, order)
    for order in state.orders.values():
        link_list(state, order)


def link_list(state: State, order: Order) -> None:
    """Let the orders of a list know each other again, if an order is the first of them.

    The first two that are open wait together. With an entry after them they wait for it.
    """
    list_id = order.list_id
    before, following, entry = (
        state.orders.get(number) for number in (order.order_id - 1, order.order_id + 1, list_id)
    )
    if not list_id or (before and before.list_id == list_id):
        return
    if following and following.list_id == list_id:
        order.other, following.other = following, order
        if entry and entry is not following:
            entry.exit = order


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
        conditions=Conditions(*row[11:-2]),
        extreme=row[-2],
        list_id=row[-1],
    )
