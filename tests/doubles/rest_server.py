"""The REST API's functions behind a local socket, called as API Gateway calls them.

The caller is known already: what the authorizer says comes with each request. A second passes
between two requests, so that budgets refill.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.doubles.exchange import ALICE, Exchange, WorkingClock, read_event
from tests.unit.conftest import (
    Context,
    query_parts,
    started,
    started_sub_accounts,
    started_trading_api,
)

_STAGE = "/v1"
_BETWEEN_MS = 1_000
_OF_SUB_ACCOUNTS = ("/sub-accounts", "/transfers")
_PUBLIC = ("/health", "/tenant", "/markets", "/openapi.json")

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Functions:
    """The functions behind the routes of markets, trading and sub-accounts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        clock = WorkingClock(exchange)
        self._market = started("market_api.app")
        self._trading = started_trading_api(clock)
        self._sub_accounts = started_sub_accounts(clock)

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the response to one request."""
        self._exchange.time_ms += _BETWEEN_MS
        function = self._of(event["path"])
        response: dict[str, Any] = function.handler(event, Context())
        return response

    def _of(self, path: str) -> ModuleType:
        if path.startswith(_OF_SUB_ACCOUNTS):
            return self._sub_accounts
        return self._market if path.startswith(_PUBLIC) else self._trading


class _Handler(BaseHTTPRequestHandler):
    functions: Answer

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        path = unquote(path.removeprefix(_STAGE))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        every: dict[str, str | list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            every[name] = [*every.get(name, []), value]
        event = read_event("orders-place")
        event["requestContext"]["authorizer"]["account"] = str(ALICE)
        response = self.functions(
            event
            | query_parts(every)
            | {
                "httpMethod": self.command,
                "path": path,
                "resource": path,
                "headers": dict(self.headers.items()),
                "multiValueHeaders": {name: [text] for name, text in self.headers.items()},
                "body": body.decode(errors="replace") or None,
            }
        )
        text = response["body"].encode()
        self.send_response(response["statusCode"])
        for name, values in response["multiValueHeaders"].items():
            for value in values:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def rest_server(exchange: Exchange) -> Iterator[str]:
    """Serve an exchange's REST API; gives what its paths begin with."""
    with served(Functions(exchange)) as url:
        yield url


@contextmanager
def served(functions: Answer) -> Iterator[str]:
    """Serve functions by what answers an event of API Gateway's; gives what paths begin with."""
    handler = type("Handler", (_Handler,), {"functions": staticmethod(functions)})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
