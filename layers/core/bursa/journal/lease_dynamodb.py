"""A shard's lease in DynamoDB: one row beside the progress of its projections."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.lease import BusyAccount, LeaseRow, QueueState
from bursa.kernel import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoLeases:
    """The row that says who leads a shard."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._key: dict[str, Any] = {
            "pk": {"S": keys.progress(shard)},
            "sk": {"S": keys.LEASE},
        }

    def read(self) -> LeaseRow | None:
        """Read the row, consistently."""
        with outcome_unknown():
            response = self._client.get_item(
                TableName=self._table, Key=self._key, ConsistentRead=True
            )
        item = response.get("Item")
        if item is None:
            return None
        return LeaseRow(
            item["owner"]["S"],
            int(item["epoch"]["N"]),
            int(item["beat"]["N"]),
            item["released"]["BOOL"],
            *queue_state_of(item),
        )

    def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        """Write the row if it still is as expected."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if expected is not None:
            condition = {
                "ConditionExpression": "#owner = :owner AND beat = :beat",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {
                    ":owner": {"S": expected.owner},
                    ":beat": {"N": str(expected.beat)},
                },
            }
        item: dict[str, Any] = {
            **self._key,
            "owner": {"S": row.owner},
            "epoch": {"N": str(row.epoch)},
            "beat": {"N": str(row.beat)},
            "released": {"BOOL": row.released},
            "watermark_ms": {"N": str(row.watermark_ms)},
            "busy": {"M": {one.group: {"N": str(one.own_wait_ms)} for one in row.busy}},
        }
        try:
            with outcome_unknown():
                self._client.put_item(TableName=self._table, Item=item, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def queue_state_of(item: "Mapping[str, Any]") -> QueueState:
    """Return what a lease row's item states about the queue.

    The accounts are sorted, so that equal rows are equal: a map has no order.
    """
    busy = item.get("busy", {}).get("M", {})
    return QueueState(
        int(item.get("watermark_ms", {"N": "0"})["N"]),
        tuple(BusyAccount(group, int(busy[group]["N"])) for group in sorted(busy)),
    )
