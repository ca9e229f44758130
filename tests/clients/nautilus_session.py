"""What NautilusTrader's Binance adapter sees of the exchange by REST; see ccxt_session.py.

A node of it waits for a stream of its user's orders before it trades, which there is none of: so
its own clients are called here, whose schemas refuse what lacks a field, and its provider, which
makes the instruments that a strategy trades of what the exchange tells.
"""

import asyncio
import json
import sys
from typing import Any

import nautilus_trader
from nautilus_trader.adapters.binance.common.enums import (
    BinanceKlineInterval,
    BinanceOrderSide,
    BinanceOrderType,
    BinanceTimeInForce,
)
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.adapters.binance.spot.http.account import BinanceSpotAccountHttpAPI
from nautilus_trader.adapters.binance.spot.http.market import BinanceSpotMarketHttpAPI
from nautilus_trader.adapters.binance.spot.providers import BinanceSpotInstrumentProvider
from nautilus_trader.common.component import LiveClock

BASE, SECRET, *KEYS = sys.argv[1:]
SYMBOL = "BTCUSDT"
BUY, SELL = BinanceOrderSide.BUY, BinanceOrderSide.SELL


def limit(side: BinanceOrderSide, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    order = {"symbol": SYMBOL, "side": side, "order_type": BinanceOrderType.LIMIT}
    terms = {"time_in_force": BinanceTimeInForce.GTC, "quantity": quantity, "price": price}
    return order | terms | more


async def error_of(call: Any) -> list[Any]:
    try:
        return [f"none: {await call}"]
    except BinanceClientError as error:
        return [error.status, error.message]


async def main() -> dict[str, Any]:
    clock = LiveClock()
    connections = [BinanceHttpClient(clock, key, SECRET, BASE) for key in KEYS]
    buyer, seller = (BinanceSpotAccountHttpAPI(one, clock) for one in connections)
    market = BinanceSpotMarketHttpAPI(connections[0])
    provider = BinanceSpotInstrumentProvider(connections[0], clock)
    await provider.load_all_async()
    seen: dict[str, Any] = {"version": nautilus_trader.__version__}
    seen["instruments"] = {
        str(one.id): [str(one.price_increment), str(one.size_increment), str(one.taker_fee)]
        for one in provider.list_all()
    }
    seen["time"] = await market.request_server_time() > 0
    account = await buyer.query_spot_account_info()
    seen["balances"] = [one.asset for one in account.balances]

    placed = await seller.new_order(**limit(SELL, "0.5", "20000", new_client_order_id="mine"))
    seen["placed"] = [placed.status.value, placed.clientOrderId]
    found = await seller.query_order(SYMBOL, orig_client_order_id="mine")
    seen["found"] = [found.orderId == placed.orderId, found.origQty, found.executedQty]
    seen["open"] = [one.clientOrderId for one in await seller.query_open_orders(SYMBOL)]
    depth = await market.query_depth(SYMBOL, limit=5)
    seen["depth"] = [depth.bids, depth.asks]
    bought = await buyer.new_order(**limit(BUY, "0.1", "20000"))
    seen["bought"] = [bought.status.value, bought.executedQty]
    market_order = {"order_type": BinanceOrderType.MARKET, "quantity": "0.1"}
    swept = await buyer.new_order(symbol=SYMBOL, side=BUY, **market_order)
    seen["market"] = [swept.status.value, swept.executedQty]
    stop = await seller.new_order(
        **limit(SELL, "0.1", "18900", stop_price="19000")
        | {"order_type": BinanceOrderType.STOP_LOSS_LIMIT}
    )
    cancelled = await seller.cancel_order(SYMBOL, order_id=stop.orderId)
    seen["stop"] = [stop.status and stop.status.value, cancelled.status.value]
    await seller.cancel_all_open_orders(SYMBOL)
    seen["left"] = len(await seller.query_open_orders(SYMBOL))
    seen["orders"] = [one.status.value for one in await seller.query_all_orders(SYMBOL)]
    trades = await buyer.query_user_trades(SYMBOL)
    seen["own trades"] = [[one.qty, one.commissionAsset, one.isMaker] for one in trades]
    seen["trades"] = [one.qty for one in await market.query_trades(SYMBOL)]
    seen["aggregates"] = [one.q for one in await market.query_agg_trades(SYMBOL)]
    # Of months, so that a session is in one.
    candles = await market.query_klines(SYMBOL, BinanceKlineInterval.MONTH_1)
    seen["candles"] = [[one.open, one.close, one.volume, one.trades_count] for one in candles]
    seen["tickers"] = [one.symbol for one in await market.query_ticker_book()]
    limits = await buyer.query_spot_order_rate_limit()
    seen["limits"] = [one.interval.value for one in limits]

    seen["unknown"] = await error_of(buyer.query_order(SYMBOL, orig_client_order_id="nobodys"))
    seen["too little"] = await error_of(buyer.new_order(**limit(BUY, "0.00000001", "1")))
    seen["too much"] = await error_of(buyer.new_order(**limit(BUY, "900", "20000")))
    wrong = BinanceSpotAccountHttpAPI(BinanceHttpClient(clock, KEYS[0], "x" * 64, BASE), clock)
    seen["wrong secret"] = await error_of(wrong.query_spot_account_info())
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main()), default=str))
