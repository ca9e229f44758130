"""A command queue in SQS FIFO: what hands messages in, and what takes them out.

A group is an account, so that an account's own commands stay in order and many accounts are in
flight at once. The queue drops a message whose id it saw within five minutes.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.failures import outcome_unknown
from bursa.intake.admission import only_cancels
from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.queue_kinds import QueueKind
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.traces import sampled_trace

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageSystemAttributeValueTypeDef

RETRY_AFTER_UNAVAILABLE_S = 1
MESSAGES_PER_CALL = 10
# The only system attribute that a message may be sent with.
_TRACE: Literal["AWSTraceHeader"] = "AWSTraceHeader"


def queue_url(prefix: str, shard: int) -> str:
    """Return the URL of a shard's queue, as infra/shard.yaml names it."""
    return f"{prefix}{shard}.fifo"


class Backlog(Protocol):
    """How much waits in the queue already."""

    def require_room(self, account: AccountId, *, only_cancels: bool) -> None:
        """Return when one more message may wait; raises `Unavailable` or `TooManyRequests`."""


class SqsCommandSender:
    """Hands messages to one shard's queue.

    Parameters
    ----------
    trace_header
        Reads the header of the trace of the request that is served; empty where there is none.

    """

    def __init__(
        self,
        client: "SQSClient",
        url: str,
        backlog: Backlog,
        trace_header: Callable[[], str] = str,
    ) -> None:
        self._client = client
        self._url = url
        self._backlog = backlog
        self._trace_header = trace_header

    def send(self, message: CommandMessage) -> None:
        """Hand in a message.

        Raises
        ------
        TooManyRequests
            ``account_queue_slow``: the account's own commands wait too long; not sent.
        Unavailable
            ``queue_full``, ``queue_slow``: too many wait, or for too long; this one was not sent.
            ``queue_unavailable``: the queue took no notice; it may have arrived all the same.

        """
        account = AccountId.from_number(message.account)
        self._backlog.require_room(account, only_cancels=only_cancels(message.commands))
        trace = sampled_trace(self._trace_header())
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=encode_message(message),
                MessageGroupId=str(account),
                MessageDeduplicationId=message.message_id,
                MessageSystemAttributes={} if trace is None else {_TRACE: _text(trace.header)},
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(
                "queue_unavailable",
                "The exchange is busy; send the same request again in a moment.",
                retry_after_s=RETRY_AFTER_UNAVAILABLE_S,
            ) from error


def _text(value: str) -> "MessageSystemAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}


class SqsCommandReceiver:
    """Receives and deletes messages of one of a shard's queues.

    Parameters
    ----------
    kind
        Which of the two, for the deliveries.
    wait_s
        How long a receive waits for a first message; also how long a stop may take.
    visibility_s
        After so long without a delete a delivery comes again. It bounds how long a dead
        leader's messages are out of reach, and must be longer than a message is ever held.

    """

    def __init__(
        self,
        client: "SQSClient",
        queue_url: str,
        kind: QueueKind = QueueKind.TRADING,
        *,
        wait_s: int,
        visibility_s: int,
    ) -> None:
        self._client = client
        self._kind = kind
        self._queue_url = queue_url
        self._wait_s = wait_s
        self._visibility_s = visibility_s

    def receive(self) -> list[Delivery]:
        """Receive up to ten messages."""
        with outcome_unknown():
            response = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=MESSAGES_PER_CALL,
                WaitTimeSeconds=self._wait_s,
                VisibilityTimeout=self._visibility_s,
                MessageSystemAttributeNames=[
                    "MessageGroupId",
                    "MessageDeduplicationId",
                    "SentTimestamp",
                    "ApproximateReceiveCount",
                    _TRACE,
                ],
            )
        deliveries = []
        for message in response.get("Messages", ()):
            about = message.get("Attributes", {})
            deliveries.append(
                Delivery(
                    message["Body"],
                    message["ReceiptHandle"],
                    about.get("MessageGroupId", ""),
                    about.get("MessageDeduplicationId", ""),
                    int(about.get("SentTimestamp", 0)),
                    int(about.get("ApproximateReceiveCount", 1)),
                    self._kind,
                    about.get(_TRACE, ""),
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
