"""Signatures on secp256k1: from DER to the low-s form with its recovery id, verified each time.

Both families of chains refuse a signature whose s is in the upper half of the group's order; half
of those that KMS makes are (SEC 1, 4.1; EIP-2; BIP 146). The other root of the same signature is
valid too, for the mirrored point.
"""

from typing import Final

import coincurve

from bursa.kernel.errors import Unavailable
from bursa.wallets.chains.ports import Signature

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DIGEST_BYTES: Final = 32
_HALF: Final = ORDER // 2
_SCALAR_BYTES: Final = 32
_INTEGER, _SEQUENCE = 0x02, 0x30
_DER_BYTES_MAX = 72


def from_der(der: bytes, digest: bytes, public_key: bytes) -> Signature:
    """Return a signature in the low-s form, with the recovery id of its key.

    Raises
    ------
    Unavailable
        ``signature_of_other_key``: not DER, or not this key's signature of this digest.

    """
    r, s = _parsed(der)
    if not 0 < r < ORDER or not 0 < s < ORDER:
        raise _bad()
    s = min(s, ORDER - s)
    wanted = coincurve.PublicKey(public_key).format(compressed=False)
    for recovery in (0, 1):
        signature = Signature(r, s, recovery)
        if recover(digest, signature) == wanted:
            return signature
    raise _bad()


def recover(digest: bytes, signature: Signature) -> bytes | None:
    """Return the uncompressed public key that made a signature; None where none did.

    A signature with a high s, and a digest of another length, are nobody's.
    """
    if len(digest) != DIGEST_BYTES or not _is_low(signature) or signature.recovery not in {0, 1}:
        return None
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            compact(signature) + bytes([signature.recovery]), digest, hasher=None
        )
    except ValueError:
        return None
    except Exception:  # noqa: BLE001 - the library raises a bare Exception for what has no key
        return None
    return key.format(compressed=False)


def is_of(public_key: bytes, digest: bytes, signature: Signature) -> bool:
    """Return whether a key made a signature, in its low-s form, of a digest."""
    return recover(digest, signature) == coincurve.PublicKey(public_key).format(compressed=False)


def compact(signature: Signature) -> bytes:
    """Return r and s, 32 bytes each."""
    return signature.r.to_bytes(_SCALAR_BYTES, "big") + signature.s.to_bytes(_SCALAR_BYTES, "big")


def to_der(signature: Signature) -> bytes:
    """Return the strict DER form that Bitcoin demands (BIP 66)."""
    body = _integer(signature.r) + _integer(signature.s)
    return bytes([_SEQUENCE, len(body)]) + body


def _integer(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([_INTEGER, len(data)]) + data


def _is_low(signature: Signature) -> bool:
    return 0 < signature.r < ORDER and 0 < signature.s <= _HALF


def _parsed(der: bytes) -> tuple[int, int]:
    """Return r and s of strict DER: it must be what they are written as again."""
    try:
        if len(der) > _DER_BYTES_MAX or der[0] != _SEQUENCE or der[2] != _INTEGER:
            raise _bad()
        middle = 4 + der[3]
        r = int.from_bytes(der[4:middle], "big")
        s = int.from_bytes(der[middle + 2 :], "big")
    except IndexError:
        raise _bad() from None
    if to_der(Signature(r, s, 0)) != der:
        raise _bad()
    return r, s


def _bad() -> Unavailable:
    return Unavailable("signature_of_other_key", "Ask again: the signature is not this key's.")
