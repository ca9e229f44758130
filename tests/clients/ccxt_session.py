"""What ccxt sees of the exchange; run in ccxt's own environment.

ccxt_session.py <base URL> <secret> <key that has USDT> <key that has BTC>
"""

import asyncio
import json
import sys
from typing import Any

import ccxt
import ccxt.async_support as ccxt_async

BASE, SECRET, *KEYS = sys.argv[1:]
SYMBOL = "BTC/USDT"


def connect(key: str, secret: str = SECRET, module: Any = ccxt) -> Any:
    return module.binance(
        {
            "apiKey": key,
            "secret": secret,
            "enableRateLimit": False,
            "urls": {
                "api": {
                    "public": f"{BASE}/api/v3",
                    "private": f"{BASE}/api/v3",
                    "v1": f"{BASE}/api/v1",
                    "sapi": f"{BASE}/sapi/v1",
                }
            },
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
        }
    )


def error_of(call: Any, *arguments: Any, **more: Any) -> str:
    try:
        return f"none: {call(*arguments, **more)}"
    except ccxt.BaseError as error:
        return type(error).__name__


def main() -> dict[str, Any]:
    buyer, seller = map(connect, KEYS)
    seen: dict[str, Any] = {"version": ccxt.__version__}
    markets = buyer.load_markets()
    market = markets[SYMBOL]
    seen["market"] = {
        "active": market["active"],
        "precision": market["precision"],
        "limits": market["limits"]["cost"]["min"],
        "taker": market["taker"],
    }
    seller.load_markets()
    seen["currencies"] = sorted(set(buyer.currencies) & {"BTC", "USDT", "IDR"})
    seen["time"] = buyer.fetch_time() > 0
    seen["status"] = buyer.fetch_status()["status"]
    seen["free"] = buyer.fetch_balance()["USDT"]["free"]
    order = seller.create_order(SYMBOL, "limit", "sell", 0.5, 20000)
    seen["placed"] = [order["status"], order["type"], order["amount"], order["price"]]
    seen["book"] = buyer.fetch_order_book(SYMBOL, 5)["asks"]
    bought = buyer.create_order(SYMBOL, "limit", "buy", 0.2, 20000)
    seen["bought"] = [bought["status"], bought["filled"], bought["average"], bought["fee"]]
    market_order = buyer.create_order(SYMBOL, "market", "buy", None, None, {"quoteOrderQty": 1000})
    seen["market order"] = [market_order["status"], market_order["filled"], market_order["cost"]]
    found = seller.fetch_order(order["id"], SYMBOL)
    seen["fetched"] = [found["status"], found["filled"], found["remaining"]]
    edited = seller.edit_order(order["id"], SYMBOL, "limit", "sell", 0.1, 21000)
    seen["edited"] = [edited["status"], edited["price"], edited["id"] != order["id"]]
    seen["open"] = [one["id"] == edited["id"] for one in seller.fetch_open_orders(SYMBOL)]
    cancelled = seller.cancel_order(edited["id"], SYMBOL)
    seen["cancelled"] = cancelled["status"]
    resting = buyer.create_order(SYMBOL, "limit", "buy", 1, 100, {"postOnly": True})
    stop = buyer.create_order(SYMBOL, "limit", "buy", 1, 31000, {"stopPrice": 30000})
    seen["best"] = buyer.fetch_bids_asks([SYMBOL])[SYMBOL]["bid"]
    seen["post only"] = resting["postOnly"]
    seen["stop"] = [stop["id"] != resting["id"]]
    seen["all cancelled"] = len(buyer.cancel_all_orders(SYMBOL))
    seen["orders"] = [one["status"] for one in buyer.fetch_orders(SYMBOL)]
    seen["closed"] = len(buyer.fetch_closed_orders(SYMBOL))
    trades = buyer.fetch_my_trades(SYMBOL)
    seen["my trades"] = [
        [one["amount"], one["takerOrMaker"], one["fee"]["currency"]] for one in trades
    ]
    seen["trades"] = [[one["amount"], one["side"]] for one in buyer.fetch_trades(SYMBOL)]
    # Of months, so that a session is in one.
    seen["candles"] = [one[1:] for one in buyer.fetch_ohlcv(SYMBOL, "1M")]
    seen["candles since"] = len(buyer.fetch_ohlcv(SYMBOL, "1M", since=0, limit=1))
    more = {"fetchTradesMethod": "publicGetHistoricalTrades"}
    seen["old trades"] = [one["amount"] for one in buyer.fetch_trades(SYMBOL, params=more)]
    ticker = buyer.fetch_ticker(SYMBOL)
    seen["ticker"] = [ticker["last"], ticker["baseVolume"]]
    seen["tickers"] = sorted(buyer.fetch_tickers())
    fee = buyer.fetch_trading_fee(SYMBOL)
    seen["fee"] = [fee["maker"], fee["taker"]]
    seen["fees"] = len(buyer.fetch_trading_fees())
    seen["asynchronous"] = asyncio.run(by_coroutines())
    seen["pair"] = pair(seller)
    seen["errors"] = {
        "too much": error_of(buyer.create_order, SYMBOL, "limit", "buy", 1_000, 30000),
        "would take": _would_take(buyer, seller),
        "unknown order": error_of(buyer.fetch_order, "12", SYMBOL),
        "cancel of none": error_of(buyer.cancel_order, "12", SYMBOL),
        "wrong secret": error_of(connect(KEYS[0], "x" * 64).fetch_balance),
        "no key of ours": error_of(connect("abc").fetch_balance),
        "bad symbol": error_of(buyer.public_get_depth, {"symbol": "XYZUSDT"}),
        "late": error_of(buyer.private_get_account, {"timestamp": 1_600_000_000_000}),
        "too little": error_of(buyer.private_post_order, _small()),
        "off tick": error_of(buyer.private_post_order, _small() | {"price": "1.001"}),
        "seconds": error_of(buyer.fetch_ohlcv, SYMBOL, "1s"),
    }
    return seen


