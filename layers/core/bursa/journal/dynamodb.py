"""The journal in DynamoDB: one item a record, its slot as its key; more items for a large body.

A conditional put is the only write. Nothing ever changes or deletes a record from here.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.storage_errors import outcome_unknown
from bursa.journal.errors import SlotTaken
from bursa.journal.items import from_item, part_to_item, to_item
from bursa.journal.parts_dynamodb import JournalParts
from bursa.journal.record import SEGMENT_SEQUENCES, EncodedRecord, RecordPart, segment_of
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FREE_SLOT = "attribute_not_exists(pk)"
# A page of the table can name thousands of large bodies; it is cut short after this much.
_JOINED_BYTES_MAX = 16 * 1024 * 1024


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
        self._parts = JournalParts(client, table)

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
            answer = self._client.get_item(
                TableName=self._table,
                Key={
                    "pk": {"S": keys.journal_partition(self._shard, segment_of(sequence))},
                    "sk": {"N": str(sequence)},
                },
                ConsistentRead=True,
            )
        return dict(answer["Item"])

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
        segment = segment_of(first_sequence)
        condition = "pk = :pk AND sk >= :first"
        values: dict[str, Any] = {
            ":pk": {"S": keys.journal_partition(self._shard, segment)},
            ":first": {"N": str(first_sequence)},
        }
        if last_sequence is not None:
            condition = "pk = :pk AND sk BETWEEN :first AND :last"
            values[":last"] = {"N": str(last_sequence)}
        more: dict[str, Any] = {} if limit is None else {"Limit": limit}
        with outcome_unknown():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **more,
            )
        return self._join([from_item(item) for item in answer["Items"]])

    def _join(self, page: list[EncodedRecord]) -> list[EncodedRecord]:
        records: list[EncodedRecord] = []
        joined_bytes = 0
        for head in page:
            if joined_bytes > _JOINED_BYTES_MAX:
                break
            with outcome_unknown():
                record = self._parts.joined(head)
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

    def last_in_segment(self, segment: int) -> EncodedRecord | None:
        """Read the newest record of a segment, consistently; None when it has none.

        A large body is not joined.
        """
        with outcome_unknown():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={
                    ":pk": {"S": keys.journal_partition(self._shard, segment)}
                },
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        return from_item(answer["Items"][0]) if answer["Items"] else None

    def head(self, known_sequence: int = 0) -> EncodedRecord | None:
        """Read the newest record, a large body not joined; None when the journal is empty.

        A record may cover a border between segments but never a whole segment, so segments
        follow without a gap, and the last one can be searched for by halves.

        Parameters
        ----------
        known_sequence
            A sequence that is in the journal; the search begins in the segment of the next one.

        """
        low = segment_of(known_sequence + 1)
        newest = self.last_in_segment(low)
        if newest is None:
            return self.last_in_segment(low - 1) if low else None
        step = 1
        while (found := self.last_in_segment(low + step)) is not None:
            low, newest, step = low + step, found, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            found = self.last_in_segment(middle)
            if found is None:
                high = middle
            else:
                low, newest = middle, found
        return newest

    def head_sequence(self, known_sequence: int) -> int:
        """Find the last sequence, given one that is there (0 for an empty journal)."""
        newest = self.head(known_sequence)
        return known_sequence if newest is None else max(known_sequence, newest.last_sequence)
