"""Requests that are repeated under their own name until the exchange has decided them.

A request that was sent once must not be lost, nor carried out twice: its idempotency key stays the
same, so a repeat gets the first response, whether the first was carried out or not (docs/api.md).
"""

import time
from collections.abc import Callable
from typing import Protocol

import requests

from scripts.client import ApiError, Json, ToolError

PATIENCE_S = 300.0
_DELAY_S_FIRST = 0.2
_DELAY_S_MAX = 5.0
_TOO_MANY = 429
_PENDING = 202
_SERVER_ERROR = 500


class Session(Protocol):
    """The client, as this module needs it."""

    def send(
        self, method: str, path: str, *, json: Json | None = None, headers: dict[str, str]
    ) -> requests.Response:
        """Send one request."""


class Repeats:
    """Sends requests until they are decided.

    Parameters
    ----------
    session
        Who sends.
    waiting
        Hears in a few words what is waited for; empty when the exchange decides again.

    """

    def __init__(
        self,
        session: Session,
        waiting: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._waiting = waiting
        self._sleep = sleep
        self._clock = clock

    def post(self, path: str, body: Json, key: str) -> Json:
        """Return the response to a request, sent under its key as often as needed.

        Raises
        ------
        ApiError
            It was refused, and would be again.
        ToolError
            It was not decided for `PATIENCE_S` seconds.

        """
        began, delay_s, waits = self._clock(), _DELAY_S_FIRST, False
        while True:
            response, why = self._attempt(path, body, key)
            if response is not None and not why:
                if waits:
                    self._waiting("")
                return dict(response.json())
            if self._clock() - began > PATIENCE_S:
                raise ToolError(
                    f"The exchange decided nothing for {PATIENCE_S:.0f} s ({why}); is its worker"
                    " running? The same command goes on where this one stopped."
                )
            waits = True
            self._waiting(why)
            self._sleep(max(delay_s, _asked_for_s(response)))
            delay_s = min(2 * delay_s, _DELAY_S_MAX)

    def _attempt(self, path: str, body: Json, key: str) -> tuple[requests.Response | None, str]:
        """Send once; returns the response, and why it has to be sent again."""
        try:
            response = self._session.send("POST", path, json=body, headers={"Idempotency-Key": key})
        except (requests.ConnectionError, requests.Timeout):
            return None, "no response"
        if response.status_code == _PENDING:
            return response, "accepted, not decided yet"
        problem = _problem(response)
        if response.ok and problem is not None:
            return response, ""
        passes = response.status_code == _TOO_MANY or response.status_code >= _SERVER_ERROR
        if response.ok or passes:
            code = (problem or {}).get("code", "no code")
            return response, f"{response.status_code} {code}"
        raise ApiError(response.status_code, problem or {"detail": response.text[:200]})


def _problem(response: requests.Response) -> Json | None:
    try:
        content = response.json()
    except requests.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _asked_for_s(response: requests.Response | None) -> float:
    """Return the seconds of Retry-After; zero where there is none."""
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(text), PATIENCE_S) if text.isdecimal() else 0.0
