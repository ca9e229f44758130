"""What freqtrade does on the exchange, by itself, while another account moves the price.

Run in freqtrade's own environment: freqtrade_session.py <base URL> <secret> <key that has USDT>
<key that has BTC>. The first is the bot's; the second quotes both sides and lets the price rise
and fall. At the end the bot's own database is compared with the fills of its account.
"""

import json
import logging
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import freqtrade

BASE, SECRET, BOT, MAKER = sys.argv[1:]
SYMBOL = "BTC/USDT"
PRICE = 20_000
# The bot is ended once it has bought and sold so often, or after so long.
CYCLES = 2
TRADING_S = 420
STRATEGY = """
from freqtrade.strategy import IStrategy


class Cycle(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 0
    process_only_new_candles = False
    minimal_roi = {"0": 0.01}
    stoploss = -0.02
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_long"] = 0
        return dataframe
"""


def ccxt_settings() -> dict[str, Any]:
    return {
        "urls": {
            "api": {
                "public": f"{BASE}/api/v3",
                "private": f"{BASE}/api/v3",
                "v1": f"{BASE}/api/v1",
                "sapi": f"{BASE}/sapi/v1",
            }
        },
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
    }


def connect(key: str) -> Any:
    return ccxt.binance(
        ccxt_settings() | {"apiKey": key, "secret": SECRET, "enableRateLimit": False}
    )


def config(folder: Path) -> Path:
    """Write the bot's configuration and strategy; return the former."""
    (folder / "cycle.py").write_text(STRATEGY)
    path = folder / "config.json"
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    settings = {
        "initial_state": "running",
        "dry_run": False,
        "trading_mode": "spot",
        "stake_currency": "USDT",
        "stake_amount": 2_000,
        "max_open_trades": 1,
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "unfilledtimeout": {"entry": 1, "exit": 1, "unit": "minutes"},
        "cancel_open_orders_on_exit": True,
        "internals": {"process_throttle_secs": 1},
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": {
            "name": "binance",
            "key": BOT,
            "secret": SECRET,
            "enable_ws": False,
            "ccxt_config": ccxt_settings(),
            "pair_whitelist": [SYMBOL],
        },
    }
    path.write_text(json.dumps(settings))
    return path


class Market:
    """Quotes both sides around a price that rises and falls."""

    def __init__(self) -> None:
        self._maker = connect(MAKER)
        self._maker.load_markets()

    def quote(self, price: float) -> None:
        with suppress(ccxt.OrderNotFound):
            self._maker.cancel_all_orders(SYMBOL)
        self._maker.create_order(SYMBOL, "limit", "sell", 1, round(price + 2, 2))
        usdt = self._maker.fetch_balance()["USDT"]["free"]
        if usdt > price / 100:
            amount = min(1, int(usdt / price * 1_000) / 1_000)
            self._maker.create_order(SYMBOL, "limit", "buy", amount, round(price - 2, 2))

    def trade_until_a_candle_has_ended(self) -> None:
        """Let the bot's account buy a little, and wait until the next minute has begun."""
        self.quote(PRICE)
        connect(BOT).create_order(SYMBOL, "market", "buy", 0.5)
        time.sleep(61 - time.time() % 60)

    def move(self, step: int) -> None:
        """Up by six in a hundred and down again, in two dozen steps."""
        place = step % 24
        self.quote(PRICE * (1 + 0.005 * min(place, 24 - place)))


def closed(database: Path) -> int:
    """Return how many trades, as the bot calls a purchase and its sale, it has done."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM trades WHERE NOT is_open"
            ).fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(count)


def orders_of(database: Path) -> dict[str, tuple[Decimal, Decimal]]:
    """Return what was filled of each order, and for how much, by the bot's own database."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT order_id, filled, average FROM orders WHERE filled > 0")
        return {
            number: (Decimal(str(filled)), Decimal(str(average)))
            for number, filled, average in rows
        }


def fills_of(trades: list[dict[str, Any]]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return the same by the account's fills."""
    found: dict[str, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for one in trades:
        found[one["order"]].append((Decimal(one["info"]["qty"]), Decimal(one["info"]["price"])))
    return {
        number: (
            sum((quantity for quantity, _ in fills), Decimal(0)),
            sum((quantity * price for quantity, price in fills), Decimal(0))
            / sum((quantity for quantity, _ in fills), Decimal(0)),
        )
        for number, fills in found.items()
    }


def is_equal(one: dict[str, tuple[Decimal, Decimal]], other: Any) -> bool:
    """Return whether both have the same orders; the bot keeps binary fractions."""
    return one.keys() == other.keys() and all(
        abs(mine - its) < Decimal("1e-7")
        for number in one
        for mine, its in zip(one[number], other[number], strict=True)
    )


def main() -> dict[str, Any]:
    market = Market()
    market.trade_until_a_candle_has_ended()
    started_ms = connect(BOT).fetch_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database, log, output = (folder / name for name in ("trades.sqlite", "log", "output"))
        command = [
            *(sys.executable, "-m", "freqtrade", "trade"),
            *("--config", str(config(folder)), "--userdir", name),
            *("--strategy", "Cycle", "--strategy-path", name),
            *("--db-url", f"sqlite:///{database}", "--logfile", str(log)),
        ]
        with output.open("w") as file:
            bot = subprocess.Popen(  # noqa: S603 - freqtrade, as it is
                command, stdout=file, stderr=file
            )
        try:
            until = time.monotonic() + TRADING_S
            step = 0
            while time.monotonic() < until and bot.poll() is None and closed(database) < CYCLES:
                market.move(step)
                step += 1
                time.sleep(1)
        finally:
            # It takes this as Ctrl-C, which is ignored where a shell has started us behind it.
            bot.terminate()
            ended = bot.wait(60)
        logged = log.read_text() if log.exists() else output.read_text()
        own, cycles = orders_of(database), closed(database)
    bot_account = connect(BOT)
    trades = bot_account.fetch_my_trades(SYMBOL, since=started_ms)
    sys.stderr.write(logged)
    return {
        "version": freqtrade.__version__,
        "ended": ended,
        "bought and sold": cycles >= CYCLES,
        "sides": sorted({one["side"] for one in trades}),
        "its database is what was filled": is_equal(own, fills_of(trades)),
        "open orders": len(bot_account.fetch_open_orders(SYMBOL)),
        "complaints": sorted(
            {line.split(" - ", 3)[-1] for line in logged.splitlines() if " ERROR - " in line}
        ),
    }


if __name__ == "__main__":
    logging.disable()
    sys.stdout.write(json.dumps(main()))
