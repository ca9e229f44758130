"""What binance-connector sees of the exchange; in its own environment, as ccxt_session.py is."""

import json
import sys
from typing import Any

from binance.__version__ import __version__ as version
from binance.error import ClientError
from binance.spot import Spot

BASE, SECRET, *KEYS = sys.argv[1:]
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "price": "20000"}


def error_of(call: Any, *arguments: Any, **more: Any) -> list[Any]:
    try:
        return [f"none: {call(*arguments, **more)}"]
    except ClientError as error:
        return [error.status_code, error.error_code, error.error_message]


def main() -> dict[str, Any]:
    buyer, seller = (Spot(api_key=key, api_secret=SECRET, base_url=BASE) for key in KEYS)
    seen: dict[str, Any] = {"version": version, "ping": buyer.ping()}
    seen["time"] = buyer.time()["serverTime"] > 0
    seen["symbols"] = [one["symbol"] for one in buyer.exchange_info()["symbols"]]
    seen["balances"] = [one["asset"] for one in buyer.account()["balances"]]
    placed = seller.new_order(side="SELL", quantity=0.5, newClientOrderId="mine", **LIMIT)
    seen["placed"] = [placed["status"], placed["clientOrderId"]]
    seen["test"] = buyer.new_order_test(side="BUY", quantity=0.5, **LIMIT)
    bought = buyer.new_order(side="BUY", quantity=0.1, **LIMIT)
    seen["bought"] = [bought["status"], len(bought["fills"])]
    seen["depth"] = buyer.depth("BTCUSDT", limit=5)["asks"]
    found = seller.get_order("BTCUSDT", origClientOrderId="mine")
    seen["found"] = [found["status"], found["executedQty"]]
    replaced = seller.cancel_and_replace(
        "BTCUSDT",
        "SELL",
        "LIMIT",
        "STOP_ON_FAILURE",
        cancelOrderId=placed["orderId"],
        timeInForce="GTC",
        quantity=0.2,
        price="21000",
    )
    seen["replaced"] = [replaced["cancelResult"], replaced["newOrderResult"]]
    number = replaced["newOrderResponse"]["orderId"]
    seen["open"] = [one["orderId"] == number for one in seller.get_open_orders("BTCUSDT")]
    seen["cancelled"] = seller.cancel_order("BTCUSDT", orderId=number)["status"]
    seller.new_order(side="SELL", quantity=0.1, **LIMIT)
    seen["all cancelled"] = len(seller.cancel_open_orders("BTCUSDT"))
    seen["orders"] = [one["status"] for one in seller.get_orders("BTCUSDT")]
    seen["trades"] = [one["qty"] for one in buyer.my_trades("BTCUSDT")]
    seen["tickers"] = len(buyer.ticker_24hr())
    seen["price"] = buyer.ticker_price("BTCUSDT")["price"]
    seen["average"] = buyer.avg_price("BTCUSDT")["price"]
    seen["aggregates"] = len(buyer.agg_trades("BTCUSDT"))
    # Of months, so that a session is in one.
    candles = buyer.klines("BTCUSDT", "1M")
    seen["candles"] = [one[1:6] + one[7:] for one in candles]
    seen["candles since"] = buyer.klines("BTCUSDT", "1M", startTime=0, limit=1) == candles
    seen["candles of pages"] = buyer.ui_klines("BTCUSDT", "1M") == candles
    seen["old trades"] = [one["qty"] for one in buyer.historical_trades("BTCUSDT")]
    seen["order counts"] = [one["limit"] for one in buyer.get_order_rate_limit()]
    seen["system"] = buyer.system_status()["msg"]
    seen["assets"] = [one["coin"] for one in buyer.coin_info()]
    seen["fees"] = len(buyer.trade_fee())
    seen["lists"] = lists(buyer, seller)
    seen["errors"] = {
        "too much": error_of(buyer.new_order, side="BUY", quantity=1_000, **LIMIT),
        "unknown": error_of(buyer.get_order, "BTCUSDT", orderId=12),
        "seconds": error_of(buyer.klines, "BTCUSDT", "1s"),
    }
    return seen


def lists(buyer: Any, seller: Any) -> dict[str, Any]:
    """Return what is seen of a pair and of an entry with one after it."""
    below = {"belowStopPrice": "18000", "belowPrice": "17900", "belowTimeInForce": "GTC"}
    types = {"aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS_LIMIT"}
    pair = seller.new_oco_order(
        "BTCUSDT", "SELL", 0.1, listClientOrderId="pair", abovePrice="22000", **types, **below
    )
    seen: dict[str, Any] = {"pair": [one["type"] for one in pair["orderReports"]]}
    found = seller.get_oco_order(origClientOrderId="pair")
    seen["found"] = found["orderListId"] == pair["orderListId"]
    seen["open"] = [one["listOrderStatus"] for one in seller.get_oco_open_orders()]
    cancelled = seller.cancel_oco_order("BTCUSDT", orderListId=pair["orderListId"])
    seen["cancelled"] = [one["status"] for one in cancelled["orderReports"]]
    seen["all"] = [one["listOrderStatus"] for one in seller.get_oco_orders()]
    entry = {"workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC"}
    entry |= {"workingPrice": "19000", "workingQuantity": "0.1"}
    after = {"pendingSide": "SELL", "pendingQuantity": "0.1"}
    after |= {"pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "22000"}
    after |= {"pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "18000"}
    bracket = buyer.new_otoco_order(symbol="BTCUSDT", **entry, **after)
    seen["bracket"] = [one["status"] for one in bracket["orderReports"]]
    number = bracket["orderListId"]
    seen["gone"] = buyer.cancel_oco_order("BTCUSDT", orderListId=number)["listOrderStatus"]
    seen["none"] = error_of(buyer.cancel_oco_order, "BTCUSDT", orderListId=number)
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()))
