"""The archive in S3, under Object Lock (infra/archive.yaml): nobody may change or delete it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.archive_objects import ObjectArchive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PRECONDITION_CODES = ("PreconditionFailed", "ConditionalRequestConflict")
_COPIED_BYTES = 1 << 20


class S3Archive(ObjectArchive):
    """One shard's archive."""

    def __init__(self, client: "S3Client", bucket: str, shard: int) -> None:
        super().__init__(shard)
        self._client = client
        self._bucket = bucket

    def _list(self, prefix: str, after: str = "") -> list[str]:
        with outcome_unknown():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, StartAfter=after
            )
            return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def _read(self, key: str) -> bytes:
        with outcome_unknown():
            data: bytes = self._get(key).read()
        return data

    def _copy(self, key: str, path: Path) -> None:
        with outcome_unknown(), path.open("wb") as file:
            body = self._get(key)
            while data := body.read(_COPIED_BYTES):
                file.write(data)

    def _write(self, key: str, data: bytes | Path) -> bool:
        if isinstance(data, Path):
            with data.open("rb") as file:
                return self._put(key, file)
        return self._put(key, data)

    def _get(self, key: str) -> Any:  # noqa: ANN401 - botocore's stream
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"]

    def _put(self, key: str, body: Any) -> bool:  # noqa: ANN401 - bytes or a file
        try:
            with outcome_unknown():
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _PRECONDITION_CODES:
                raise
            return False
        return True
