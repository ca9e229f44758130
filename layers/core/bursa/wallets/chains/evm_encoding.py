"""Bytes of EVM chains: Keccak-256, addresses, calls of ERC-20 tokens, EIP-1559 transactions.

Recursive-length prefixes are written here, and only written: the packages that do it bring half a
second of imports to each cold start (docs/dependencies.md). Tests hold every byte against
eth-account's.
"""

import re
from collections.abc import Sequence
from typing import Final

from Crypto.Hash import keccak

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.ports import Signature

# ERC-20: `transfer(address,uint256)`, and the event `Transfer(address,address,uint256)`.
TRANSFER_CALL: Final = bytes.fromhex("a9059cbb")
TRANSFER_EVENT: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_ADDRESS_BYTES: Final = 20
_WORD_BYTES: Final = 32
_CHECKSUM_CAPITAL: Final = 8
_SHORT_MAX: Final = 55
_SINGLE_BYTE_MAX: Final = 0x7F
_STRING: Final = 0x80
_LIST: Final = 0xC0
_DYNAMIC_FEE: Final = b"\x02"  # the transaction type of EIP-1559

Item = bytes | int | Sequence["Item"]


def keccak_256(data: bytes) -> bytes:
    """Return the hash that EVM chains use: Keccak as submitted, not SHA3-256."""
    return keccak.new(digest_bits=256, data=data).digest()


def checksum_address(address: bytes) -> str:
    """Return the form of EIP-55 of 20 bytes."""
    digits = address.hex()
    marks = keccak_256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= _CHECKSUM_CAPITAL else digit
        for digit, mark in zip(digits, marks, strict=False)
    )


def address_of(public_key: bytes) -> str:
    """Return the address of an uncompressed public key of 65 bytes."""
    return checksum_address(keccak_256(public_key[1:])[-_ADDRESS_BYTES:])


def parse_address(text: str) -> str:
    """Return an address by EIP-55.

    Raises
    ------
    InvalidInput
        ``invalid_address``: not 0x and 40 hexadecimal digits. ``address_checksum``: of mixed case,
        and not in the form of EIP-55. ``zero_address``: what is sent there is lost.

    """
    if _ADDRESS.fullmatch(text) is None:
        raise InvalidInput(
            "invalid_address",
            "Send an address of 0x and 40 hexadecimal digits.",
            field="address",
        )
    known = checksum_address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits not in {digits.lower(), digits.upper()} and text != known:
        raise InvalidInput(
            "address_checksum",
            "Compare the address with its source: a character of it is wrong.",
            field="address",
        )
    if int(digits, 16) == 0:
        raise InvalidInput(
            "zero_address", "Send another address: nobody has the zero address.", field="address"
        )
    return known


def transfer_call(destination: str, amount: int) -> bytes:
    """Return the call data of a token's transfer."""
    address = bytes.fromhex(destination[2:])
    return TRANSFER_CALL + address.rjust(_WORD_BYTES, b"\0") + amount.to_bytes(_WORD_BYTES, "big")


def transaction(fields: Sequence[Item], signature: Signature | None = None) -> bytes:
    """Return an EIP-1559 transaction: without a signature what is hashed to sign it.

    ``fields`` are chain id, nonce, tip, fee, gas limit, destination, value, data, access list.
    """
    signed: list[Item] = [*fields]
    if signature is not None:
        signed += [signature.recovery, signature.r, signature.s]
    return _DYNAMIC_FEE + encode(signed)


def encode(item: Item) -> bytes:
    """Return an item's recursive-length prefix form (Ethereum's yellow paper, appendix B)."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] <= _SINGLE_BYTE_MAX:
            return item
        return _prefix(len(item), _STRING) + item
    body = b"".join(encode(one) for one in item)
    return _prefix(len(body), _LIST) + body


def _prefix(length: int, kind: int) -> bytes:
    if length <= _SHORT_MAX:
        return bytes([kind + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([kind + _SHORT_MAX + len(size)]) + size
