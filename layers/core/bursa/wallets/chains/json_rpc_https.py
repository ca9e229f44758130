"""JSON-RPC over HTTP, with bounds: time to connect, between bytes, and size of an answer.

Numbers with a point become decimals: Bitcoin's nodes write amounts so, and no float may hold one.
"""

import base64
import itertools
import json
from decimal import Decimal
from typing import Final

import requests

from bursa.wallets.chains.ports import NodeUnavailable
from bursa.wallets.chains.rpc import Json, RpcFault

CONNECT_S: Final = 2.0
RESPONSE_S: Final = 20.0
# Traces of a full block of an EVM network are some tens of megabytes.
RESPONSE_BYTES_MAX: Final = 128 << 20
ATTEMPTS: Final = 2
_CHUNK_BYTES: Final = 1 << 16
_AGAIN: Final = "Ask again in a moment: a node of the chain does not respond."


class JsonRpc:
    """One endpoint of a node; see `rpc.Rpc`.

    Parameters
    ----------
    url
        Where it is. It is never part of an error's text, for it may hold a provider's key.
    user, password
        For Bitcoin's nodes; empty for none. They are never part of an error's text.

    """

    def __init__(
        self, url: str, user: str = "", password: str = "", response_s: float = RESPONSE_S
    ) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._timeouts_s = (CONNECT_S, response_s)
        self._numbers = itertools.count(1)
        if user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._session.headers["Authorization"] = f"Basic {pair}"

    def read(self, method: str, *params: Json) -> Json:
        """Return the result of a question; asks twice where there is no answer."""
        for attempt in range(ATTEMPTS):
            try:
                return self._call(method, params)
            except NodeUnavailable:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def send(self, method: str, *params: Json) -> Json:
        """Return the result of a command that is sent once."""
        return self._call(method, params)

    def _call(self, method: str, params: tuple[Json, ...]) -> Json:
        number = next(self._numbers)
        question = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        reply = self._response(question)
        if not isinstance(reply, dict) or reply.get("id") != number:
            raise NodeUnavailable("node_unavailable", _AGAIN)
        fault = reply.get("error")
        if fault:
            raise RpcFault(int(fault.get("code", 0)), str(fault.get("message", "")))
        return reply.get("result")

    def _response(self, question: Json) -> Json:
        try:
            with self._session.post(
                self._url,
                json=question,
                timeout=self._timeouts_s,
                stream=True,
                allow_redirects=False,
            ) as response:
                body = bytearray()
                for chunk in response.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > RESPONSE_BYTES_MAX:
                        raise NodeUnavailable("node_unavailable", _AGAIN)
        except requests.RequestException as error:
            # Its text has the address, and with some providers a key in it.
            kind = type(error).__name__
            raise NodeUnavailable("node_unavailable", f"{_AGAIN} ({kind})") from None
        try:
            return json.loads(body, parse_float=Decimal)
        except ValueError:
            raise NodeUnavailable("node_unavailable", _AGAIN) from None
