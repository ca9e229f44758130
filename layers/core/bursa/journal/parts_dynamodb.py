"""Join records whose bodies are stored in parts.

The parts are written before the record, so whoever sees the record and reads consistently sees
all of them; when some are missing all the same, the record stays without a body, and opening it
says so.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bursa.journal.record import EncodedRecord, join_record
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class JournalParts:
    """Parts of records, in the table of the journal."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def joined(self, record: EncodedRecord) -> EncodedRecord:
        """Return the record with its body; itself when the body is there."""
        if not record.parts:
            return record
        return join_record(record, list(self._read(record)))

    def _read(self, record: EncodedRecord) -> Iterator[bytes]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :batch AND sk < :parts",
            ExpressionAttributeValues={
                ":batch": {"S": keys.journal_parts(record.shard, record.batch_id)},
                ":parts": {"N": str(record.parts)},
            },
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield bytes(item["body"]["B"])
