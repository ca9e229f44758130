"""Pseudonyms: what leaves the exchange for ids, and for positions in lists.

A shard numbers the commands and trades of all its tenants together, so a tenant that could read
the numbers of its own would know how much the others do (docs/adr/0073). What leaves the exchange
is therefore encrypted, and found again by decrypting it: nothing is looked up for it.

The cipher is AES-SIV (RFC 5297): the same data always has the same pseudonym, which says nothing of
the data nor of any other, and one that was not made here can't be read. The scope goes into it, so
that a pseudonym means nothing where it does not belong.
"""

import base64
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_KEY_BYTES = 32
_CODE_BYTES = 16
TEXT_LENGTH_MAX = 512
_FORM = re.compile(rf"[A-Za-z0-9_-]{{1,{TEXT_LENGTH_MAX}}}", re.ASCII)


class KeyedPseudonyms:
    """Makes and reads the pseudonyms of one purpose.

    Parameters
    ----------
    read_key
        Returns a secret of the deployment; called only once one is made or read.
    purpose
        Makes another key of the same secret; 16 bytes at most.

    """

    def __init__(self, read_key: Callable[[], bytes], purpose: str) -> None:
        self._read_key = read_key
        self._purpose = purpose.encode()
        self._cipher: AESSIV | None = None

    def of(self, data: bytes, scope: bytes) -> str:
        """Return the pseudonym of data that is not empty: base64url without padding."""
        encrypted = self._known_cipher().encrypt(data, [scope])
        return base64.urlsafe_b64encode(encrypted).rstrip(b"=").decode()

    def data_of(self, pseudonym: str, scope: bytes) -> bytes | None:
        """Return the data; None for a pseudonym that was not made for this scope."""
        encrypted = _decode(pseudonym)
        if len(encrypted) <= _CODE_BYTES:
            return None
        # Imported where it is used, because it costs a start 11 ms.
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._known_cipher().decrypt(encrypted, [scope])
        except InvalidTag:
            return None

    def _known_cipher(self) -> "AESSIV":
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 - above

            key = blake2b(self._read_key(), digest_size=_KEY_BYTES, person=self._purpose)
            self._cipher = AESSIV(key.digest())
        return self._cipher


def _decode(text: str) -> bytes:
    """Return the bytes of a pseudonym; none for what `KeyedPseudonyms.of` can't have written."""
    if not _FORM.fullmatch(text):
        return b""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    # Of several texts for the same bytes only one counts.
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else b""
