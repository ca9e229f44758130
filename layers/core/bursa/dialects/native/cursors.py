"""Opaque cursors: where the next page begins.

A cursor is the position, encrypted (`bursa.tenants.pseudonyms_cryptography`): a position names the
last row of a page by numbers that grow with every tenant of the shard. The scope of the cipher is
whose list it is and how it was filtered, so that a cursor can be neither invented nor carried to
another list.
"""

from bursa.dialects.native.public_ids import Pseudonyms
from bursa.kernel.errors import InvalidInput


class Cursors:
    """Writes and reads cursors; ``pseudonyms`` have a key of the deployment."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def write(self, position: str | None, *scope: object) -> str | None:
        """Return the cursor that continues after a position; None stays None.

        Parameters
        ----------
        scope
            Names the list: its route, whose it is, and its filters.

        """
        return None if position is None else self._pseudonyms.of(position.encode(), _named(scope))

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
        position = self._pseudonyms.data_of(cursor, _named(scope))
        if position is None:
            raise InvalidInput(
                "invalid_cursor",
                "Send the next_cursor of the page before, with the same parameters, or none.",
                field="cursor",
            )
        return position.decode()


def _named(scope: tuple[object, ...]) -> bytes:
    # Parts of a scope are the client's words: repr keeps them apart, whatever they hold.
    named = repr([None if part is None else str(part) for part in scope])
    return named.encode(errors="backslashreplace")
