"""JSON Web Tokens of Cognito user pools: RS256 (RFC 7518) in the compact form (RFC 7515).

Whatever a token holds, reading it ends in claims or in `Unauthenticated`. Its parts are read once
and strictly: no name twice, no NaN, no nesting that exhausts the stack; what is checked is what was
read, and no second reader may see something else.
"""

import base64
import json
import re
from typing import Any, Final, NoReturn

import jwt

from bursa.identity.claims import Claims
from bursa.identity.key_sets_jwt import ALGORITHM, KeySets
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Unauthenticated

# Cognito's access tokens live for a day at most.
LIFE_S_MAX: Final = 24 * 3_600
# How far our clock and Cognito's may differ.
LEEWAY_S: Final = 5

_TOKEN_LENGTH_MAX: Final = 8 * 1_024
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_KEY_ID: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
# A user pool's issuer, so that nothing longer or stranger is ever looked up.
_ISSUER: Final = re.compile(
    r"https://cognito-idp\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]{1,60}", re.ASCII
)
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CLIENT: Final = re.compile(r"[A-Za-z0-9_+-]{1,128}", re.ASCII)
_SESSION: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_SCOPE_LENGTH_MAX: Final = 2_048
_SECONDS_MAX: Final = 1 << 40
# As many as Cognito lets a user be in.
_GROUPS_MAX: Final = 100
_SIGN_IN: Final = "Sign in and send the new access token as 'Authorization: Bearer <token>'."

_signatures = jwt.PyJWS(algorithms=[ALGORITHM])


class CognitoTokens:
    """Reads and verifies tokens."""

    def __init__(self, key_sets: KeySets, clock: WallClock) -> None:
        self._key_sets = key_sets
        self._clock = clock

    def issuer(self, token: str) -> str:
        """Return the issuer that the token names, unverified; raises `Unauthenticated`."""
        _, claims = _parts(token)
        return _text(claims, "iss", _ISSUER)

    def verify(self, token: str, issuer: str) -> Claims:
        """Verify signature, issuer and times; return the claims.

        Raises
        ------
        Unauthenticated
            ``token_expired`` or ``invalid_token``.
        Unavailable
            ``keys_unavailable``.

        """
        header, claims = _parts(token)
        # What is marked critical must be understood (RFC 7515, 4.1.11), and nothing of it is.
        if header.get("alg") != ALGORITHM or "crit" in header:
            _refuse()
        key = self._key_sets.key(issuer, _text(header, "kid", _KEY_ID))
        if key is None or claims.get("iss") != issuer:
            _refuse()
        try:
            _signatures.decode(token, key, algorithms=[ALGORITHM])
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            _refuse()
        return self._checked(claims)

    def _checked(self, claims: dict[str, Any]) -> Claims:
        now_s = self._clock.now_ms() // 1_000
        expires_at, issued_at = _seconds(claims, "exp"), _seconds(claims, "iat")
        signed_in_at = _seconds(claims, "auth_time") if "auth_time" in claims else issued_at
        not_before = _seconds(claims, "nbf") if "nbf" in claims else issued_at
        if max(issued_at, signed_in_at, not_before) > now_s + LEEWAY_S:
            _refuse()
        if expires_at > now_s + LIFE_S_MAX + LEEWAY_S:
            _refuse()
        if expires_at <= now_s - LEEWAY_S:
            raise Unauthenticated("token_expired", _SIGN_IN)
        use, scope = claims.get("token_use"), claims.get("scope", "")
        if not isinstance(use, str) or not isinstance(scope, str) or len(scope) > _SCOPE_LENGTH_MAX:
            _refuse()
        return Claims(
            subject=_text(claims, "sub", _SUBJECT),
            use=use,
            client_id=_text(claims, "client_id", _CLIENT) if "client_id" in claims else "",
            scopes=frozenset(scope.split(" ")),
            signed_in_at=signed_in_at,
            expires_at=expires_at,
            groups=_groups(claims),
            session=_session(claims, signed_in_at),
        )


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, unverified."""
    if len(token) > _TOKEN_LENGTH_MAX or not _COMPACT.fullmatch(token):
        _refuse()
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(segment: str) -> dict[str, Any]:
    padding = "=" * (-len(segment) % 4)
    try:
        text = base64.urlsafe_b64decode(segment + padding).decode()
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(content, dict):
        _refuse()
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name stands twice")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _text(content: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        _refuse()
    return value


def _groups(claims: dict[str, Any]) -> frozenset[str]:
    groups = claims.get("cognito:groups", [])
    if not isinstance(groups, list) or len(groups) > _GROUPS_MAX:
        _refuse()
    if not all(isinstance(group, str) for group in groups):
        _refuse()
    return frozenset(groups)


def _session(claims: dict[str, Any], signed_in_at: int) -> str:
    """Return what Cognito names a session by; a pool that does not has those of a second as one."""
    return _text(claims, "origin_jti", _SESSION) if "origin_jti" in claims else f"{signed_in_at}"


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < _SECONDS_MAX:
        _refuse()
    return value


def _refuse() -> NoReturn:
    raise Unauthenticated("invalid_token", _SIGN_IN) from None
