"""`python -m scripts.local` and a command: the exchange on this machine."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable

from rich.markup import escape

from scripts.local import caller, demo, emulator, interruptions, private, summary
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.exchange import LocalExchange
from scripts.local.follow import follow
from scripts.local.progress import Progress
from scripts.local.terminal import Terminal
from scripts.local.watch import Watch

EXIT_INTERRUPTED = 130


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts.local", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    command = _COMMANDS[parser.parse_args().command]
    # A shell reads what some print; people read everything else.
    console = Terminal(sys.stderr if command in _FOR_A_SHELL else sys.stdout)
    os.umask(private.UMASK)
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


def _up(_: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    outputs = exchange.up()
    exchange.let_live()
    summary.show(console, outputs)
    console.print("`make down` ends it.")
    return 0


def _down(_: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    ran = exchange.down()
    console.print("The exchange has ended." if ran else "No exchange was running here.")
    return 0


def _reset(local: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    exchange.down()
    emulator.forget_state(local)
    console.print("The exchange has ended and its data is gone; the next start begins empty.")
    return 0


def _sign_in(local: LocalEnvironment, _: Terminal, exchange: LocalExchange) -> int:
    outputs = exchange.outputs()
    tenant, user = demo.find_user(outputs, os.environ.get("TENANT", ""), os.environ.get("AS", ""))
    return _say_variables(outputs, tenant, demo.sign_in(local, tenant, user))


def _sign_up(local: LocalEnvironment, _: Terminal, exchange: LocalExchange) -> int:
    outputs = exchange.outputs()
    tenant, _known = demo.find_user(outputs, os.environ.get("TENANT", ""), "")
    return _say_variables(outputs, tenant, demo.sign_in(local, tenant, demo.sign_up(local, tenant)))


def _api_key(_: LocalEnvironment, __: Terminal, exchange: LocalExchange) -> int:
    rest_url = exchange.outputs()["rest_url"]
    key, secret = caller.make_api_key(caller.caller_of(rest_url, os.environ))
    print(f"export BURSA_URL={rest_url} BURSA_KEY={key} BURSA_SECRET={secret}")
    return 0


def _play_money(local: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    known = caller.caller_of(exchange.outputs()["rest_url"], os.environ)
    console.print(f"{caller.give_play_money(local, known)} has play money.", highlight=False)
    return 0


def _say_variables(outputs: demo.Json, tenant: demo.Json, token: str) -> int:
    print(
        f"export REST={outputs['rest_url']} WS={outputs['ws_url']} X_TENANT={tenant['id']} "
        f"PUBLIC_WS={tenant['public_websocket_url']} TOKEN={token}"
    )
    return 0


def _status(_: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    running = [f"{process.name} {process.pid}" for process in exchange.running()]
    if exchange.is_in_transition():
        raise LocalError(
            f"A command is starting or ending the exchange; {_listed(running)} at the moment."
        )
    try:
        outputs = exchange.outputs()
    except LocalError:
        if running:
            raise LocalError(
                f"The exchange is not whole, but {_listed(running)}: the command that started or"
                " ended it was cut off. `make down` ends the rest, `make up` mends it."
            ) from None
        raise
    if not running:
        raise LocalError("The exchange ended unexpectedly; `make up` starts it again.")
    summary.show(console, outputs)
    missing = exchange.missing()
    if missing:
        raise LocalError(f"{' and '.join(missing)} ended unexpectedly; `make up` starts it again.")
    return 0


def _listed(running: list[str]) -> str:
    return f"{', '.join(running)} still run" if running else "nothing runs"


def _run(local: LocalEnvironment, console: Terminal, exchange: LocalExchange) -> int:
    if exchange.is_whole():
        raise LocalError("The exchange is running already; `make down` ends it.")
    watch = Watch(console, exchange, console.is_gone)
    try:
        summary.show(console, exchange.up())
        console.print("Ctrl-C ends everything. The log:\n", style="bold")
        names = [process.name for process in exchange.processes()]
        logs = {name: local.logs / f"{name}.log" for name in names}
        with contextlib.suppress(KeyboardInterrupt):
            follow(console, logs, watch)
    finally:
        # A second Ctrl-C must not cut the saving of the state short.
        with interruptions.held_back():
            exchange.down()
    console.print("The exchange has ended.")
    return 0


_COMMANDS: dict[str, Callable[[LocalEnvironment, Terminal, LocalExchange], int]] = {
    "up": _up,
    "down": _down,
    "reset": _reset,
    "sign-in": _sign_in,
    "sign-up": _sign_up,
    "api-key": _api_key,
    "play-money": _play_money,
    "run": _run,
    "status": _status,
}

_FOR_A_SHELL = (_sign_in, _sign_up, _api_key)

if __name__ == "__main__":
    sys.exit(main())
