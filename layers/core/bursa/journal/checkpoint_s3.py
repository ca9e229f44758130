"""Checkpoints in S3, one object each, never overwritten; and what nobody may delete any more."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.checkpoint import (
    CheckpointDamaged,
    CheckpointHeader,
    decode_checkpoint,
    encode_checkpoint,
)
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel import object_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PRECONDITION_CODES = ("PreconditionFailed", "ConditionalRequestConflict")


class S3Checkpoints:
    """One shard's checkpoints; evidence goes to a bucket that keeps it under Object Lock."""

    def __init__(self, client: "S3Client", bucket: str, shard: int, evidence_bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._evidence_bucket = evidence_bucket
        self._shard = shard

    def sequences(self) -> list[int]:
        """Return the sequences of what is there, newest first; other objects are passed over."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=object_keys.checkpoint_prefix(self._shard)
        )
        with outcome_unknown():
            names = [item["Key"] for page in pages for item in page.get("Contents", ())]
        found = [object_keys.checkpoint_sequence(name) for name in names]
        return sorted((one for one in found if one is not None), reverse=True)

    def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        """Read one; raises `CheckpointDamaged`."""
        try:
            with outcome_unknown():
                response = self._client.get_object(
                    Bucket=self._bucket, Key=object_keys.checkpoint(self._shard, sequence)
                )
                data = response["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise CheckpointDamaged("Another worker has just dropped it.") from None
        return decode_checkpoint(data)

    def save(self, header: CheckpointHeader, state: bytes) -> int:
        """Keep one, unless its sequence has one; returns its stored bytes."""
        data = encode_checkpoint(header, state)
        try:
            with outcome_unknown():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=object_keys.checkpoint(self._shard, header.last_sequence),
                    Body=data,
                    IfNoneMatch="*",
                )
        except ClientError as error:
            # A shard does not stop for want of a checkpoint, whatever the reason.
            if error.response["Error"]["Code"] not in _PRECONDITION_CODES:
                raise OutcomeUnknown(str(error)) from None
        return len(data)

    def delete(self, sequence: int) -> None:
        """Drop one."""
        with outcome_unknown():
            self._client.delete_object(
                Bucket=self._bucket, Key=object_keys.checkpoint(self._shard, sequence)
            )

    def keep_evidence(self, sequence: int, data: bytes) -> None:
        """Keep what was seen when the books did not add up.

        Another worker's evidence of the same sequence stays, as an older version of the object.
        """
        try:
            with outcome_unknown():
                self._client.put_object(
                    Bucket=self._evidence_bucket,
                    Key=object_keys.evidence(self._shard, sequence),
                    Body=data,
                )
        except ClientError as error:
            # That it can't be kept must not hide what it is evidence of, whatever the reason.
            raise OutcomeUnknown(str(error)) from None
