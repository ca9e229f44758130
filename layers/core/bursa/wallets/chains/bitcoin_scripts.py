"""Bitcoin's addresses and scripts. embit reads them; which network they are of is checked here.

embit's own parser of addresses takes those of every network.
"""

import hashlib
from typing import Final

from embit import base58, bech32, script
from embit.hashes import hash160

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.bitcoin_network import BitcoinNetwork

# The least value of an output that nodes relay, by its script's kind (Bitcoin Core's dust limit at
# 3,000 satoshi per thousand virtual bytes). Versions of witness programs to come count as P2TR.
DUST: Final = {"p2pkh": 546, "p2sh": 540, "p2wpkh": 294, "p2wsh": 330, "p2tr": 330}
_DUST_OTHERS: Final = 330
_LENGTH_MAX: Final = 90
_HASH_BYTES: Final = 20
_PUBLIC_KEY_BYTES: Final = 33
# The only program of a version above 0 that has a meaning today: anything else can be taken by all.
_TAPROOT = (1, 32)


def parse_address(text: str, network: BitcoinNetwork) -> tuple[str, bytes]:
    """Return an address in its one form, and its output script.

    Raises
    ------
    InvalidInput
        ``invalid_address``: no address, or a wrong checksum. ``address_of_other_network``.
        ``unknown_address_kind``: a witness version that nothing spends yet.

    """
    if not text.isascii() or len(text) > _LENGTH_MAX:
        raise _invalid()
    _, prefix, data = bech32.bech32_decode(text)
    if prefix is None:
        return text, _from_base58(text, network)
    if not data:
        raise _invalid()
    if prefix != network.prefix:
        raise _other(network)
    version, program = bech32.decode(prefix, text)
    if version is None:
        raise _invalid()
    if version and (version, len(program)) != _TAPROOT:
        raise InvalidInput(
            "unknown_address_kind",
            "Send an address of another kind: nobody can safely spend from this one yet.",
            field="address",
        )
    opcode = version + 0x50 if version else 0
    return text.lower(), bytes([opcode, len(program), *program])


def _from_base58(text: str, network: BitcoinNetwork) -> bytes:
    try:
        data = base58.decode_check(text)
    except ValueError:
        raise _invalid() from None
    if len(data) != _HASH_BYTES + 1:
        raise _invalid()
    if data[0] == network.key_hash_version:
        return b"\x76\xa9\x14" + bytes(data[1:]) + b"\x88\xac"
    if data[0] == network.script_hash_version:
        return b"\xa9\x14" + bytes(data[1:]) + b"\x87"
    raise _other(network)


def dust_limit(output_script: bytes) -> int:
    """Return the least value in satoshi of an output with this script."""
    return DUST.get(script.Script(output_script).script_type() or "", _DUST_OTHERS)


def key_script(public_key: bytes) -> bytes:
    """Return the output script of a compressed public key (P2WPKH)."""
    _check_key(public_key)
    return b"\x00\x14" + bytes(hash160(public_key))


def either_key(hot: bytes, cold: bytes) -> bytes:
    """Return the witness script that either of two keys satisfies: ``multi(1, hot, cold)``."""
    for key in (hot, cold):
        _check_key(key)
    keys = b"".join(bytes([len(key)]) + key for key in (hot, cold))
    return b"\x51" + keys + b"\x52\xae"


def hashed(witness_script: bytes) -> bytes:
    """Return the output script of a witness script (P2WSH)."""
    return b"\x00\x20" + hashlib.sha256(witness_script).digest()


def address_of(output_script: bytes, network: BitcoinNetwork) -> str:
    """Return the address of a P2WPKH or P2WSH output script."""
    return str(bech32.encode(network.prefix, 0, output_script[2:]))


def _check_key(public_key: bytes) -> None:
    if len(public_key) != _PUBLIC_KEY_BYTES or public_key[0] not in {2, 3}:
        raise InvalidInput("invalid_public_key", "Use a compressed public key of 33 bytes.")


def _invalid() -> InvalidInput:
    return InvalidInput(
        "invalid_address", "Compare the address with its source: it is none.", field="address"
    )


def _other(network: BitcoinNetwork) -> InvalidInput:
    return InvalidInput(
        "address_of_other_network",
        f"Send an address of {network.name}: this one is of another network.",
        field="address",
    )
