"""Keys of wallets in memory, for tests alone."""

import coincurve

from bursa.wallets.chains.evm_encoding import address_of
from bursa.wallets.chains.ports import Signature


class SoftwareKey:
    """See `bursa.wallets.keys.SigningKey`."""

    def __init__(self, secret: bytes) -> None:
        self.private = coincurve.PrivateKey(secret)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key.format()

    @property
    def evm_address(self) -> str:
        return address_of(self.private.public_key.format(compressed=False))

    def sign(self, digest: bytes) -> Signature:
        made = self.private.sign_recoverable(digest, hasher=None)
        return Signature(
            int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), made[64]
        )
