"""What a request is signed over, and the parts of a request that a signature needs.

Nine lines, joined by a line feed, in UTF-8:

    BURSA1
    the key's id                         t1-7.0123456789abcdef01234567
    the time, UTC in milliseconds        1795291200000
    the nonce, or nothing
    the method                           POST
    the path with its version            /v1/orders
    the query, in canonical form         limit=10&market=BTC-USDT
    the Idempotency-Key, or nothing
    SHA-256 of the body, hexadecimal     e3b0c442… for none

API Gateway decodes path and query, so the raw ones can't be signed. In the canonical query all but
the unreserved characters of RFC 3986 are a percent sign and two upper-case digits; names so written
are in the order of their bytes, the values of a name in the order in which they were sent. So is
the Idempotency-Key written. A path has unreserved characters and colons only, and is signed
decoded. No line can hold a line feed, and no two requests that differ share these lines
(tests/property/identity/test_signatures.py).
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

from bursa.kernel.errors import Unauthenticated

VERSION: Final = "BURSA1"
# A request is refused when it arrives later than this after its time, or so much before it: in all
# five seconds in which one could be replayed, so each is remembered for longer than that.
LATE_MS_MAX: Final = 4_000
EARLY_MS_MAX: Final = 1_000
TIMESTAMP: Final = "x-bursa-timestamp"
NONCE: Final = "x-bursa-nonce"
SIGNATURE: Final = "x-bursa-signature"
HEADERS: Final = (TIMESTAMP, NONCE, SIGNATURE)

_BASE_PATH = "/v1"
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~:-]+)+", re.ASCII)
_METHOD: Final = re.compile(r"[A-Z]{1,16}", re.ASCII)
_TIME: Final = re.compile(r"[1-9][0-9]{12}", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_SIGNATURE_LENGTH_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class SentRequest:
    """The parts of a request that a signature covers, as the gateway hands them on.

    Attributes
    ----------
    method, path
        The path with or without the version, decoded or not.
    query
        All values of each name, decoded.
    headers
        Values by name in lower case.
    body
        As it was sent.
    address
        Where it came from, as the gateway saw it.
    arrived_at_ms
        When the gateway took it, UTC.
    request_id
        The gateway's name for it.

    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    address: str
    arrived_at_ms: int
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """What the client has added: time, nonce and signature."""

    time_ms: int
    nonce: str
    signature: bytes


def read_signed_headers(headers: Mapping[str, str]) -> SignedHeaders:
    """Return what a signed request says in headers.

    Raises
    ------
    Unauthenticated
        ``missing_timestamp``, ``invalid_timestamp``, ``invalid_nonce``, ``missing_signature``,
        ``malformed_signature``.

    """
    time, nonce, signature = (headers.get(name, "") for name in HEADERS)
    if not time:
        raise _refused("missing_timestamp", "Send X-Bursa-Timestamp: UTC in milliseconds.")
    if not _TIME.fullmatch(time):
        raise _refused("invalid_timestamp", "Send X-Bursa-Timestamp as 13 digits: milliseconds.")
    if nonce and not _NONCE.fullmatch(nonce):
        raise _refused(
            "invalid_nonce", "Send X-Bursa-Nonce as 1 to 64 of the characters A-Z a-z 0-9 . _ : -"
        )
    if not signature:
        raise _refused("missing_signature", "Send X-Bursa-Signature: the signature in base64.")
    malformed = _refused("malformed_signature", "Send X-Bursa-Signature as base64 on one line.")
    if len(signature) > _SIGNATURE_LENGTH_MAX:
        raise malformed
    try:
        return SignedHeaders(int(time), nonce, b64decode(signature, validate=True))
    except ValueError:
        raise malformed from None


def check_time(time_ms: int, arrived_at_ms: int) -> None:
    """Return when a request arrived in time.

    Raises `Unauthenticated` ``timestamp_too_old``, ``timestamp_too_early``.
    """
    if time_ms < arrived_at_ms - LATE_MS_MAX:
        raise _refused(
            "timestamp_too_old",
            f"Set your clock and sign when you send: a request is good for {LATE_MS_MAX} ms.",
        )
    if time_ms > arrived_at_ms + EARLY_MS_MAX:
        raise _refused("timestamp_too_early", "Set your clock: the request comes from the future.")


def text_to_sign(key_id: str, request: SentRequest, time_ms: int, nonce: str) -> bytes:
    """Return what the signature is over; raises `Unauthenticated` ``unsignable_request``."""
    path = unquote(request.path)
    if not path.startswith(f"{_BASE_PATH}/"):
        path = _BASE_PATH + path
    if not _PATH.fullmatch(path) or not _METHOD.fullmatch(request.method):
        raise _refused("unsignable_request", "Send a method and path that the API has.")
    lines = (
        VERSION,
        key_id,
        str(time_ms),
        nonce,
        request.method,
        path,
        canonical_query(request.query),
        _escaped(request.headers.get("idempotency-key", "")),
        sha256(request.body).hexdigest(),
    )
    return "\n".join(lines).encode()


def canonical_query(query: Mapping[str, Sequence[str]]) -> str:
    """Return a query in the one form in which it is signed; see the module."""
    pairs = sorted((_escaped(name), values) for name, values in query.items())
    return "&".join(f"{name}={_escaped(value)}" for name, values in pairs for value in values)


def _escaped(text: str) -> str:
    # Half a surrogate pair has no UTF-8; this keeps it apart from everything else.
    return quote(text, safe="", errors="surrogatepass")


def _refused(code: str, detail: str) -> Unauthenticated:
    return Unauthenticated(code, detail)
