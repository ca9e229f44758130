"""Calls to providers over HTTPS, bounded in time, size and number."""

import time
from collections.abc import Callable
from typing import Final

import requests

from bursa.compliance.provider_calls import ProviderCall, ProviderResponse
from bursa.kernel.errors import InternalError, Unavailable
from bursa.kernel.retry import Backoff, retry

# To connect, and between two bytes of a response, in seconds.
_TIMEOUTS_S: Final = (3.0, 10.0)
_BACKOFF: Final = Backoff(0.5, attempts=3)
_RESPONSE_BYTES_MAX: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_REFUSED_CREDENTIALS: Final = frozenset({401, 403})
_TOO_MANY: Final = 429
_FAULT_MIN: Final = 500


class _Later(Exception):  # noqa: N818 - the name is what it means here
    """Raised for what is worth another attempt."""


class HttpsProvider:
    """One provider.

    Parameters
    ----------
    base_url
        Fixed by the provider's own module; never from a tenant, a user or a response.

    """

    def __init__(
        self,
        base_url: str,
        sleep: Callable[[float], None] = time.sleep,
        timeouts_s: tuple[float, float] = _TIMEOUTS_S,
    ) -> None:
        self._base_url = base_url
        self._sleep = sleep
        self._timeouts_s = timeouts_s
        self._session = requests.Session()
        # Neither credentials of a .netrc nor a proxy that a variable names.
        self._session.trust_env = False

    def __call__(self, call: ProviderCall) -> ProviderResponse:
        """Return the response to a call; see `bursa.compliance.provider_calls`."""
        try:
            return retry(lambda: self._send(call), _BACKOFF, self._sleep, on=_Later)
        except _Later:
            raise Unavailable(
                "provider_unavailable", "The provider does not respond; ask again later."
            ) from None

    def _send(self, call: ProviderCall) -> ProviderResponse:
        try:
            with self._session.request(
                call.method,
                self._base_url + call.target,
                data=call.body or None,
                headers=dict(call.headers),
                timeout=self._timeouts_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == _TOO_MANY or response.status_code >= _FAULT_MIN:
                    raise _Later
                if response.status_code in _REFUSED_CREDENTIALS:
                    raise InternalError(
                        "provider_refuses_credentials",
                        "Look at the tenant's secret of its provider, and what it may do there.",
                    )
                return ProviderResponse(response.status_code, _bounded(response))
        except requests.RequestException:
            raise _Later from None


def _bounded(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _RESPONSE_BYTES_MAX:
            raise InternalError(
                "provider_not_understood", "The provider's response is larger than any honest one."
            )
    return bytes(body)
