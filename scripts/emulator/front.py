"""What stands between a web page and the emulator: an ASGI layer in MiniStack's own process.

A page in a developer's browser can reach every port of loopback, whatever site it comes from, and
MiniStack answers each of them with ``Access-Control-Allow-Origin: *``. So this refuses, before
MiniStack sees it, a request

- whose ``Host`` is a name that somebody else's DNS could point at loopback,
- whose ``Origin`` is another than the one it is sent to, unless it is on the list,
- that a browser sends for another site without an ``Origin``, except a link that is followed,
- for MiniStack's own operations (empty all queues, read all mail), without the secret key.

It opens no port and copies no stream: what is let through reaches MiniStack as it came.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# MiniStack's own operations; none of them asks for a signature.
_OWN_PATHS = ("/_ministack/", "/_localstack/")
_HARMLESS_OWN_PATHS = {"/_ministack/health", "/_ministack/ready"}
_OTHER_SITES = {"cross-site", "same-site"}
_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is refused; code and sentence go to its sender."""

    code: str
    detail: str


class Front:
    """An ASGI application in front of another.

    Parameters
    ----------
    application
        What is protected.
    origins
        Further origins whose pages may use it, such as ``http://demo.localhost:5173``.
    secret
        Opens MiniStack's own operations, as ``Authorization: Bearer SECRET``.

    """

    def __init__(self, application: Application, origins: frozenset[str], secret: str) -> None:
        self._application = application
        self._origins = origins
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused; pass everything else on."""
        if scope["type"] in {"http", "websocket"}:
            refused = self.refusal(scope)
            if refused is not None:
                await _send_refusal(refused, scope, receive, send)
                return
            scope = _without_claimed_address(scope)
        await self._application(scope, receive, send)

    def refusal(self, scope: Scope) -> Refused | None:
        """Return why this request may not pass; None when it may."""
        headers = _headers(scope)
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or not _is_loopback_name(hosts[0]):
            return Refused(
                "foreign_host",
                "This exchange is reached as 127.0.0.1, localhost or a name below .localhost.",
            )
        origins = headers.get(b"origin", [])
        for origin in origins:
            if not self._is_allowed(origin, hosts[0]):
                return Refused(
                    "foreign_origin",
                    f"Pages of {origin[:200]} may not use this exchange;"
                    " BURSA_ORIGINS=http://name.localhost:port make run lets those of one in.",
                )
        if not origins and _is_sent_for_another_site(scope, headers):
            return Refused("foreign_site", "Another site's page asked for this; it may not.")
        path: str = scope["path"]
        if path.startswith(_OWN_PATHS) and path not in _HARMLESS_OWN_PATHS:
            return self._unless_opened(headers)
        return None

    def _is_allowed(self, origin: str, host: str) -> bool:
        return origin in self._origins or origin.lower() == f"http://{host.lower()}"

    def _unless_opened(self, headers: dict[bytes, list[str]]) -> Refused | None:
        given = headers.get(b"authorization", [""])[0].encode()
        if hmac.compare_digest(given, b"Bearer " + self._secret):
            return None
        return Refused("key_required", "MiniStack's own operations need the key of this exchange.")


def _without_claimed_address(scope: Scope) -> Scope:
    """Leave out what MiniStack, unlike AWS, believes about where a request comes from."""
    sent = [pair for pair in scope["headers"] if pair[0].lower() != b"x-forwarded-for"]
    return {**scope, "headers": sent}


def _headers(scope: Scope) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), []).append(value.decode("latin-1"))
    return found


@lru_cache(maxsize=256)
def _is_loopback_name(host: str) -> bool:
    """Return whether no name server has a say in where this host is.

    An address is what it says, and browsers resolve ``.localhost`` by themselves. Addresses of
    other machines are let through: a relay sends them, and a page needs an ``Origin`` as well.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_sent_for_another_site(scope: Scope, headers: dict[bytes, list[str]]) -> bool:
    """Return whether a browser says so (Fetch Metadata); following a link is no such request."""
    if _OTHER_SITES.isdisjoint(headers.get(b"sec-fetch-site", [])):
        return False
    follows_link = headers.get(b"sec-fetch-mode") == ["navigate"] and (
        headers.get(b"sec-fetch-dest") == ["document"]
    )
    return not (follows_link and scope.get("method") == "GET")


async def _send_refusal(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    body = json.dumps({"code": refused.code, "detail": refused.detail}).encode()
    # A long body is not waited for; the connection is of no more use then.
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
