"""Read a shard's journal for those who follow it: in order, consistently, across segments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bursa.journal.items import from_item
from bursa.journal.parts_dynamodb import JournalParts
from bursa.journal.record import EncodedRecord, segment_of
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class JournalReader:
    """One shard's journal."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._shard = shard
        self._parts = JournalParts(client, table)

    def joined(self, record: EncodedRecord) -> EncodedRecord:
        """Return a record of the stream with its body, which may be stored in parts."""
        return self._parts.joined(record)

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Yield the records whose slots lie from one sequence to another, in order.

        Stops at the head of the journal. Raises `RecordError` for an item that is no record.
        """
        position = first_sequence
        while position <= last_sequence:
            segment = segment_of(position)
            for record in self._segment(segment, position, last_sequence):
                position = record.last_sequence + 1
                yield record
            if segment_of(position) == segment:
                return

    def _segment(
        self, segment: int, first_sequence: int, last_sequence: int
    ) -> Iterator[EncodedRecord]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :segment AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":segment": {"S": keys.journal_partition(self._shard, segment)},
                ":first": {"N": str(first_sequence)},
                ":last": {"N": str(last_sequence)},
            },
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield self._parts.joined(from_item(item))