def pair(seller: Any) -> list[Any]:
    """Return what is seen of a pair by the older form: ccxt has its paths, and no call of it."""
    wanted = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "price": "40000"}
    placed = seller.private_post_order_oco(wanted | {"stopPrice": "15000"})
    named = {"orderListId": placed["orderListId"]}
    (waiting,) = seller.private_get_openorderlist()
    orders = [order["info"]["orderListId"] for order in seller.fetch_open_orders(SYMBOL)]
    cancelled = seller.private_delete_orderlist(named | {"symbol": "BTCUSDT"})
    every = [one["orderListId"] for one in seller.private_get_allorderlist()]
    return [
        waiting["contingencyType"],
        [number == placed["orderListId"] for number in orders],
        cancelled["listStatusType"],
        [number == placed["orderListId"] for number in every],
    ]


async def by_coroutines() -> list[Any]:
    """Return what the asynchronous half sees; two of its questions are in flight at once."""
    client = connect(KEYS[0], module=ccxt_async)
    try:
        await client.load_markets()
        placed = await client.create_order(SYMBOL, "limit", "buy", 0.1, 100)
        balance, book = await asyncio.gather(
            client.fetch_balance(), client.fetch_order_book(SYMBOL, 5)
        )
        cancelled = await client.cancel_order(placed["id"], SYMBOL)
        return [placed["status"], balance["USDT"]["used"], book["symbol"], cancelled["status"]]
    finally:
        await client.close()


def _would_take(buyer: Any, seller: Any) -> str:
    seller.create_order(SYMBOL, "limit", "sell", 0.1, 22000)
    more = {"postOnly": True}
    return error_of(buyer.create_order, SYMBOL, "limit", "buy", 0.1, 23000, more)


def _small() -> dict[str, str]:
    return {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.00000001",
        "price": "100",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()))
