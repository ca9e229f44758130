"""Users' files in a bucket: uploaded by a form that allows one file, read by checks alone.

A form is signed for one key under tenant and user, one Content-Type, a size and the tenant's key of
KMS with tenant and user as context; S3 refuses everything else. It is good for ten minutes.
"""

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from bursa.aws.failures import unavailable
from bursa.compliance.documents import (
    BYTES_MAX,
    UPLOAD_S_MAX,
    StoredFile,
    Upload,
    UploadForm,
    document_id,
)
from bursa.kernel import object_keys
from bursa.kernel.errors import NotFound, TooLarge
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from bursa.compliance.cases import CaseFile

_UNAVAILABLE: Final = ("documents_unavailable", "Send the same again in a moment.")


class S3Documents:
    """The files of all users.

    Parameters
    ----------
    key_of
        The ARN of a tenant's key of KMS for documents.
    random_name
        Makes names that nobody guesses.

    """

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        key_of: "Callable[[TenantId], str]",
        random_name: "Callable[[], str]",
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key_of = key_of
        self._random_name = random_name

    def form(self, upload: Upload) -> UploadForm:
        """Return a form for one file; raises `Unavailable` ``documents_unavailable``."""
        key = object_keys.document(
            upload.tenant,
            upload.user,
            upload.attempt,
            document_id(upload.requirement, upload.kind, self._random_name()),
        )
        context = json.dumps({"tenant": str(upload.tenant), "user": upload.user}).encode()
        fields = {
            "Content-Type": upload.kind.value,
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": self._key_of(upload.tenant),
            "x-amz-server-side-encryption-context": b64encode(context).decode(),
        }
        with unavailable(*_UNAVAILABLE):
            signed = self._client.generate_presigned_post(
                Bucket=self._bucket,
                Key=key,
                Fields=fields,
                Conditions=[
                    ["content-length-range", 1, BYTES_MAX],
                    *({name: value} for name, value in fields.items()),
                ],
                ExpiresIn=UPLOAD_S_MAX,
            )
        return UploadForm(signed["url"], signed["fields"], key)

    def read(
        self, tenant: TenantId, user: str, attempt: int, key: str, version: str | None = None
    ) -> StoredFile:
        """Return a file of a user's attempt, the version that was checked or the newest.

        A form is good for a while, so a file may be uploaded again after it was checked: whoever
        uses it afterwards names the version. The bucket keeps versions.

        Raises
        ------
        NotFound
            ``no_document``: it has not arrived, or is not theirs.
        TooLarge
            ``document_too_large``
        Unavailable
            ``documents_unavailable``

        """
        if not key.startswith(object_keys.documents_of(tenant, user, attempt)):
            raise _missing()
        with unavailable(*_UNAVAILABLE):
            try:
                if version is None:
                    found = self._client.get_object(Bucket=self._bucket, Key=key)
                else:
                    found = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)
            except self._client.exceptions.NoSuchKey:
                raise _missing() from None
            if found["ContentLength"] > BYTES_MAX:
                raise TooLarge("document_too_large", f"Send at most {BYTES_MAX} bytes.")
            return StoredFile(found["Body"].read(), found["VersionId"])

    def erase(self, tenant: TenantId, user: str) -> None:
        """Remove all files of a user, in all versions; safe to repeat. Raises `Unavailable`."""
        with unavailable(*_UNAVAILABLE):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=object_keys.documents_of_user(tenant, user)
            )
            for page in pages:
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    self._client.delete_object(
                        Bucket=self._bucket, Key=one["Key"], VersionId=one["VersionId"]
                    )

    def link(self, file: "CaseFile", expires_s: int) -> str:
        """Return an address at which the version of a file that was checked is read for a while.

        It is saved, never shown: what a browser would make of it is nobody's to find out.
        """
        with unavailable(*_UNAVAILABLE):
            address: str = self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": file.key,
                    "VersionId": file.version,
                    "ResponseContentType": file.kind,
                    "ResponseContentDisposition": "attachment",
                },
                ExpiresIn=expires_s,
            )
        return address


def _missing() -> NotFound:
    return NotFound("no_document", "Upload the file first.")
