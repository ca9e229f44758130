"""The reference engine's state as the sections of a snapshot, and back; and its full check."""

from array import array
from typing import TYPE_CHECKING

from engine.digest import MASK, Digest
from engine.errors import InvariantViolation
from engine.reference.model import Asset, Balance, Hold, Limits, Market, Order, Side
from engine.snapshot import SECTIONS, Sections
from wire import layout as w

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.reference.engine import Engine


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def _sides(market: Market) -> tuple[Side, ...]:
    return (market.bids, market.asks, market.buy_stops, market.sell_stops)


def orders_of(market: Market) -> "Iterator[Order]":
    """Yield a market's orders: bids, asks, buy stops, sell stops; best and oldest first."""
    for side in _sides(market):
        for price in side.prices():
            yield from side.levels[price]


def _market_row(market: Market) -> list[int]:
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
        *market.limits.words(),
        market.last_price,
        market.reference_price,
        market.reference_until_ms,
        market.indicative_price,
        market.indicative_quantity,
    ]


def _order_row(order: Order) -> list[int]:
    return [
        order.order_id,
        order.account.number,
        order.market.number,
        order.terms,
        order.price,
        order.remaining,
        order.visible,
        order.quantity,
        order.filled_quote,
        order.id_high,
        order.id_low,
        order.trigger_price,
        order.display_quantity,
        order.expire_ms,
    ]


def save(engine: "Engine") -> Sections:
    """Return all sections, each row's words in the order that ``load`` reads them."""
    markets = [engine.markets[number] for number in sorted(engine.markets)]
    rows: dict[str, list[list[int]]] = {
        "head": [
            [
                engine.capacity_orders,
                engine.capacity_accounts,
                engine.capacity_balances,
                engine.capacity_holds,
                engine.capacity_ids,
                engine.sequence,
                engine.time_ms,
                engine.trade_id,
                _signed(engine.state_digest.value),
                _signed(engine.state_digest.total),
                engine.state_digest.length,
                engine.horizon_ms,
                *engine.epoch,
            ]
        ],
        "assets": [
            [a.number, a.tenant, a.scale, a.symbol_high, a.symbol_low, a.supply]
            for a in engine.assets.values()
        ],
        "tiers": [[*key, *fees] for key, fees in sorted(engine.tiers.items())],
        "markets": [_market_row(market) for market in markets],
        "accounts": [
            [a.number, a.tier, a.stp_group, a.state, a.deadline_ms]
            for a in engine.accounts.values()
        ],
        "balances": [[b.account, b.asset, b.available, b.held] for b in engine.balances.values()],
        "holds": [
            [account.number, hold.hold_id, hold.asset, hold.amount]
            for account in engine.accounts.values()
            for hold in account.holds.values()
        ],
        "orders": [_order_row(order) for market in markets for order in orders_of(market)],
        "ids": [[*key, *value] for key, value in engine.remembered.items()],
    }
    return {
        name: array("q", (word for row in section for word in row))
        for name, section in rows.items()
    }


def _rows(sections: Sections, name: str) -> "Iterator[list[int]]":
    words, width = sections[name].tolist(), SECTIONS[name]
    return (words[start : start + width] for start in range(0, len(words), width))


def load(engine: "Engine", sections: Sections) -> None:
    """Write the sections of a snapshot into an empty engine."""
    (head,) = _rows(sections, "head")
    engine.sequence, engine.time_ms, engine.trade_id = head[5:8]
    engine.state_digest = Digest(head[8] & MASK, head[9] & MASK, head[10])
    engine.horizon_ms = head[11]
    engine.epoch = head[12:15]
    for row in _rows(sections, "assets"):
        engine.assets[row[0]] = Asset(*row)
        engine.tenants.add(row[1])
    for tenant, tier, maker_ppm, taker_ppm in _rows(sections, "tiers"):
        engine.tiers[tenant, tier] = (maker_ppm, taker_ppm)
    for row in _rows(sections, "markets"):
        market = Market.of_words(row[:9])
        market.limits = Limits(*row[9:16])
        market.last_price, market.reference_price, market.reference_until_ms = row[16:19]
        market.indicative_price, market.indicative_quantity = row[19:21]
        engine.markets[market.number] = market
    for number, tier, group, state, deadline_ms in _rows(sections, "accounts"):
        account = engine.open_account(number)
        account.tier, account.stp_group, account.state = tier, group, state
        account.deadline_ms = deadline_ms
    for account_number, asset, available, held in _rows(sections, "balances"):
        balance = Balance(account_number, asset, available, held)
        engine.balances[account_number, asset] = balance
    for account_number, hold_id, asset, amount in _rows(sections, "holds"):
        engine.accounts[account_number].holds[hold_id] = Hold(hold_id, asset, amount)
        engine.hold_count += 1
    for row in _rows(sections, "orders"):
        _load_order(engine, row)
    for high, low, outcome, stamp_ms in _rows(sections, "ids"):
        engine.remembered[high, low] = (outcome, stamp_ms)


def _load_order(engine: "Engine", row: list[int]) -> None:
    order = Order(
        order_id=row[0],
        account=engine.accounts[row[1]],
        market=engine.markets[row[2]],
        terms=row[3],
        price=row[4],
        remaining=row[5],
        visible=row[6],
        quantity=row[7],
        filled_quote=row[8],
        id_high=row[9],
        id_low=row[10],
        trigger_price=row[11],
        display_quantity=row[12],
        expire_ms=row[13],
        is_open=True,
    )
    side, key = order.market.place_of(order)
    side.add(key, order)
    engine.orders[order.order_id] = order
    order.account.orders[order.order_id] = order


# --- the full check -------------------------------------------------------------------------------


def audit(engine: "Engine") -> None:
    """Raise InvariantViolation for the first rule that does not hold."""
    _audit_balances(engine)
    for market in engine.markets.values():
        bid, ask = market.bids.best_price(), market.asks.best_price()
        trades = market.state in (w.STATE_OPEN, w.STATE_POST_ONLY)
        if trades and bid is not None and ask is not None and bid >= ask:
            raise InvariantViolation(f"market {market.number}: the book is crossed")
    in_books = sum(1 for market in engine.markets.values() for _ in orders_of(market))
    if in_books != len(engine.orders):
        raise InvariantViolation("orders in books are not the orders known")


def _audit_balances(engine: "Engine") -> None:
    needed = dict.fromkeys(engine.balances, 0)
    for order in engine.orders.values():
        if not 0 < order.visible <= order.remaining <= order.quantity:
            raise InvariantViolation(f"order {order.order_id}: bad quantities")
        needed[order.account.number, order.reserve_asset] += order.reserve
    for account in engine.accounts.values():
        for hold in account.holds.values():
            needed[account.number, hold.asset] += hold.amount
    for key, balance in engine.balances.items():
        if balance.available < 0 or balance.held != needed[key]:
            raise InvariantViolation(f"balance {key}: held is not what orders and holds need")
    for asset in engine.assets.values():
        own = [b for b in engine.balances.values() if b.asset == asset.number]
        if sum(b.available + b.held for b in own) != asset.supply:
            raise InvariantViolation(f"asset {asset.number}: balances are not the supply")
