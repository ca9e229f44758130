"""What a signed request says of itself, and what its signature is over.

The text that is signed is the query and then the body, byte for byte as they were sent and with
nothing between, without the signature: that is the last parameter of either. It says neither method
nor path; see docs/adr/0076. Time is in milliseconds, or in microseconds with sixteen digits.
"""

import re
from base64 import b64decode
from typing import Final, NamedTuple
from urllib.parse import unquote

from bursa.dialects.binance.errors import (
    BAD_WINDOW,
    DUPLICATE_PARAMETER,
    FROM_FUTURE,
    OUTSIDE_WINDOW,
    WRONG_SIGNATURE,
    error,
    illegal,
    missing,
)
from bursa.dialects.binance.parameters import Parameters
from bursa.identity.api_keys import Algorithm

SIGNATURE: Final = "signature"
TIMESTAMP: Final = "timestamp"
WINDOW: Final = "recvWindow"
WINDOW_MS_DEFAULT: Final = 5_000
WINDOW_MS_MAX: Final = 60_000
AHEAD_MS_MAX: Final = 1_000
SIGNED_NAMES: Final = (SIGNATURE, TIMESTAMP, WINDOW)

_LAST: Final = re.compile(r"(?:(.*)&)?signature=([^&]*)", re.DOTALL)
_MILLISECONDS: Final = re.compile(r"[0-9]{13}", re.ASCII)
_MICROSECONDS: Final = re.compile(r"[0-9]{16}", re.ASCII)
_WINDOW_FORM: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_BASE64_LENGTH: Final = 88


class SignedParts(NamedTuple):
    """The text that is signed, and the signature as it was sent, decoded once."""

    text: str
    signature: str


def split_signature(query: str, body: str) -> SignedParts:
    """Return what is signed, and by what.

    Raises
    ------
    BinanceError
        -1102 without a signature, -1101 with two, -1022 where it is not the last parameter.

    """
    in_query, in_body = _LAST.fullmatch(query), _LAST.fullmatch(body)
    if in_query and in_body:
        raise error(DUPLICATE_PARAMETER)
    if in_query:
        return SignedParts((in_query[1] or "") + body, unquote(in_query[2]))
    if in_body:
        return SignedParts(query + (in_body[1] or ""), unquote(in_body[2]))
    if "signature=" in query or "signature=" in body:
        raise error(WRONG_SIGNATURE)
    raise missing(SIGNATURE)


def signature_bytes(signature: str, algorithm: Algorithm) -> bytes:
    """Return a signature, which is hexadecimal for HMAC and base64 for Ed25519.

    Raises `BinanceError` -1022.
    """
    if algorithm is Algorithm.HMAC_SHA256:
        if not _HEX.fullmatch(signature):
            raise error(WRONG_SIGNATURE)
        return bytes.fromhex(signature)
    if len(signature) > _BASE64_LENGTH:
        raise error(WRONG_SIGNATURE)
    try:
        return b64decode(signature, validate=True)
    except ValueError:
        raise error(WRONG_SIGNATURE) from None


def check_time(parameters: Parameters, arrived_at_ms: int) -> None:
    """Return when a request arrived in time.

    Raises
    ------
    BinanceError
        -1102 without a time, -1100 for none, -1131 for too wide a window, -1021 too late or early.

    """
    sent = parameters.required(TIMESTAMP)
    if _MICROSECONDS.fullmatch(sent):
        time_us = int(sent)
    elif _MILLISECONDS.fullmatch(sent):
        time_us = int(sent) * 1_000
    else:
        raise illegal(TIMESTAMP, "^[0-9]{13}([0-9]{3})?$")
    arrived_us = arrived_at_ms * 1_000
    if time_us >= arrived_us + AHEAD_MS_MAX * 1_000:
        raise error(FROM_FUTURE)
    if arrived_us - time_us > _window_us(parameters):
        raise error(OUTSIDE_WINDOW)


def _window_us(parameters: Parameters) -> int:
    sent = parameters.text(WINDOW)
    if sent is None:
        return WINDOW_MS_DEFAULT * 1_000
    if not _WINDOW_FORM.fullmatch(sent):
        raise illegal(WINDOW, r"^[0-9]{1,5}(\.[0-9]{1,3})?$")
    whole, _, fraction = sent.partition(".")
    window_us = int(whole) * 1_000 + int(fraction.ljust(3, "0"))
    if window_us > WINDOW_MS_MAX * 1_000:
        raise error(BAD_WINDOW)
    return window_us
