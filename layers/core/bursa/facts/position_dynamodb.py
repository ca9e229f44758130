"""How far a shard's facts have got, beside the progress of its read models."""

from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.kernel import keys

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mypy_boto3_dynamodb import DynamoDBClient


class PositionTable:
    """See `bursa.facts.publisher.Position`."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._key: Any = {"pk": {"S": keys.progress(shard)}, "sk": {"S": keys.FACTS}}

    def find(self) -> int | None:
        """Return the last sequence whose facts are on the bus; None before the first time."""
        with _storing():
            found = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        item = found.get("Item")
        return None if item is None else int(item["sequence"]["N"])

    def keep(self, sequence: int) -> int:
        """Keep it, unless a higher one is kept; return the one that is."""
        number: Any = {"N": str(sequence)}
        with _storing():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=self._key | {"sequence": number},
                    ConditionExpression="attribute_not_exists(#sequence) OR #sequence < :sequence",
                    ExpressionAttributeNames={"#sequence": "sequence"},
                    ExpressionAttributeValues={":sequence": number},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                stored: Any = error.response
                return int(stored["Item"]["sequence"]["N"])
        return sequence


def _storing() -> "AbstractContextManager[None]":
    return unavailable("facts_unavailable", "The facts are put again later.")
