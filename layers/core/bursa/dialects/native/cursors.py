"""Opaque cursors: where the next page begins.

A cursor is base64url over 16 bytes of HMAC-SHA-256 (RFC 2104) and the position. The code covers
whose list it is and how it was filtered, under a key of the deployment, so that a cursor can be
neither invented nor carried to another list. Whatever else is sent as one is refused before any of
it is looked at.
"""

import base64
import hmac
import re
from collections.abc import Callable

from bursa.kernel.errors import InvalidInput

_CODE_BYTES = 16
CURSOR_LENGTH_MAX = 512
_FORM = re.compile(rf"[A-Za-z0-9_-]{{1,{CURSOR_LENGTH_MAX}}}", re.ASCII)


class Cursors:
    """Writes and reads cursors.

    Parameters
    ----------
    read_key
        Returns the deployment's key; called only where there is a cursor.

    """

    def __init__(self, read_key: Callable[[], bytes]) -> None:
        self._read_key = read_key

    def write(self, position: str | None, *scope: object) -> str | None:
        """Return the cursor that continues after a position; None stays None.

        Parameters
        ----------
        scope
            Names the list: its route, whose it is, and its filters.

        """
        if position is None:
            return None
        data = position.encode()
        return base64.urlsafe_b64encode(self._code(data, scope) + data).rstrip(b"=").decode()

    def read(self, cursor: str | None, *scope: object) -> str | None:
        """Return the position in a cursor of this list; None stays None.

        Raises
        ------
        InvalidInput
            ``invalid_cursor``.
        Unavailable
            The key can't be read.

        """
        if cursor is None:
            return None
        data = _decode(cursor)
        code, position = data[:_CODE_BYTES], data[_CODE_BYTES:]
        if not position or not hmac.compare_digest(code, self._code(position, scope)):
            raise InvalidInput(
                "invalid_cursor",
                "Send the next_cursor of the page before, with the same parameters, or none.",
                field="cursor",
            )
        return position.decode()

    def _code(self, position: bytes, scope: tuple[object, ...]) -> bytes:
        # Parts of a scope are the client's words: repr keeps them apart, whatever they hold.
        named = repr([None if part is None else str(part) for part in scope])
        message = named.encode(errors="backslashreplace") + b"\0" + position
        return hmac.digest(self._read_key(), message, "sha256")[:_CODE_BYTES]


def _decode(cursor: str) -> bytes:
    """Return the bytes of a cursor; none for what `write` can't have written."""
    if not _FORM.fullmatch(cursor):
        return b""
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        return b""
    # Of several texts for the same bytes only one is a cursor.
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == cursor else b""
