"""The answers table as intake reads it: the event words that a message came to."""

from typing import TYPE_CHECKING

from bursa.aws.outages import unavailable
from bursa.intake.reply_format import unpack_events
from bursa.kernel import keys
from bursa.kernel.identifiers import CommandId, TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AnswerTable:
    """Answers by message."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, tenant: TenantId, message_id: CommandId) -> bytes | None:
        """Read an answer's event words; None while there is none. Raises `Unavailable`."""
        with unavailable("answers_unavailable", "Ask again in a moment."):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": keys.answer(tenant, message_id.hex())}},
                ConsistentRead=True,
                ProjectionExpression="events",
            )
        item = answer.get("Item")
        return None if item is None else unpack_events(bytes(item["events"]["B"]))
