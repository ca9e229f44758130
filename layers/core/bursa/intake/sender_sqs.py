"""The command queue as intake sees it: one message per request, or a plain no."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.message import CommandMessage, encode_message
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RETRY_AFTER_UNAVAILABLE_S = 1


class SqsCommandQueue:
    """Hands messages to one shard's FIFO queue.

    A group is an account, so that an account's own commands stay in order and many accounts are in
    flight at once. The queue drops a message whose id it saw within five minutes.
    """

    def __init__(self, client: "SQSClient", url: str, backlog: CommandBacklog) -> None:
        self._client = client
        self._url = url
        self._backlog = backlog

    def send(self, message: CommandMessage) -> None:
        """Hand in a message.

        Raises
        ------
        Unavailable
            ``queue_full``, ``queue_slow``: too many wait, or for too long; this one was not sent.
            ``queue_unavailable``: the queue took no notice; it may have arrived all the same.

        """
        self._backlog.require_room()
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=encode_message(message),
                MessageGroupId=str(AccountId.from_number(message.account)),
                MessageDeduplicationId=message.message_id,
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(
                "queue_unavailable",
                "The exchange is busy; send the same request again in a moment.",
                retry_after_s=RETRY_AFTER_UNAVAILABLE_S,
            ) from error
