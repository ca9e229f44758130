"""Opaque cursors: where the next page begins.

A cursor is base64url over 8 bytes of BLAKE2b (RFC 7693) and the position. The digest covers whose
list it is and how it was filtered, so a cursor can't be carried to another list. It is no secret
and need not be: partition keys come from the verified identity, never from a cursor.
"""

import base64
from hashlib import blake2b

from bursa.kernel.errors import InvalidInput

_DIGEST_BYTES = 8
CURSOR_LENGTH_MAX = 128


def write_cursor(position: str, scope: str) -> str:
    """Return the cursor that continues after a position of the list that `scope` names."""
    data = position.encode()
    return base64.urlsafe_b64encode(_digest(data, scope) + data).rstrip(b"=").decode()


def read_cursor(cursor: str | None, scope: str) -> str | None:
    """Read a cursor back; None stays None. Raises `InvalidInput` ``invalid_cursor``."""
    if cursor is None:
        return None
    data = _decode(cursor)
    digest, position = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if not position or digest != _digest(position, scope):
        raise InvalidInput(
            "invalid_cursor",
            "Send the next_cursor of the page before, with the same parameters, or none.",
            field="cursor",
        )
    return position.decode()


def _decode(cursor: str) -> bytes:
    """Return no bytes for what is no base64."""
    if len(cursor) > CURSOR_LENGTH_MAX:
        return b""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _digest(position: bytes, scope: str) -> bytes:
    return blake2b(scope.encode() + b"\0" + position, digest_size=_DIGEST_BYTES).digest()
