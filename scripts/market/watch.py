"""Watch a market live: its book, its trades, and one's own orders, over the real WebSocket.

In a terminal it draws ten times a second; elsewhere it prints a line for each trade, and with
`--json` each message that is in step. Ends with Ctrl-C, or after `--seconds`.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from requests import ConnectionError as CannotConnect
from rich.console import Console
from rich.live import Live

from scripts.client import OUTPUTS, ApiError, Client, Deployment, Json, ToolError, Visitor
from scripts.market.connection import Connection
from scripts.market.screen import MarketView, draw

DRAWN_EVERY_S = 0.1
EXAMPLES = """examples:
  make watch MARKET=BTC-USDT
  make watch MARKET=BTC-EUR TENANT=aurora
  make watch MARKET=BTC-USDT ARGS=--public
  make watch MARKET=BTC-USDT AS=bob@demo.example ARGS="--json --seconds 10"
"""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="watch",
        description="Watch a market of the running exchange live.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("market", help="such as BTC-USDT")
    parser.add_argument("--tenant", default="", help="its name (default: the first)")
    parser.add_argument("--user", help="e-mail of a demo user (default: the first)")
    parser.add_argument("--public", action="store_true", help="without signing in: no own orders")
    parser.add_argument("--levels", type=int, choices=range(1, 51), default=10, metavar="1..50")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print each message as one line")
    return parser.parse_args(arguments)


class Watching:
    """A connection in a thread of its own, and what it has brought so far."""

    def __init__(
        self,
        sign_in: Callable[[], Client | Visitor],
        view: MarketView,
        *,
        as_json: bool,
        is_public: bool = False,
    ) -> None:
        self.view = view
        self.lock = threading.Lock()
        self.error: ToolError | None = None
        self._as_json = as_json
        channels = [f"book:{view.market}", f"trades:{view.market}"]
        if not is_public:
            channels += ["orders", "balances"]
        self._connection = Connection(sign_in, channels, self._apply, self._say)
        self._thread = threading.Thread(target=self._run, name="connection", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection."""
        self._connection.stop()
        self._thread.join(timeout=5)

    def is_over(self) -> bool:
        """Return whether the connection has given up."""
        return not self._thread.is_alive()

    def look(self) -> MarketView:
        """Return what is known, with how the connection stands; call it with the lock held."""
        self.view.is_in_step = self._connection.is_in_step()
        self.view.resets = sum(one.resets for one in self._connection.followers.values())
        return self.view

    def _run(self) -> None:
        try:
            self._connection.run()
        except ToolError as error:
            self.error = error
        except CannotConnect:
            self.error = ToolError("The exchange does not respond any more: `make status`.")

    def _apply(self, channel: str, message: Json) -> None:
        with self.lock:
            known = {one.trade_id for one in self.view.tape.prints}
            self.view.apply(channel, message)
        if self._as_json:
            self._print(json.dumps(message))
        elif not sys.stdout.isatty() and channel.startswith("trades:"):
            for one in self.view.tape.prints:
                if one.trade_id not in known:
                    self._print(f"{one.time_ms} {one.side} {one.quantity} at {one.price}")

    def _print(self, line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            # Nobody reads any more, as in `make watch | head`; nothing is left to be flushed.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._connection.stop()

    def _say(self, sentence: str) -> None:
        with self.lock:
            self.view.said = sentence


def watch(arguments: argparse.Namespace) -> None:
    """Watch until it is over; raises `ToolError`."""
    deployment = Deployment.read(arguments.outputs, arguments.tenant)
    is_public = arguments.public
    user = deployment.user(arguments.user)

    def sign_in() -> Client | Visitor:
        return Visitor(deployment) if is_public else Client(deployment, user)

    view = MarketView(arguments.market, "not signed in" if is_public else user.email)
    watching = Watching(sign_in, view, as_json=arguments.json, is_public=is_public)
    console = Console()
    end = time.monotonic() + (arguments.seconds or float("inf"))
    watching.start()
    try:
        if arguments.json or not console.is_terminal:
            while time.monotonic() < end and not watching.is_over():
                time.sleep(DRAWN_EVERY_S)
        else:
            _draw_until(watching, console, end, arguments.levels)
    finally:
        watching.stop()
    if watching.error is not None:
        raise watching.error


def _draw_until(watching: Watching, console: Console, end: float, levels: int) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while time.monotonic() < end and not watching.is_over():
            with watching.lock:
                drawn = draw(watching.look(), levels, time.time_ns() // 1_000_000)
            live.update(drawn, refresh=True)
            time.sleep(DRAWN_EVERY_S)


def main() -> int:
    """Run the tool; returns the exit status."""
    arguments = parse_arguments(sys.argv[1:])
    try:
        watch(arguments)
    except (ToolError, ApiError) as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
