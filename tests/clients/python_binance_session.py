"""What python-binance sees of the exchange; run in its own environment, as ccxt_session.py is."""

import json
import sys
from typing import Any

import binance
from binance.client import Client
from binance.exceptions import BinanceAPIException

BASE, SECRET, *KEYS = sys.argv[1:]
SYMBOL = "BTCUSDT"


def connect(key: str) -> Client:
    client = Client(key, SECRET, ping=False)
    client.API_URL, client.MARGIN_API_URL = f"{BASE}/api", f"{BASE}/sapi"
    return client


def error_of(call: Any, *arguments: Any, **more: Any) -> list[Any]:
    try:
        return [f"none: {call(*arguments, **more)}"]
    except BinanceAPIException as error:
        return [error.status_code, error.code, error.message]


def main() -> dict[str, Any]:
    buyer, seller = map(connect, KEYS)
    seen: dict[str, Any] = {"version": binance.__version__, "ping": buyer.ping()}
    seen["symbol"] = buyer.get_symbol_info(SYMBOL)["status"]
    seen["balance"] = buyer.get_asset_balance("USDT")["free"]
    placed = seller.order_limit_sell(symbol=SYMBOL, quantity="0.5", price="20000")
    seen["placed"] = placed["status"]
    bought = buyer.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="20000")
    seen["bought"] = [bought["status"], bought["cummulativeQuoteQty"]]
    spent = buyer.order_market_buy(symbol=SYMBOL, quoteOrderQty="1000")
    seen["market"] = [spent["status"], spent["executedQty"]]
    seen["test"] = buyer.create_test_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="20000"
    )
    seen["book"] = buyer.get_order_book(symbol=SYMBOL, limit=5)["asks"]
    seen["best"] = buyer.get_orderbook_ticker(symbol=SYMBOL)["askQty"]
    found = seller.get_order(symbol=SYMBOL, orderId=placed["orderId"])
    seen["found"] = found["status"]
    seen["open"] = len(seller.get_open_orders())
    cancelled = seller.cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
    seen["cancelled"] = [cancelled["status"], cancelled["executedQty"]]
    seen["orders"] = [one["status"] for one in seller.get_all_orders(symbol=SYMBOL)]
    seen["trades"] = [one["qty"] for one in buyer.get_my_trades(symbol=SYMBOL)]
    seen["recent"] = [one["qty"] for one in buyer.get_recent_trades(symbol=SYMBOL)]
    # Of months, so that a session is in one.
    candles = buyer.get_klines(symbol=SYMBOL, interval="1M")
    seen["candles"] = [one[1:6] + one[7:] for one in candles]
    seen["all candles"] = buyer.get_historical_klines(SYMBOL, "1M", 0) == candles
    old = buyer.get_historical_trades(symbol=SYMBOL, limit=5)
    seen["old trades"] = [one["qty"] for one in old]
    seen["later trades"] = [
        one["qty"] for one in buyer.get_historical_trades(symbol=SYMBOL, fromId=old[-1]["id"])
    ]
    seen["ticker"] = buyer.get_ticker(symbol=SYMBOL)["lastPrice"]
    seen["fee"] = buyer.get_trade_fee(symbol=SYMBOL)[0]["takerCommission"]
    seen["system"] = buyer.get_system_status()["msg"]
    seen["pair"] = pair(seller)
    seen["errors"] = {
        "too much": error_of(buyer.order_limit_buy, symbol=SYMBOL, quantity="1000", price="20000"),
        "off lot": error_of(buyer.order_limit_buy, symbol=SYMBOL, quantity="1e-9", price="20000"),
        "unknown": error_of(buyer.cancel_order, symbol=SYMBOL, orderId=12),
        "seconds": error_of(buyer.get_klines, symbol=SYMBOL, interval="1s"),
    }
    return seen


def pair(seller: Client) -> list[Any]:
    """Return what is seen of a pair, which this client always names."""
    placed = seller.create_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.1",
        aboveType="LIMIT_MAKER",
        abovePrice="22000",
        belowType="STOP_LOSS",
        belowStopPrice="18000",
    )
    found = seller.v3_get_order_list(origClientOrderId=placed["listClientOrderId"])
    cancelled = seller.v3_delete_order_list(symbol=SYMBOL, orderListId=placed["orderListId"])
    every = [one["listOrderStatus"] for one in seller.v3_get_all_order_list()]
    return [found["listOrderStatus"], [one["status"] for one in cancelled["orderReports"]], every]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()))
