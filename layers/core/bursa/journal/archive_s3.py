"""The archive in S3, under Object Lock (infra/archive.yaml): nobody may change or delete it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.archive import decode_head, encode_head
from bursa.journal.replica import Head
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PRECONDITION_CODES = ("PreconditionFailed", "ConditionalRequestConflict")
_COPIED_BYTES = 1 << 20


class S3Archive:
    """One shard's archive."""

    def __init__(self, client: "S3Client", bucket: str, shard: int) -> None:
        self._client = client
        self._bucket = bucket
        self._shard = shard

    def ends(self) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        return self._numbers(keys.archived_ends(self._shard))

    def read_end(self, segment: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return self._read_head(keys.archived_end(self._shard, segment))

    def write_end(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._put(keys.archived_end(self._shard, segment), encode_head(head))

    def read_segment(self, segment: int, path: Path) -> None:
        """See `bursa.journal.archive.Archive`."""
        with outcome_unknown(), path.open("wb") as file:
            body = self._get(keys.archived_segment(self._shard, segment))
            while data := body.read(_COPIED_BYTES):
                file.write(data)

    def has_segment(self, segment: int) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return bool(self._numbers(keys.archived_segment(self._shard, segment)))

    def write_segment(self, segment: int, path: Path) -> bool:
        """See `bursa.journal.archive.Archive`."""
        with path.open("rb") as file:
            return self._put(keys.archived_segment(self._shard, segment), file)

    def audited(self) -> list[int]:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._numbers(keys.audited_ends(self._shard))

    def read_audited(self, segment: int) -> Head:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._read_head(keys.audited_end(self._shard, segment))

    def write_audited(self, segment: int, head: Head) -> bool:
        """See `bursa.journal.audit.AuditedArchive`."""
        return self._put(keys.audited_end(self._shard, segment), encode_head(head))

    def heads(self, after: int = 0) -> list[int]:
        """See `bursa.journal.archive.Archive`."""
        last = keys.archived_head(self._shard, after)
        return self._numbers(keys.archived_heads(self._shard), last)

    def read_head(self, sequence: int) -> Head:
        """See `bursa.journal.archive.Archive`."""
        return self._read_head(keys.archived_head(self._shard, sequence))

    def write_head(self, head: Head) -> bool:
        """See `bursa.journal.archive.Archive`."""
        return self._put(keys.archived_head(self._shard, head.last_sequence), encode_head(head))

    def _get(self, key: str) -> Any:  # noqa: ANN401 - botocore's stream
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"]

    def _read_head(self, key: str) -> Head:
        with outcome_unknown():
            data = self._get(key).read()
        return decode_head(data)

    def _numbers(self, prefix: str, after: str = "") -> list[int]:
        with outcome_unknown():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, StartAfter=after
            )
            found = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return sorted(map(keys.archived_number, found))

    def _put(self, key: str, body: Any) -> bool:  # noqa: ANN401 - bytes or a file
        try:
            with outcome_unknown():
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _PRECONDITION_CODES:
                raise
            return False
        return True
