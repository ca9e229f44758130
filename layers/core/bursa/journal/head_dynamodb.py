"""Where a shard's journal ends, and how far the read models have followed it."""

from typing import TYPE_CHECKING

from bursa.journal.record import segment_of
from bursa.kernel import keys
from bursa.market_data.health import JournalPosition
from bursa.read_models.rows import ProgressRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class JournalHeadTables:
    """Reads the newest record of one shard without reading the journal."""

    def __init__(
        self, client: "DynamoDBClient", journal_table: str, progress_table: str, shard: int
    ) -> None:
        self._client = client
        self._journal_table = journal_table
        self._progress_table = progress_table
        self._shard = shard

    def read_models(self) -> JournalPosition:
        """Read how far the read models have got."""
        answer = self._client.get_item(
            TableName=self._progress_table,
            Key={"pk": {"S": keys.progress(self._shard)}, "sk": {"S": keys.READ_MODELS}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if item is None:
            return JournalPosition()
        row = from_attributes(ProgressRow, item)
        return JournalPosition(row.sequence, row.number, row.time_ms)

    def newest(self, known: JournalPosition) -> JournalPosition:
        """Find the newest record; `known` is one that is not newer.

        The next record begins after the last one known, so the search begins in that segment and
        goes on while segments hold anything.
        """
        newest = known
        while True:
            found = self._last_of(segment_of(newest.sequence + 1))
            if found is None or found.sequence <= newest.sequence:
                return newest
            newest = found

    def _last_of(self, segment: int) -> JournalPosition | None:
        answer = self._client.query(
            TableName=self._journal_table,
            KeyConditionExpression="pk = :segment",
            ExpressionAttributeValues={
                ":segment": {"S": keys.journal_partition(self._shard, segment)}
            },
            ProjectionExpression="#last, #number, time_ms",
            ExpressionAttributeNames={"#last": "last", "#number": "number"},
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        for item in answer["Items"]:
            return JournalPosition(
                int(item["last"]["N"]), int(item["number"]["N"]), int(item["time_ms"]["N"])
            )
        return None
