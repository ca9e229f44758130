"""Signing keys of KMS: ECC_SECG_P256K1, SIGN_VERIFY; the private key never leaves it.

KMS signs a digest as it is (DIGEST) and answers in DER, half of the time with a high s. What it
answers is believed only after it was verified against the public key that the caller expects.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from bursa.aws.failures import unavailable
from bursa.kernel.errors import InternalError
from bursa.wallets.chains.ports import Signature
from bursa.wallets.signatures import from_der

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_UNAVAILABLE: Final = ("signing_unavailable", "Sign again in a moment; the same digest is safe.")
_SPEC, _USAGE = "ECC_SECG_P256K1", "SIGN_VERIFY"


class KmsKey:
    """A key of KMS; see `keys.SigningKey`.

    Parameters
    ----------
    expected
        The compressed public key that is on record, from which addresses were made; empty only
        while a key is set up.

    """

    def __init__(self, client: "KMSClient", key_id: str, expected: bytes = b"") -> None:
        self._client = client
        self._key_id = key_id
        self._expected = expected

    @cached_property
    def public_key(self) -> bytes:
        """The compressed public key.

        Raises
        ------
        InternalError
            ``wrong_wallet_key``: of another kind, or not the one on record.

        """
        with unavailable(*_UNAVAILABLE):
            told = self._client.get_public_key(KeyId=self._key_id)
        key = load_der_public_key(told["PublicKey"])
        if (
            told.get("KeySpec") != _SPEC
            or told.get("KeyUsage") != _USAGE
            or not isinstance(key, ec.EllipticCurvePublicKey)
        ):
            raise _wrong(self._key_id)
        found = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        if self._expected not in {b"", found}:
            raise _wrong(self._key_id)
        return found

    def sign(self, digest: bytes) -> Signature:
        """Return a signature of a digest of 32 bytes, verified."""
        expected = self.public_key
        with unavailable(*_UNAVAILABLE):
            told = self._client.sign(
                KeyId=self._key_id,
                Message=digest,
                MessageType="DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        return from_der(told["Signature"], digest, expected)


def _wrong(key_id: str) -> InternalError:
    return InternalError("wrong_wallet_key", f"Compare {key_id} with the record of the wallet.")
