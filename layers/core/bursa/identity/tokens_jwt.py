"""JSON Web Tokens of Cognito user pools: RS256 (RFC 7518) against the pool's key set (RFC 7517).

A key set is fetched once and kept; an unknown key id fetches it again, but not more often than
once a minute, so that tokens with invented key ids cost nothing.
"""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from bursa.kernel.clock import MonotonicClock
from bursa.kernel.errors import Unauthenticated

_ALGORITHMS = ("RS256",)
_FETCH_TIMEOUT_S = 2.0
_REFETCH_MS_MIN = 60_000
# How far our clock and Cognito's may differ.
_LEEWAY_S = 5
_TOKEN_LENGTH_MAX = 8 * 1024
_SIGN_IN = "Sign in and send the new token as 'Authorization: Bearer <token>'."


class KeySets:
    """Public keys of issuers, by key id."""

    def __init__(self, clock: MonotonicClock, endpoint_url: str = "") -> None:
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._sets: dict[str, tuple[float, dict[str, jwt.PyJWK]]] = {}

    def key(self, issuer: str, key_id: str) -> jwt.PyJWK | None:
        """Return a key of an issuer that the directory knows; None when the issuer has none.

        Raises
        ------
        OSError
            The key set can't be fetched.

        """
        now_ms = self._clock.monotonic_ms()
        fetched_ms, keys = self._sets.get(issuer, (float("-inf"), {}))
        if key_id not in keys and now_ms - fetched_ms > _REFETCH_MS_MIN:
            keys = self._fetch(issuer)
            self._sets[issuer] = (now_ms, keys)
        return keys.get(key_id)

    def _fetch(self, issuer: str) -> dict[str, jwt.PyJWK]:
        base = issuer
        if self._endpoint_url:
            base = self._endpoint_url.rstrip("/") + urlsplit(issuer).path
        url = f"{base}/.well-known/jwks.json"
        if not url.startswith(("https://", "http://")):
            raise OSError(f"{url} is not fetched over HTTP")
        with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_S) as response:  # noqa: S310
            listed = json.load(response)["keys"]
        keys = (jwt.PyJWK(entry) for entry in listed if entry.get("alg", "RS256") in _ALGORITHMS)
        return {key.key_id: key for key in keys if key.key_id}


class CognitoTokens:
    """Reads and verifies tokens."""

    def __init__(self, key_sets: KeySets) -> None:
        self._key_sets = key_sets

    def issuer(self, token: str) -> str:
        """Return the issuer that the token names, unverified; raises `Unauthenticated`."""
        if len(token) > _TOKEN_LENGTH_MAX:
            raise Unauthenticated("invalid_token", _SIGN_IN)
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise Unauthenticated("invalid_token", _SIGN_IN) from None
        issuer = claims.get("iss")
        if not isinstance(issuer, str):
            raise Unauthenticated("invalid_token", _SIGN_IN)
        return issuer

    def verify(self, token: str, issuer: str) -> Mapping[str, Any]:
        """Verify signature, issuer and times; return the claims.

        Raises
        ------
        Unauthenticated
            ``token_expired`` or ``invalid_token``.

        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = self._key_sets.key(issuer, key_id) if isinstance(key_id, str) else None
            if key is None:
                raise Unauthenticated("invalid_token", _SIGN_IN)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                issuer=issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "sub"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("token_expired", _SIGN_IN) from None
        except jwt.InvalidTokenError:
            raise Unauthenticated("invalid_token", _SIGN_IN) from None
        return claims
