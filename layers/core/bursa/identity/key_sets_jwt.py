"""Public keys of user pools (RFC 7517), fetched seldom enough that no token can make it often.

    a key is young                 it is used; nothing is fetched
    half an hour old               the set is fetched again; if that fails, the key is still used
    an hour without being listed   it is gone: a key that its pool withdrew dies
    a key id is unknown            the set is fetched again, a minute after the last time at least

A fetch that failed is remembered: the next one waits, from a second up to a minute. Only a valid
set that holds a key counts; it adds to what is known and takes nothing away.
"""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final
from urllib.parse import urlsplit

import jwt

from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import Unavailable

ALGORITHM: Final = "RS256"
KEY_FRESH_MS: Final = 1_800_000
KEY_AGE_MS_MAX: Final = 3_600_000
REFETCH_MS_MIN: Final = 60_000
RETRY_MS_MIN: Final = 1_000

_TIMEOUT_S: Final = 2.0
_BYTES_MAX: Final = 64 * 1024
# What a fetch, and reading its response, may raise whatever the response is.
_FAILURES: Final = (
    OSError,
    HTTPException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    jwt.PyJWTError,
)

Fetch = Callable[[str], bytes]


@dataclass(slots=True)
class _KeySet:
    """What is known of an issuer."""

    next_fetch_ms: float = float("-inf")
    failures: int = 0
    keys: dict[str, tuple[float, jwt.PyJWK]] = field(default_factory=dict)  # when last listed


class KeySets:
    """Public keys of issuers, by key id.

    Parameters
    ----------
    on_failure
        Told why a key set could not be read.

    """

    def __init__(
        self,
        clock: MonotonicClock,
        endpoint_url: str = "",
        *,
        fetch: Fetch | None = None,
        on_failure: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._fetch = fetch or fetch_over_http
        self._on_failure = on_failure
        self._sets: dict[str, _KeySet] = {}

    def key(self, issuer: str, key_id: str) -> jwt.PyJWK | None:
        """Return a key of an issuer that the directory knows; None when the issuer has none.

        Raises
        ------
        Unavailable
            ``keys_unavailable``: no key of the issuer is known, and its set can't be fetched.

        """
        now_ms = self._clock.monotonic_ms()
        known = self._sets.setdefault(issuer, _KeySet())
        listed_ms, _ = known.keys.get(key_id, (float("-inf"), None))
        if now_ms - listed_ms > KEY_FRESH_MS and now_ms >= known.next_fetch_ms:
            self._refresh(issuer, known, now_ms)
        known.keys = {
            name: (listed, key)
            for name, (listed, key) in known.keys.items()
            if now_ms - listed <= KEY_AGE_MS_MAX
        }
        if not known.keys:
            raise Unavailable("keys_unavailable", "Send the same request again in a moment.")
        _, found = known.keys.get(key_id, (0.0, None))
        return found

    def _refresh(self, issuer: str, known: _KeySet, now_ms: float) -> None:
        try:
            keys = read_key_set(self._fetch(self._url(issuer)))
        except _FAILURES as error:
            wait_ms = min(RETRY_MS_MIN << min(known.failures, 10), REFETCH_MS_MIN)
            known.failures += 1
            known.next_fetch_ms = now_ms + wait_ms
            self._on_failure(f"{issuer}: {type(error).__name__}: {error}")
            return
        known.failures = 0
        known.next_fetch_ms = now_ms + REFETCH_MS_MIN
        known.keys |= {name: (now_ms, key) for name, key in keys.items()}

    def _url(self, issuer: str) -> str:
        base = issuer
        if self._endpoint_url:
            base = self._endpoint_url.rstrip("/") + urlsplit(issuer).path
        return f"{base}/.well-known/jwks.json"


def fetch_over_http(url: str) -> bytes:
    """Fetch a key set, of a bounded size and in a bounded time."""
    if not url.startswith(("https://", "http://")):
        raise OSError(f"{url} is not fetched over HTTP")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310
        content: bytes = response.read(_BYTES_MAX + 1)
    if len(content) > _BYTES_MAX:
        raise ValueError("the key set is too long")
    return content


def read_key_set(content: bytes) -> dict[str, jwt.PyJWK]:
    """Return the keys of a set, by key id; what is no RSA key for signatures is passed over.

    Raises one of several errors when the set can't be read or holds no such key.
    """
    keys = {}
    for entry in json.loads(content)["keys"]:
        if entry.get("kty") != "RSA" or entry.get("alg", ALGORITHM) != ALGORITHM:
            continue
        if entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
            continue
        keys[entry["kid"]] = jwt.PyJWK(entry, ALGORITHM)
    if not keys:
        raise ValueError("the key set holds no key")
    return keys
