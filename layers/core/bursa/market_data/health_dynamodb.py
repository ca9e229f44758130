"""Where a shard's queue and journal are, and how far the read models have followed."""

from typing import TYPE_CHECKING

from bursa.journal.dynamodb import JournalReader
from bursa.journal.lease_dynamodb import queue_state_of
from bursa.kernel import keys
from bursa.market_data.health import JournalPosition
from bursa.read_models.rows import ProgressRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ShardPositions:
    """Reads the end of one shard's journal, its worker's lease, its read models' progress."""

    def __init__(
        self, client: "DynamoDBClient", journal_table: str, progress_table: str, shard: int
    ) -> None:
        self._client = client
        self._journal = JournalReader(client, journal_table, shard)
        self._progress_table = progress_table
        self._shard = shard

    def queue_done_ms(self) -> int:
        """Return up to when the worker has decided what was sent; 0 where none has ever led."""
        response = self._client.get_item(
            TableName=self._progress_table,
            Key={"pk": {"S": keys.progress(self._shard)}, "sk": {"S": keys.LEASE}},
            ProjectionExpression="watermark_ms",
        )
        return queue_state_of(response.get("Item", {})).watermark_ms

    def read_models(self) -> JournalPosition:
        """Return how far the read models have got."""
        response = self._client.get_item(
            TableName=self._progress_table,
            Key={"pk": {"S": keys.progress(self._shard)}, "sk": {"S": keys.READ_MODELS}},
            ConsistentRead=True,
        )
        item = response.get("Item")
        if item is None:
            return JournalPosition()
        row = from_attributes(ProgressRow, item)
        return JournalPosition(row.sequence, row.number, row.time_ms)

    def newest(self, known: JournalPosition) -> JournalPosition:
        """Return the newest record's position; `known` is one that is not newer."""
        head = self._journal.head(known.sequence)
        if head is None or head.last_sequence <= known.sequence:
            return known
        return JournalPosition(head.last_sequence, head.number, head.time_ms)
