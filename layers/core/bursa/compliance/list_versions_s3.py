"""Sanctions lists in a bucket: each version's files, and which version is in force."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.compliance.list_versions import ListFiles
from bursa.compliance.sanctions_list import BYTES_MAX
from bursa.kernel import object_keys
from bursa.kernel.errors import Conflict, InternalError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHANGED_CODES = ("PreconditionFailed", "ConditionalRequestConflict")
_ROW_BYTES_MAX = 4096
_UNAVAILABLE = ("lists_unavailable", "Send the same again in a moment.")


class S3Lists:
    """All lists of a deployment; see `bursa.compliance.list_versions.ListStore`.

    Also how far it is that everybody is compared with one (`bursa.compliance.rescreening_run`).
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read_in_force(self, name: str) -> bytes | None:
        """See `bursa.compliance.list_versions.ListStore`."""
        with unavailable(*_UNAVAILABLE):
            try:
                return self._get(object_keys.list_in_force(name), _ROW_BYTES_MAX)
            except self._client.exceptions.NoSuchKey:
                return None

    def write_in_force(self, name: str, row: bytes, before: bytes | None) -> None:
        """See `bursa.compliance.list_versions.ListStore`."""
        self._replace(object_keys.list_in_force(name), row, before)

    def read_run(self, name: str) -> bytes | None:
        """See `bursa.compliance.rescreening_run.RunStore`."""
        with unavailable(*_UNAVAILABLE):
            try:
                return self._get(object_keys.rescreening(name), _ROW_BYTES_MAX)
            except self._client.exceptions.NoSuchKey:
                return None

    def write_run(self, name: str, row: bytes, before: bytes | None) -> None:
        """See `bursa.compliance.rescreening_run.RunStore`."""
        self._replace(object_keys.rescreening(name), row, before)

    def _replace(self, key: str, row: bytes, before: bytes | None) -> None:
        """Write a small object on condition that it is as it was read."""
        with unavailable(*_UNAVAILABLE):
            etag = ""
            if before is not None:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
                etag = found["ETag"]
                if found["Body"].read() != before:
                    raise _changed()
            try:
                if etag:
                    self._client.put_object(Bucket=self._bucket, Key=key, Body=row, IfMatch=etag)
                else:
                    self._client.put_object(Bucket=self._bucket, Key=key, Body=row, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _CHANGED_CODES:
                    raise _changed() from error
                raise

    def read_files(self, name: str, digest: str) -> ListFiles:
        """See `bursa.compliance.list_versions.ListStore`."""
        with unavailable(*_UNAVAILABLE):
            return ListFiles(
                *(
                    self._get(object_keys.list_file(name, digest, file), BYTES_MAX)
                    for file in ListFiles._fields
                )
            )

    def write_files(self, name: str, digest: str, files: ListFiles) -> None:
        """See `bursa.compliance.list_versions.ListStore`."""
        with unavailable(*_UNAVAILABLE):
            for file, data in files._asdict().items():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=object_keys.list_file(name, digest, file),
                    Body=data,
                    ChecksumAlgorithm="SHA256",
                )

    def _get(self, key: str, bytes_max: int) -> bytes:
        found = self._client.get_object(Bucket=self._bucket, Key=key)
        if found["ContentLength"] > bytes_max:
            raise InternalError("list_damaged", f"{key} is longer than any list.")
        return found["Body"].read()


def _changed() -> Conflict:
    return Conflict("list_changed", "Another list was put in force just now; look and try again.")
