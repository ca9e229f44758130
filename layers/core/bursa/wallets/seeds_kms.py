"""A wallet's seed, sealed by the AWS Encryption SDK under a data key of KMS, in a context.

Tenant, family and purpose are the context; a blob of another tenant, or one that was changed,
does not open. Only the signer may decrypt with this key (docs/wallets.md). What is opened is a key
of one path, never the seed itself.

Importing the SDK takes as long as a whole start of a function: import this lazily.
"""

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import coincurve
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey
from cryptography.exceptions import InvalidTag
from embit.bip32 import HDKey

from bursa.aws.failures import unavailable
from bursa.kernel.errors import InternalError, InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.wallets.chains.ports import Signature

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_PROVIDER: Final = "bursa-wallet"
_PURPOSE: Final = "wallet-seed"
_KEY_BYTES: Final = 32
_SEED_BYTES: Final = range(16, 65)  # BIP 32
_UNAVAILABLE: Final = ("seeds_unavailable", "Sign again in a moment; the same digest is safe.")


class SealedSeeds:
    """Seals seeds and opens keys of them, with one key of KMS.

    Parameters
    ----------
    family
        What the seed is for, part of the context: ``evm`` or ``bitcoin``.

    """

    def __init__(self, client: "KMSClient", key_id: str, tenant: TenantId, family: str) -> None:
        self._client = client
        self._key_id = key_id
        self._context = {"tenant": str(tenant), "family": family, "purpose": _PURPOSE}
        self._sdk = EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
            max_encrypted_data_keys=1,
        )

    def seal(self, seed: bytes) -> bytes:
        """Return a seed as it may be stored.

        Raises
        ------
        InvalidInput
            ``invalid_seed``: not 16 to 64 bytes.

        """
        if len(seed) not in _SEED_BYTES:
            raise InvalidInput("invalid_seed", "Seal a seed of 16 to 64 bytes.")
        with unavailable(*_UNAVAILABLE):
            made = self._client.generate_data_key(
                KeyId=self._key_id, NumberOfBytes=_KEY_BYTES, EncryptionContext=self._context
            )
        sealed, _ = self._sdk.encrypt(
            source=seed,
            key_provider=self._provider(made["Plaintext"]),
            encryption_context=self._context,
            algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        )
        parts = {"key": made["CiphertextBlob"], "seed": bytes(sealed)}
        return json.dumps(
            {name: base64.b64encode(part).decode() for name, part in parts.items()}
        ).encode()

    def account_public_key(self, sealed: bytes, account_path: str) -> str:
        """Return an account's extended public key, which makes addresses and spends nothing."""
        return str(self._root(sealed).derive(account_path).to_public().to_base58())

    def key(self, sealed: bytes, path: str) -> "SeedKey":
        """Return the signing key of a path.

        Raises
        ------
        InternalError
            ``seed_damaged``: it was changed, or belongs to another tenant, family or key of KMS.

        """
        return SeedKey(self._root(sealed).derive(path).secret)

    def _root(self, sealed: bytes) -> HDKey:
        try:
            parts = {name: base64.b64decode(part) for name, part in json.loads(sealed).items()}
            sealed_key, sealed_seed = parts["key"], parts["seed"]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise _damaged() from error
        try:
            with unavailable(*_UNAVAILABLE):
                opened = self._client.decrypt(
                    KeyId=self._key_id,
                    CiphertextBlob=sealed_key,
                    EncryptionContext=self._context,
                )
        except Exception as error:
            if _is_refusal(error.__cause__):
                raise _damaged() from error
            raise
        try:
            seed, header = self._sdk.decrypt(
                source=sealed_seed, key_provider=self._provider(opened["Plaintext"])
            )
        except (AWSEncryptionSDKClientError, InvalidTag) as error:
            raise _damaged() from error
        if self._context.items() - header.encryption_context.items():
            raise _damaged()
        return HDKey.from_seed(bytes(seed))

    def _provider(self, key: bytes) -> Any:  # noqa: ANN401 - the SDK has no types
        wrapping = WrappingKey(
            WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING, key, EncryptionKeyType.SYMMETRIC
        )
        return RawMasterKey(
            provider_id=_PROVIDER,
            key_id=f"{self._context['tenant']}/{self._context['family']}",
            wrapping_key=wrapping,
        )


class SeedKey:
    """A key of a seed's path, in memory for one signature; see `keys.SigningKey`."""

    def __init__(self, secret: bytes) -> None:
        self._key = coincurve.PrivateKey(secret)

    @property
    def public_key(self) -> bytes:
        """The compressed public key."""
        return self._key.public_key.format()

    def sign(self, digest: bytes) -> Signature:
        """Return a signature of a digest; libsecp256k1 makes them with a low s (RFC 6979)."""
        made = self._key.sign_recoverable(digest, hasher=None)
        return Signature(
            int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), made[64]
        )


def _is_refusal(cause: BaseException | None) -> bool:
    """Return whether KMS says that the blob is not of this key and context."""
    response = getattr(cause, "response", {})
    return response.get("Error", {}).get("Code") in {
        "InvalidCiphertextException",
        "IncorrectKeyException",
    }


def _damaged() -> InternalError:
    return InternalError("seed_damaged", "Compare the seed's tenant, family and key of KMS.")
