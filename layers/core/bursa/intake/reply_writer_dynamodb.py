"""Answers in DynamoDB, from the worker's side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.storage_errors import outcome_unknown
from bursa.intake.reply import Answer
from bursa.intake.reply_format import pack_events
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoAnswers:
    """Writes answers where intake looks for them."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def write(self, answers: Sequence[Answer]) -> None:
        """Write up to 25 answers; a repeated one only where there is none."""
        first_time = {
            answer.message_id: _item_of(answer) for answer in answers if not answer.repeated
        }
        if first_time:
            self._write_batch(list(first_time.values()))
        for answer in answers:
            if answer.repeated:
                self._fill_gap(_item_of(answer))

    def _write_batch(self, items: list[dict[str, Any]]) -> None:
        with outcome_unknown():
            outcome = self._client.batch_write_item(
                RequestItems={self._table: [{"PutRequest": {"Item": item}} for item in items]}
            )
        if outcome.get("UnprocessedItems"):
            raise OutcomeUnknown("Some answers were not written.")

    def _fill_gap(self, item: dict[str, Any]) -> None:
        try:
            with outcome_unknown():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


def _item_of(answer: Answer) -> dict[str, Any]:
    return {
        "pk": {"S": keys.answer(TenantId(answer.tenant_number), answer.message_id)},
        "sequence": {"N": str(answer.last_sequence)},
        "events": {"B": pack_events(answer.events)},
        "expires_at": {"N": str(answer.expires_at_s)},
    }
