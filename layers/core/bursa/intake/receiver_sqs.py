"""The command queue in SQS FIFO, from the worker's side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bursa.aws.storage_errors import outcome_unknown
from bursa.intake.message import Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_PER_CALL = 10


class SqsCommandQueue:
    """Receives and deletes commands.

    Parameters
    ----------
    wait_s
        How long a receive waits for a first message; also how long a stop may take.
    visibility_s
        After so long without a delete a delivery comes again. It bounds how long a dead
        leader's messages are out of reach, and must be longer than a message is ever held.

    """

    def __init__(
        self, client: "SQSClient", queue_url: str, *, wait_s: int, visibility_s: int
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._wait_s = wait_s
        self._visibility_s = visibility_s

    def receive(self) -> list[Delivery]:
        """Receive up to ten messages."""
        with outcome_unknown():
            answer = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=MESSAGES_PER_CALL,
                WaitTimeSeconds=self._wait_s,
                VisibilityTimeout=self._visibility_s,
                MessageSystemAttributeNames=[
                    "MessageGroupId",
                    "MessageDeduplicationId",
                    "SentTimestamp",
                    "ApproximateReceiveCount",
                ],
            )
        deliveries = []
        for message in answer.get("Messages", ()):
            about = message.get("Attributes", {})
            deliveries.append(
                Delivery(
                    message["Body"],
                    message["ReceiptHandle"],
                    about.get("MessageGroupId", ""),
                    about.get("MessageDeduplicationId", ""),
                    int(about.get("SentTimestamp", 0)),
                    int(about.get("ApproximateReceiveCount", 1)),
                )
            )
        return deliveries

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete up to ten deliveries; those that have come again meanwhile stay."""
        with outcome_unknown():
            self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": receipt}
                    for index, receipt in enumerate(receipts)
                ],
            )

    def release(self, receipts: Sequence[str]) -> None:
        """Make up to ten deliveries visible again at once."""
        with outcome_unknown():
            self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for index, receipt in enumerate(receipts)
                ],
            )
