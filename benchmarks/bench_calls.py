"""How long each call of both dialects takes, on the running exchange.

    make bench-calls [ARGS="--rounds 300 --json"]

One client makes each call once a round, one after the other, on connections that it keeps: native
calls with a user's token, Binance's with an API key. Orders are far from the market and are gone at
the end of their round. The clock starts before a request leaves and stops when its response has
been read. A call that is refused for its rate is made again after the wait that the response names,
and only then counted; any other refusal ends the run.
"""

import argparse
import hmac
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

import requests
from rich.console import Console
from rich.progress import track
from rich.table import Table

from scripts.client import OUTPUTS, TIMEOUT_S, ApiError, Client, Deployment, Json, ToolError

MARKET, SYMBOL = "BTC-USDT", "BTCUSDT"
FAR_PRICE, OTHER_PRICE = "1.00", "1.01"
QUANTITY, LESS = "20", "19"
_OK = 300
_WAIT = {418, 429}


class Calls:
    """Makes calls, and keeps how long each took."""

    def __init__(self, native: Client, binance_url: str, key: str, secret: str) -> None:
        self._native = native
        self._session = requests.Session()
        self._session.headers["X-MBX-APIKEY"] = key
        self._binance_url = binance_url
        self._secret = secret
        self.waits = 0
        self.taken: dict[str, list[float]] = defaultdict(list)

    def native(self, name: str, method: str, path: str, **parts: Json) -> Json:
        """Make a native call; ``name`` is its row."""

        def send() -> requests.Response:
            return self._native.send(method, path, **parts)

        return self._timed(name, send)

    def binance(self, method: str, path: str, *, signed: bool = True, **parameters: Any) -> Json:  # noqa: ANN401 - any text
        """Make a call of the Binance dialect."""

        def send() -> requests.Response:
            query = urlencode(parameters)
            if signed:
                query = urlencode(parameters | {"timestamp": time.time_ns() // 1_000_000})
                signature = hmac.digest(self._secret.encode(), query.encode(), "sha256").hex()
                query += f"&signature={signature}"
            url = f"{self._binance_url}{path}?{query}"
            return self._session.request(method, url, timeout=TIMEOUT_S)

        return self._timed(f"{method} {path}", send)

    def _timed(self, name: str, send: Callable[[], requests.Response]) -> Json:
        while True:
            started = time.perf_counter()
            response = send()
            took = time.perf_counter() - started
            if response.status_code not in _WAIT:
                break
            self.waits += 1
            time.sleep(int(response.headers.get("Retry-After", 1)))
        if response.status_code >= _OK:
            raise ToolError(f"{name}: {response.status_code} {response.text[:200]}")
        self.taken[name].append(took)
        body: Json = response.json()
        return body


def native_round(calls: Calls) -> None:
    """Make each native call once."""
    for path in ("/health", "/tenant", "/markets"):
        calls.native(f"GET {path}", "GET", path)
    for part in ("", "/book", "/trades", "/ticker"):
        calls.native(f"GET /markets/{{market}}{part}", "GET", f"/markets/{MARKET}{part}")
    candles = f"/markets/{MARKET}/candles"
    calls.native(
        "GET /markets/{market}/candles", "GET", candles, params={"interval": "1m", "limit": 100}
    )
    for path in ("/me", "/balances", "/fees", "/orders", "/fills"):
        calls.native(f"GET {path}", "GET", path)
    order = {
        "market": MARKET,
        "side": "buy",
        "type": "limit",
        "price": FAR_PRICE,
        "quantity": QUANTITY,
    }
    calls.native("POST /orders, dry_run", "POST", "/orders", json=order | {"dry_run": True})
    placed = calls.native("POST /orders", "POST", "/orders", json=order)
    path = f"/orders/{placed['order_id']}"
    calls.native("GET /orders/{order_id}", "GET", path)
    calls.native("PATCH /orders/{order_id}", "PATCH", path, json={"quantity": LESS})
    replaced = calls.native(
        "POST /orders/{order_id}/replace",
        "POST",
        f"{path}/replace",
        json={"price": OTHER_PRICE, "quantity": QUANTITY},
    )
    other = f"/orders/{replaced['order_id']}"
    calls.native("DELETE /orders/{order_id}", "DELETE", other)
    calls.native("DELETE /orders", "DELETE", "/orders", params={"market": MARKET})


def binance_round(calls: Calls) -> None:
    """Make each call of the Binance dialect once."""
    for path in ("ping", "time", "exchangeInfo"):
        calls.binance("GET", f"/api/v3/{path}", signed=False)
    of_symbol = ("depth", "trades", "aggTrades", "avgPrice", "ticker/24hr", "ticker/price")
    for path in (*of_symbol, "ticker/bookTicker"):
        calls.binance("GET", f"/api/v3/{path}", signed=False, symbol=SYMBOL)
    calls.binance("GET", "/api/v3/klines", signed=False, symbol=SYMBOL, interval="1m", limit=100)
    for path in ("account", "rateLimit/order"):
        calls.binance("GET", f"/api/v3/{path}")
    for path in ("openOrders", "allOrders", "myTrades", "account/commission"):
        calls.binance("GET", f"/api/v3/{path}", symbol=SYMBOL)
    order: Json = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": FAR_PRICE,
        "quantity": QUANTITY,
    }
    calls.binance("POST", "/api/v3/order/test", **order)
    placed = {
        "symbol": SYMBOL,
        "orderId": calls.binance("POST", "/api/v3/order", **order)["orderId"],
    }
    calls.binance("GET", "/api/v3/order", **placed)
    calls.binance("PUT", "/api/v3/order/amend/keepPriority", **placed, newQty=LESS)
    replace = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
    replaced = calls.binance("POST", "/api/v3/order/cancelReplace", **order, **replace)
    number = replaced["newOrderResponse"]["orderId"]
    calls.binance("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=number)


def summary(seconds: list[float]) -> Json:
    """Return the extremes, quartiles, the median and the 99th percentile in milliseconds."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    found = {
        "min": min(seconds),
        "p25": cuts[24],
        "p50": cuts[49],
        "p75": cuts[74],
        "p99": cuts[98],
        "max": max(seconds),
    }
    return {name: round(value * 1_000, 1) for name, value in found.items()}


def measure(outputs: Path, rounds: int, console: Console) -> Json:
    """Return what each call took."""
    deployment = Deployment.read(outputs)
    made = json.loads(outputs.read_text())
    known = made["tenants"][0]
    key = known["users"][0]
    calls = Calls(
        Client(deployment, deployment.user()),
        known["binance_url"],
        key["api_key"],
        key["api_secret"],
    )
    rounds_of: tuple[Callable[[Calls], None], ...] = (native_round, binance_round)
    # The first starts the functions.
    for one in rounds_of:
        one(calls)
    calls.taken.clear()
    for one in rounds_of:
        for _ in track(range(rounds), one.__name__, console=console):
            one(calls)
    return {
        "rounds": rounds,
        "waits": calls.waits,
        "calls": {name: summary(seconds) for name, seconds in calls.taken.items()},
    }


def main() -> int:
    """Run the benchmark; 1 with one sentence when it can't."""
    parser = argparse.ArgumentParser(prog="bench-calls", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        found = measure(arguments.outputs, arguments.rounds, console)
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    if arguments.json:
        print(json.dumps(found))
        return 0
    title = f"{found['rounds']} rounds, {found['waits']} waits for budgets"
    columns = ("min", "p25", "p50", "p75", "p99", "max")
    table = Table("ms", *columns, title=title)
    for name, figures in found["calls"].items():
        table.add_row(name, *(str(figures[column]) for column in columns))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
