"""`python -m scripts.local up|down|run|reset|status|sign-in`: the exchange on this machine."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from scripts.local import demo, emulator, interruptions, summary
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.exchange import LocalExchange
from scripts.local.follow import follow
from scripts.local.progress import Progress

EXIT_INTERRUPTED = 130


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts.local", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    command = _COMMANDS[parser.parse_args().command]
    # A shell reads what `sign-in` prints; people read everything else.
    console = Console(soft_wrap=True, stderr=command is _sign_in)
    interruptions.become_exceptions()
    try:
        local = LocalEnvironment.read()
        return command(local, console, LocalExchange(local, Progress(console)))
    except LocalError as error:
        console.print(f"[red]✗[/red] {escape(str(error))}", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has ended.")
        return EXIT_INTERRUPTED


def _up(_: LocalEnvironment, console: Console, exchange: LocalExchange) -> int:
    summary.show(console, exchange.up())
    console.print("`make down` ends it.")
    return 0


def _down(_: LocalEnvironment, console: Console, exchange: LocalExchange) -> int:
    ran = exchange.down()
    console.print("The exchange has ended." if ran else "No exchange was running here.")
    return 0


def _reset(local: LocalEnvironment, console: Console, exchange: LocalExchange) -> int:
    exchange.down()
    emulator.forget_state(local)
    console.print("The exchange has ended and its data is gone; the next start begins empty.")
    return 0


def _sign_in(local: LocalEnvironment, _: Console, exchange: LocalExchange) -> int:
    outputs = exchange.outputs()
    wanted = os.environ.get("AS", "alice")
    for user in outputs["users"]:
        if user["email"].startswith(wanted):
            token = demo.sign_in(local, outputs, user)
            print(f"export REST={outputs['rest_url']} WS={outputs['ws_url']} TOKEN={token}")
            return 0
    raise LocalError(f"There is no demo user {wanted}; use AS=alice or AS=bob.")


def _status(_: LocalEnvironment, console: Console, exchange: LocalExchange) -> int:
    summary.show(console, exchange.outputs())
    missing = exchange.missing()
    if missing:
        raise LocalError(f"{' and '.join(missing)} ended unexpectedly; `make up` starts it again.")
    return 0


def _run(local: LocalEnvironment, console: Console, exchange: LocalExchange) -> int:
    if exchange.is_whole():
        raise LocalError("The exchange is running already; `make down` ends it.")
    try:
        summary.show(console, exchange.up())
        console.print("Ctrl-C ends everything. The log:\n", style="bold")
        names = [process.name for process in exchange.processes()]
        logs = {name: local.logs / f"{name}.log" for name in names}
        with contextlib.suppress(KeyboardInterrupt):
            follow(console, logs, lambda: _watch(console, exchange))
    finally:
        # A second Ctrl-C must not cut the saving of the state short.
        with interruptions.held_back():
            exchange.down()
    console.print("The exchange has ended.")
    return 0


def _watch(console: Console, exchange: LocalExchange) -> None:
    """Restart a worker when it ends, as systemd does on EC2; give up when the emulator ends."""
    missing = exchange.missing()
    if emulator.NAME in missing:
        raise LocalError("MiniStack ended unexpectedly; what it had not saved is gone.")
    if missing:
        names = " and ".join(missing)
        console.print(f"{names} ended unexpectedly; starting again.", style="yellow")
        exchange.restart_workers()


_COMMANDS: dict[str, Callable[[LocalEnvironment, Console, LocalExchange], int]] = {
    "up": _up,
    "down": _down,
    "reset": _reset,
    "sign-in": _sign_in,
    "run": _run,
    "status": _status,
}

if __name__ == "__main__":
    sys.exit(main())
