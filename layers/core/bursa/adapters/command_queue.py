"""The command queue as intake sees it: one message per request, or a plain no."""

from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from bursa.contracts.messages import CommandMessage, encode_message
from bursa.domain.errors import Unavailable
from bursa.domain.identifiers import AccountId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# How old the known depth may be; short enough to notice a queue that fills up.
DEPTH_AGE_MS_MAX = 5_000
RETRY_AFTER_UNAVAILABLE_S = 1
RETRY_AFTER_FULL_S = 5


class MonotonicClock(Protocol):
    """A clock that never goes back."""

    def monotonic_ms(self) -> float:
        """Read it, in milliseconds."""


class SqsCommandQueue:
    """Hands messages to one shard's FIFO queue.

    A group is an account, so that an account's own commands stay in order and many accounts are in
    flight at once. The queue drops a message whose id it saw within five minutes.
    """

    def __init__(
        self, client: "SQSClient", url: str, clock: MonotonicClock, depth_max: int
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._depth_max = depth_max
        self._depth = 0
        self._measured_ms = float("-inf")

    def send(self, message: CommandMessage) -> None:
        """Hand in a message.

        Raises
        ------
        Unavailable
            ``queue_full``: more messages wait than may; this one was not sent.
            ``queue_unavailable``: the queue took no notice; it may have arrived all the same.

        """
        self._require_room()
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

    def _require_room(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._measured_ms > DEPTH_AGE_MS_MAX:
            self._depth = self._measure()
            self._measured_ms = now_ms
        if self._depth > self._depth_max:
            raise Unavailable(
                "queue_full",
                "Too many commands are waiting; send the request again in a few seconds.",
                retry_after_s=RETRY_AFTER_FULL_S,
            )

    def _measure(self) -> int:
        try:
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (ClientError, BotoCoreError):
            # Not knowing the depth is no reason to refuse; the last one known stands.
            return self._depth
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
