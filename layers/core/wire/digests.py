"""What a command asks for, in eight bytes: equal for a repeat, whoever sends it and whenever.

The engine may change an order (its quantity, price or type), but never the command that placed it.
So whether two requests are the same is told by their commands, as intake sent them and the journal
keeps them. Intake time and actor are no part of it: a repeat comes later, perhaps by another key of
the same account. BLAKE2b-64 (RFC 7693) over little-endian words.
"""

from collections.abc import Iterable
from hashlib import blake2b

from wire import layout as w

DIGEST_BYTES = 8
_KIND_END = w.HEADER_ID_HIGH * w.WORD_BYTES
_ID_END = w.HEADER_TIME_MS * w.WORD_BYTES
_ASKED = w.HEADER_ACCOUNT * w.WORD_BYTES


def command_digest(command: bytes) -> bytes:
    """Return the digest of a command's words, its id not counted."""
    return blake2b(command[:_KIND_END] + command[_ASKED:], digest_size=DIGEST_BYTES).digest()


def request_digest(commands: Iterable[bytes]) -> bytes:
    """Return the digest of a message's commands in order, with their ids.

    The ids say under which client order ids a batch places its orders.
    """
    digest = blake2b(digest_size=DIGEST_BYTES)
    for command in commands:
        digest.update(command[:_ID_END] + command[_ASKED:])
    return digest.digest()
