"""The miniature exchange behind a real socket, and each client in an environment of its own."""

import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from filelock import FileLock

from tests.doubles.binance import Context, keep_key
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock
from tests.doubles.signing import SECRET
from tests.unit.conftest import opened
from tests.unit.dialects.binance.conftest import started_binance_api

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".local" / "clients"
_INSTALL_S, _SESSION_S = 240, 600
# Between two requests of whoever only asks, so that budgets refill.
_BETWEEN_MS = 1_000
_KEY = "0123456789abcdef01234567"

Session = Callable[[str], dict[str, Any]]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class _Handler(BaseHTTPRequestHandler):
    """Hands a request on as API Gateway's HTTP API does: the query byte for byte."""

    function: ModuleType
    exchange: Exchange
    requests: list[str]

    def arrived_ms(self) -> int:
        """Return when the gateway had the request."""
        return _now_ms()

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        arrived_ms = self.arrived_ms()
        self.exchange.time_ms = max(self.exchange.time_ms, arrived_ms)
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "domainName": "localhost",
                "http": {"method": self.command, "path": path, "sourceIp": "127.0.0.1"},
                "requestId": f"request-{len(self.requests)}",
                "timeEpoch": arrived_ms,
            },
            "isBase64Encoded": False,
        } | ({"body": body} if body else {})
        self.requests.append(f"{self.command} {path}")
        response = self.function.handler(event, Context())
        text = response["body"].encode()
        self.send_response(response["statusCode"])
        for name, value in response["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 - the server's own names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _SigningHandler(_Handler):
    """Signs requests that name a timestamp, for a client that knows no signatures."""

    def arrived_ms(self) -> int:
        """Return the exchange's time, which runs ahead."""
        return self.exchange.time_ms

    def parse_request(self) -> bool:
        """Read a request's line and headers, and sign it; a second has passed."""
        if not super().parse_request():
            return False
        self.exchange.time_ms = max(self.exchange.time_ms, _now_ms()) + _BETWEEN_MS
        path, _, query = self.path.partition("?")
        parts = [one for one in query.split("&") if not one.startswith("signature=")]
        if any(one.startswith("timestamp=") for one in parts):
            parts = [one for one in parts if not one.startswith("timestamp=")]
            parts.append(f"timestamp={self.exchange.time_ms}")
            signed = "&".join(parts)
            signature = hmac.digest(SECRET.encode(), signed.encode(), "sha256").hex()
            self.path = f"{path}?{signed}&signature={signature}"
            del self.headers["X-MBX-APIKEY"]
            self.headers["X-MBX-APIKEY"] = f"{ALICE}.{_KEY}"
        return True


@pytest.fixture
def base_url() -> Iterator[str]:
    yield from _served(_Handler)


@pytest.fixture
def signing_url() -> Iterator[str]:
    yield from _served(_SigningHandler)


def _served(kind: type[_Handler]) -> Iterator[str]:
    with opened() as exchange:
        exchange.time_ms = _now_ms()
        handler = type(
            "Handler",
            (kind,),
            {
                "function": started_binance_api(WorkingClock(exchange)),
                "exchange": exchange,
                "requests": [],
            },
        )
        for account in (ALICE, BOB):
            keep_key(account)
        server = HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@cache
def environment(client: str) -> Path:
    """Return the interpreter of a client's environment; skips the test where there can be none."""
    lock = HERE / f"{client}.lock"
    place = ENVIRONMENTS / client
    mark = place / f"packages-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    python = place / "bin" / "python"
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with FileLock(ENVIRONMENTS / "lock"):
        if mark.exists():
            return python
        commands = (
            ["venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
            [
                *("pip", "install", "--quiet", "--no-deps", "--require-hashes"),
                *("--python", str(python), "-r", str(lock)),
            ],
        )
        try:
            for command in commands:
                subprocess.run(  # noqa: S603 - uv, and packages by their hashes
                    [sys.executable, "-m", "uv", *command],
                    check=True,
                    capture_output=True,
                    timeout=_INSTALL_S,
                )
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"The environment of {client} can't be made: {error}")
        mark.touch()
    return python


@pytest.fixture
def session(base_url: str) -> Session:
    """Run a client's session against the exchange, and return what it saw."""

    def run(client: str) -> dict[str, Any]:
        python = environment(client)
        script = HERE / f"{client.replace('-', '_')}_session.py"
        keys = [f"{account}.{_KEY}" for account in (ALICE, BOB)]
        done = subprocess.run(  # noqa: S603 - a session of ours
            [str(python), str(script), base_url, SECRET, *keys],
            capture_output=True,
            text=True,
            timeout=_SESSION_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4_000:]
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    return run
