"""Markets, money and orders to compare dry runs with the engine by."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from bursa.kernel import keys
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.errors import BursaError
from bursa.kernel.markets import Market
from bursa.market_data.quoted_markets import view_of
from bursa.read_models.definitions import market_from_row
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import MarketRow, OrderRow, from_attributes
from bursa.trading.commands import PlaceOrder
from bursa.trading.dry_run_rules import MarketView
from bursa.trading.order_checks import check_combination
from bursa.trading.orders import (
    TRAILING,
    Conditions,
    OrderType,
    OrderView,
    SelfTradePrevention,
    Side,
    TimeInForce,
    order_from_row,
)
from tests.doubles.shard import BTC, BTC_USDT, USDT, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

BIDDER, ASKER, CAROL = (w.account_number(1, index) for index in (1, 2, 3))
MAKER_PPM, TAKER_PPM = 1_000, 2_000

prices = st.integers(90, 110)
lots = st.integers(1, 60)


class Scene(NamedTuple):
    """A market with a book, its limits, and what the account has."""

    resting: list[tuple[Side, int, int]]
    reference: int
    state: int
    limits: dict[str, int]
    base: int
    quote: int


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    reference = draw(st.sampled_from([0, 95, 100, 105]))
    limits = {"min_notional": draw(st.sampled_from([0, 5, 500]))}
    if reference:
        limits |= {
            "reference_interval_ms": 60_000,
            "collar_ppm": draw(st.sampled_from([0, 50_000])),
            "market_collar_ppm": draw(st.sampled_from([0, 20_000, 100_000])),
            "max_quantity": draw(st.sampled_from([0, 40])),
            "max_price": draw(st.sampled_from([0, 108])),
        }
    return Scene(
        draw(st.lists(st.tuples(st.sampled_from(Side), prices, lots), max_size=8)),
        reference,
        draw(st.sampled_from([w.STATE_OPEN] * 6 + sorted(w.MARKET_STATE_NAMES))),
        limits,
        draw(st.integers(0, 80)),
        draw(st.sampled_from([0, 500, 3_000, 5_000, 100_000])),
    )


@st.composite
def rich_scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene that most orders are accepted in."""
    scene = draw(scenes())
    if draw(st.integers(0, 3)):
        scene = scene._replace(base=10_000, quote=10**7)
    return scene._replace(state=w.STATE_OPEN) if draw(st.integers(0, 3)) else scene


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    order_type = draw(st.sampled_from(sorted(set(OrderType) - TRAILING)))
    side = draw(st.sampled_from(Side))
    conditions: dict[str, Any] = {}
    stop = order_type.name.startswith(("STOP", "TAKE"))
    if stop:
        conditions["trigger_price"] = draw(prices)
    by_amount = order_type is OrderType.MARKET and side is Side.BUY and draw(st.booleans())
    if by_amount:
        conditions["quote_amount"] = draw(st.integers(1, 5_000))
    marketable = order_type.name.endswith("MARKET")
    priced = order_type is not OrderType.MARKET and (not marketable or draw(st.booleans()))
    tif = draw(st.sampled_from([TimeInForce.IOC, TimeInForce.FOK] if marketable else TimeInForce))
    if tif is TimeInForce.GTD:
        conditions["expire_ms"] = draw(st.sampled_from([1, w.TIME_MS_MAX]))
    return {
        "side": side,
        "type": order_type,
        "time_in_force": tif,
        "price": Ticks(draw(prices) if priced else 0),
        "quantity": Lots(0 if by_amount else draw(lots)),
        "conditions": Conditions(**conditions),
        "post_only": not marketable and draw(st.booleans()),
    }


def order_of(market: Market, drawn: dict[str, Any], name: str | None = None) -> PlaceOrder:
    """Return a drawn order in a market."""
    mode = SelfTradePrevention.CANCEL_MAKER
    return PlaceOrder(market, self_trade_prevention=mode, client_order_id=name, **drawn)


def is_well_formed(order: PlaceOrder) -> bool:
    """Return whether REST would send it."""
    amounts = {"price": order.price, "quantity": order.quantity, **order.conditions._asdict()}
    given_names = {name for name, amount in amounts.items() if amount}
    try:
        check_combination(
            order.side, order.type, order.time_in_force, post_only=order.post_only,
            given=given_names,
        )  # fmt: skip
    except BursaError:
        return False
    return True


class Staged(NamedTuple):
    """The exchange in a scene, its market, the view of it, and Carol's orders as she sees them."""

    shard: Shard
    market: Market
    view: MarketView
    orders: list[OrderView]


def staged(scene: Scene, *own: bytes) -> Staged:
    """Return the exchange in a scene, in which Carol has placed orders of her own before."""
    shard = Shard()
    shard.run(
        *(
            codec.encode_funds(w.COMMAND_CREDIT, CAROL, asset, amount)
            for asset, amount in ((BTC, scene.base), (USDT, scene.quote))
            if amount
        ),
        codec.encode_set_market_limits(BTC_USDT),
        *(
            buy(BIDDER, price, quantity) if side is Side.BUY else sell(ASKER, price, quantity)
            for side, price, quantity in scene.resting
        ),
        *own,
        codec.encode_set_market_limits(BTC_USDT, **scene.limits),
        codec.encode_set_market_state(BTC_USDT, scene.state, scene.reference),
    )
    tables = MemoryTables(0)
    Projector(0, shard, tables, print).project(stream_records(shard.records))
    item = tables.items[Table.MARKETS]["t1", keys.market("BTC-USDT")]
    market = market_from_row(from_attributes(MarketRow, item), MAKER_PPM, TAKER_PPM)
    book = tables.book("t1", "BTC-USDT")
    view = view_of(None if book is None else book.to_row(), market)
    items = tables.items[Table.ORDERS]
    rows = [from_attributes(OrderRow, item) for item in items.values() if "side" in item]
    carols = [order_from_row(row, market) for row in rows if row.account == "t1-3"]
    return Staged(shard, market, view, sorted(carols, key=lambda order: order.order_id))
