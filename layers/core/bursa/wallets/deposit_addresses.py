"""Addresses for deposits, from extended public keys: whoever makes them can spend nothing.

The n-th address of an account's key is that of its child 0/n (BIP 32; the account's own path is
m/44'/60'/0' for EVM and m/84'/0'/0' for Bitcoin). A Bitcoin address may also be one that either of
two keys spends from (docs/adr/0100).
"""

from dataclasses import dataclass
from typing import Final

import coincurve
from embit.base import EmbitError
from embit.bip32 import HDKey

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains import bitcoin_scripts as scripts
from bursa.wallets.chains.bitcoin_network import BitcoinNetwork
from bursa.wallets.chains.evm_encoding import address_of

INDEX_MAX: Final = (1 << 31) - 1
EVM_ACCOUNT: Final = "m/44h/60h/0h"
BITCOIN_ACCOUNT: Final = "m/84h/0h/0h"
_ACCOUNT_DEPTH: Final = 3
_EXTERNAL: Final = 0


@dataclass(frozen=True)
class DepositAddress:
    """An address, and what its owner needs to spend from it.

    ``key`` is the path of the key that signs; ``hot`` where that is the wallet's key of KMS.
    """

    address: str
    key: str
    public_key: bytes
    cold_public_key: bytes = b""


class WatchedKey:
    """An account's extended public key.

    Raises
    ------
    InvalidInput
        ``private_key_given``: it could spend; it must not be here. ``invalid_extended_key``: not
        one, or not of an account (depth 3).

    """

    def __init__(self, text: str, account_path: str) -> None:
        try:
            key = HDKey.from_string(text)
        except (EmbitError, ValueError, IndexError) as error:
            raise _invalid() from error
        if key.is_private:
            raise InvalidInput("private_key_given", "Give the extended public key, xpub.")
        if key.depth != _ACCOUNT_DEPTH:
            raise _invalid()
        self._parent = key.child(_EXTERNAL)
        self._path = f"{account_path}/{_EXTERNAL}"

    def child(self, index: int) -> tuple[str, bytes]:
        """Return path and compressed public key of an address's key.

        Raises
        ------
        InvalidInput
            ``invalid_address_index``: below 0 or above 2**31 - 1.

        """
        if not 0 <= index <= INDEX_MAX:
            raise InvalidInput("invalid_address_index", f"Take an index from 0 to {INDEX_MAX}.")
        return f"{self._path}/{index}", bytes(self._parent.child(index).sec())


class EvmAddresses:
    """Addresses of EVM accounts; the same on every EVM network."""

    def __init__(self, key: WatchedKey) -> None:
        self._key = key

    def address(self, index: int) -> DepositAddress:
        """Return the address of an index."""
        path, public_key = self._key.child(index)
        full = coincurve.PublicKey(public_key).format(compressed=False)
        return DepositAddress(address_of(full), path, public_key)


class KeyAddresses:
    """P2WPKH addresses: the key of a path spends from them."""

    def __init__(self, network: BitcoinNetwork, key: WatchedKey) -> None:
        self._network = network
        self._key = key

    def address(self, index: int) -> DepositAddress:
        """Return the address of an index."""
        path, public_key = self._key.child(index)
        script = scripts.key_script(public_key)
        return DepositAddress(scripts.address_of(script, self._network), path, public_key)


class EitherKeyAddresses:
    """P2WSH addresses: the wallet's key of KMS or a cold key of their own spends from them."""

    def __init__(self, network: BitcoinNetwork, hot_public_key: bytes, cold: WatchedKey) -> None:
        self._network = network
        self._hot = hot_public_key
        self._cold = cold

    def address(self, index: int) -> DepositAddress:
        """Return the address of an index."""
        _, cold = self._cold.child(index)
        script = scripts.hashed(scripts.either_key(self._hot, cold))
        return DepositAddress(scripts.address_of(script, self._network), "hot", self._hot, cold)


def _invalid() -> InvalidInput:
    return InvalidInput(
        "invalid_extended_key", "Give the extended public key of an account (depth 3)."
    )
