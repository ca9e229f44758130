"""Personal data sealed by the AWS Encryption SDK under a key of each user's own.

A user's key is random, and kept only as KMS sealed it under the tenant's key, in a context of
tenant and user. Data is sealed by the Encryption SDK (AES-256-GCM with key commitment) under the
user's key, in the same context. So nothing opens with another user's or tenant's key, and whoever
destroys the user's key has destroyed every copy of what was sealed with it.

Importing the SDK takes as long as a whole start of a function: import this lazily.
"""

from typing import TYPE_CHECKING, Any, Final, Protocol

from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey
from cryptography.exceptions import InvalidTag

from bursa.aws.failures import unavailable
from bursa.kernel.errors import InternalError, NotFound
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_kms import KMSClient

_PROVIDER: Final = "bursa-user"
_PURPOSE: Final = "personal-data"
_KEY_BYTES: Final = 32
_UNAVAILABLE: Final = ("personal_data_unavailable", "Send the same again in a moment.")


class UserKeys(Protocol):
    """Where users' sealed keys are; a place without backups. Raises `Unavailable`."""

    def find(self, tenant: TenantId, user: str) -> bytes | None:
        """Return a user's sealed key."""

    def add(self, tenant: TenantId, user: str, sealed: bytes) -> bytes:
        """Keep a user's first sealed key; return the one that is there then."""

    def remove(self, tenant: TenantId, user: str) -> None:
        """Destroy it; safe to repeat."""


class UserVault:
    """See `bursa.compliance.personal_records.Vault`.

    Parameters
    ----------
    key_of
        The id, ARN or alias of a tenant's key of KMS.

    """

    def __init__(
        self, client: "KMSClient", keys: UserKeys, key_of: "Callable[[TenantId], str]"
    ) -> None:
        self._client = client
        self._keys = keys
        self._key_of = key_of
        self._sdk = EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
            max_encrypted_data_keys=1,
        )

    def seal(self, tenant: TenantId, user: str, data: bytes) -> bytes:
        """See `bursa.compliance.personal_records.Vault`."""
        sealed_key = self._keys.find(tenant, user)
        if sealed_key is None:
            with unavailable(*_UNAVAILABLE):
                made = self._client.generate_data_key(
                    KeyId=self._key_of(tenant),
                    NumberOfBytes=_KEY_BYTES,
                    EncryptionContext=_context(tenant, user),
                )
            sealed_key = self._keys.add(tenant, user, made["CiphertextBlob"])
        sealed, _ = self._sdk.encrypt(
            source=data,
            key_provider=self._key(tenant, user, sealed_key),
            encryption_context=_context(tenant, user),
            algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        )
        return bytes(sealed)

    def open(self, tenant: TenantId, user: str, sealed: bytes) -> bytes:
        """See `bursa.compliance.personal_records.Vault`.

        Raises
        ------
        InternalError
            ``personal_data_damaged``: it was changed, or belongs to another user.

        """
        sealed_key = self._keys.find(tenant, user)
        if sealed_key is None:
            raise NotFound("no_personal_data", "The user has given no personal data.")
        key = self._key(tenant, user, sealed_key)
        try:
            opened, header = self._sdk.decrypt(source=sealed, key_provider=key)
        except (AWSEncryptionSDKClientError, InvalidTag) as error:
            raise _damaged() from error
        if _context(tenant, user).items() - header.encryption_context.items():
            raise _damaged()
        return bytes(opened)

    def destroy(self, tenant: TenantId, user: str) -> None:
        """See `bursa.compliance.personal_records.Vault`."""
        self._keys.remove(tenant, user)

    def _key(self, tenant: TenantId, user: str, sealed_key: bytes) -> Any:  # noqa: ANN401 - the SDK has no types
        with unavailable(*_UNAVAILABLE):
            key = self._client.decrypt(
                KeyId=self._key_of(tenant),
                CiphertextBlob=sealed_key,
                EncryptionContext=_context(tenant, user),
            )["Plaintext"]
        wrapping = WrappingKey(
            WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING, key, EncryptionKeyType.SYMMETRIC
        )
        return RawMasterKey(provider_id=_PROVIDER, key_id=f"{tenant}/{user}", wrapping_key=wrapping)


def _context(tenant: TenantId, user: str) -> dict[str, str]:
    return {"tenant": str(tenant), "user": user, "purpose": _PURPOSE}


def _damaged() -> InternalError:
    return InternalError("personal_data_damaged", "The personal data can't be read.")
