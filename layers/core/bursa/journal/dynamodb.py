"""The journal in DynamoDB: one item a record, its slot as its key; more items for a large body.

A conditional put is the only write. Nothing ever changes or deletes a record from here.

    JournalParts    joins records that are stored in parts, of any shard
    JournalReader   reads records and the head, for everything that follows the journal
    DynamoJournal   the worker's side: puts, and the same reads with `OutcomeUnknown` for failures
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.errors import SlotTaken
from bursa.journal.items import from_item, part_to_item, to_item
from bursa.journal.record import (
    SEGMENT_SEQUENCES,
    EncodedRecord,
    RecordPart,
    join_record,
    segment_of,
)
from bursa.journal.replica import Head
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FREE_SLOT = "attribute_not_exists(pk)"
# A page of the table can name thousands of large bodies; it is cut short after this much.
_JOINED_BYTES_MAX = 16 * 1024 * 1024


class JournalParts:
    """Joins records of any shard with their bodies, where those are stored in parts."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def joined(self, record: EncodedRecord) -> EncodedRecord:
        """Return the record with its body, which may be stored in parts.

        Parts are written before their record, so a consistent read that sees the record sees all of
        them. If some are missing all the same, the record is returned without a body, and decoding
        it raises `RecordError`.
        """
        if not record.parts:
            return record
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :batch AND sk < :parts",
            ExpressionAttributeValues={
                ":batch": {"S": keys.journal_parts(record.shard, record.batch_id)},
                ":parts": {"N": str(record.parts)},
            },
            ConsistentRead=True,
        )
        parts = [bytes(item["body"]["B"]) for page in pages for item in page["Items"]]
        return join_record(record, parts)


class JournalReader:
    """Reads one shard's journal, in order and consistently. AWS's errors are raised as they are."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._shard = shard
        self._parts = JournalParts(client, table)

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Yield the records whose slots lie from one sequence to another, across segments.

        Stops at the head of the journal. Raises `RecordError` for an item that is no record.
        """
        position = first_sequence
        while position <= last_sequence:
            segment = segment_of(position)
            page, more = self.page(position, last_sequence)
            for record in page:
                position = record.last_sequence + 1
                yield self.joined(record)
            if not more and segment_of(position) == segment:
                return

    def page(
        self, first_sequence: int, last_sequence: int | None = None, *, limit: int | None = None
    ) -> tuple[list[EncodedRecord], bool]:
        """Read up to 1 MB of records from a slot on, within its segment, bodies not joined.

        Parameters
        ----------
        first_sequence, last_sequence
            Bounds of the records' first sequences, both included.
        limit
            Of the number of records.

        Returns
        -------
        tuple
            The records, and whether the segment holds more of them within the bounds.

        """
        condition = "pk = :pk AND sk >= :first"
        values: dict[str, Any] = {
            ":pk": {"S": keys.journal_partition(self._shard, segment_of(first_sequence))},
            ":first": {"N": str(first_sequence)},
        }
        if last_sequence is not None:
            condition = "pk = :pk AND sk BETWEEN :first AND :last"
            values[":last"] = {"N": str(last_sequence)}
        options: dict[str, Any] = {} if limit is None else {"Limit": limit}
        response = self._client.query(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **options,
        )
        return [from_item(item) for item in response["Items"]], "LastEvaluatedKey" in response

    def joined(self, record: EncodedRecord) -> EncodedRecord:
        """Return the record with its body; see `JournalParts.joined`."""
        return self._parts.joined(record)

    def head(self, known_sequence: int = 0) -> Head | None:
        """Return where the journal ends; None when it is empty.

        A record may cover a border between segments but never a whole segment, so segments
        follow without a gap, and the last one can be searched for by halves.

        Parameters
        ----------
        known_sequence
            A sequence that is in the journal; the search begins in the segment of the next one.

        """
        low = segment_of(known_sequence + 1)
        newest = self._last_in(low)
        if newest is None:
            return self._last_in(low - 1) if low else None
        step = 1
        while (found := self._last_in(low + step)) is not None:
            low, newest, step = low + step, found, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            found = self._last_in(middle)
            if found is None:
                high = middle
            else:
                low, newest = middle, found
        return newest

    def _last_in(self, segment: int) -> Head | None:
        response = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.journal_partition(self._shard, segment)}},
            ProjectionExpression="#number, #last, epoch, time_ms, #hash",
            ExpressionAttributeNames={"#number": "number", "#last": "last", "#hash": "hash"},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        for item in response["Items"]:
            return Head(
                int(item["number"]["N"]),
                int(item["last"]["N"]),
                int(item["epoch"]["N"]),
                int(item["time_ms"]["N"]),
                bytes(item["hash"]["B"]),
            )
        return None


