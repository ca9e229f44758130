"""Keys that sign for wallets, as whoever signs sees them: a public key, and signatures of digests.

Only the signer holds one, and it signs what it has built itself (docs/wallets.md).
"""

from collections.abc import Mapping
from typing import Protocol

from bursa.kernel.errors import NotAllowed
from bursa.wallets.chains.ports import Request, Signature


class SigningKey(Protocol):
    """A key on secp256k1."""

    @property
    def public_key(self) -> bytes:
        """The compressed public key, 33 bytes."""

    def sign(self, digest: bytes) -> Signature:
        """Return a verified low-s signature of 32 bytes; raises `Unavailable`."""


def sign_all(
    keys: Mapping[str, SigningKey], requests: tuple[Request, ...]
) -> tuple[Signature, ...]:
    """Return the signatures that a transaction asks for, in its order.

    Raises
    ------
    NotAllowed
        ``unknown_wallet_key``: it asks for a key that the signer does not hold, or by another
        public key. Nothing is signed then.

    """
    for request in requests:
        key = keys.get(request.key)
        if key is None or request.public_key not in {b"", key.public_key}:
            raise NotAllowed("unknown_wallet_key", f"No key {request.key} signs here.")
    return tuple(keys[request.key].sign(request.digest) for request in requests)