class DynamoJournal:
    """One shard's journal.

    Parameters
    ----------
    client
        Best without retries of its own: the caller repeats.
    table, shard
        Where the records are.

    """

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._shard = shard
        self._reader = JournalReader(client, table, shard)

    def put_part(self, part: RecordPart) -> None:
        """Write a part of a record, before the record itself.

        Raises
        ------
        OutcomeUnknown
            When there is no telling whether it was written.

        """
        try:
            with outcome_unknown():
                self._client.put_item(
                    TableName=self._table,
                    Item=part_to_item(part),
                    ConditionExpression=_FREE_SLOT,
                )
        except ClientError as error:
            # Nobody else writes under the name of this batch: it is this very part.
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def put(self, record: EncodedRecord) -> None:
        """Write a record into its slot.

        Raises
        ------
        SlotTaken
            When there is a record, this very one included.
        OutcomeUnknown
            When there is no telling whether it was written.

        """
        try:
            with outcome_unknown():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(record),
                    ConditionExpression=_FREE_SLOT,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            present: Any = error.response.get("Item") or self._slot(record.first_sequence)
            raise SlotTaken(present["batch_id"]["B"], int(present["epoch"]["N"])) from None

    def _slot(self, sequence: int) -> dict[str, Any]:
        with outcome_unknown():
            response = self._client.get_item(
                TableName=self._table,
                Key={
                    "pk": {"S": keys.journal_partition(self._shard, segment_of(sequence))},
                    "sk": {"N": str(sequence)},
                },
                ConsistentRead=True,
            )
        return dict(response["Item"])

    def read(
        self, first_sequence: int, last_sequence: int | None = None, *, limit: int | None = None
    ) -> list[EncodedRecord]:
        """Read a page of records from a slot on, within its segment, consistently.

        Parameters
        ----------
        first_sequence, last_sequence
            Bounds of the records' first sequences, both included.
        limit
            Of the number of records.

        Returns
        -------
        list
            At most 1 MB of them, with more than `_JOINED_BYTES_MAX` of bodies only if the last
            one is so large. None means that there is no record from this slot on in its
            segment; if the slot is where the next record must stand, that is the head.

        """
        with outcome_unknown():
            page, _ = self._reader.page(first_sequence, last_sequence, limit=limit)
        return self._join(page)

    def _join(self, page: list[EncodedRecord]) -> list[EncodedRecord]:
        records: list[EncodedRecord] = []
        joined_bytes = 0
        for head in page:
            if joined_bytes > _JOINED_BYTES_MAX:
                break
            with outcome_unknown():
                record = self._reader.joined(head)
            joined_bytes += len(record.body) if head.parts else 0
            records.append(record)
        return records

    def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        """Read all records that begin between two sequences, both included, consistently."""
        records: list[EncodedRecord] = []
        position = first_sequence
        while position <= last_sequence:
            page = self.read(position, last_sequence)
            records += page
            # An empty page ends a segment; the next record, if any, begins the one after.
            position = (
                page[-1].first_sequence + 1
                if page
                else (segment_of(position) + 1) * SEGMENT_SEQUENCES
            )
        return records

    def head(self, known_sequence: int = 0) -> Head | None:
        """Return where the journal ends, given a sequence in it; see `JournalReader.head`."""
        with outcome_unknown():
            return self._reader.head(known_sequence)

    def head_sequence(self, known_sequence: int) -> int:
        """Return the last sequence, given one that is there (0 for an empty journal)."""
        head = self.head(known_sequence)
        return known_sequence if head is None else max(known_sequence, head.last_sequence)
