"""How much waits for the sequencer, and for how long: the bounds of what intake accepts.

The depth is the queue's own. SQS reports its age only to CloudWatch, a minute late; so the leading
worker writes a watermark into its lease row: the time up to which every command is acknowledged.
While commands wait, it is as early as the oldest of them, also when the worker is stuck or
gone. Both are read every few seconds; a failed read is no reason to refuse, and the last known
values stay valid.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bursa.kernel import keys
from bursa.kernel.clock import Clock
from bursa.kernel.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

# How old the known values may be; short enough to notice a queue that fills up.
READ_EVERY_MS = 5_000
RETRY_AFTER_MIN_S = 5
RETRY_AFTER_MAX_S = 60


class QueueWatermark:
    """The time up to which a shard's leading worker has acknowledged every command."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._shard = shard

    def read_ms(self) -> int:
        """Return it in UTC milliseconds; 0 where no worker has written one yet."""
        item = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": keys.progress(self._shard)}, "sk": {"S": keys.LEASE}},
            ProjectionExpression="watermark_ms",
        ).get("Item", {})
        return int(item.get("watermark_ms", {"N": "0"})["N"])


class CommandBacklog:
    """The bounds of one shard's queue.

    Parameters
    ----------
    client, url
        The queue.
    depth_max
        So many messages may wait or be worked on.
    watermark, age_ms_max
        How old the oldest command that waits may be; without a watermark only the depth counts.

    """

    def __init__(
        self,
        client: "SQSClient",
        url: str,
        clock: Clock,
        depth_max: int,
        *,
        watermark: QueueWatermark | None = None,
        age_ms_max: int = 0,
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._depth_max = depth_max
        self._watermark = watermark
        self._age_ms_max = age_ms_max
        self._depth = 0
        self._age_ms = 0
        self._read_at_ms = float("-inf")

    def require_room(self) -> None:
        """Return when one more message may wait.

        Raises
        ------
        Unavailable
            ``queue_full``: more messages wait than may.
            ``queue_slow``: the oldest has waited for longer than it may.

        """
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._read_at_ms > READ_EVERY_MS:
            self._read()
            self._read_at_ms = now_ms
        if self._depth > self._depth_max:
            raise Unavailable(
                "queue_full",
                "Too many commands are waiting; send the request again in a few seconds.",
                retry_after_s=self._retry_after_s(),
            )
        if self._watermark is not None and self._age_ms > self._age_ms_max:
            raise Unavailable(
                "queue_slow",
                "Commands wait for too long; send the request again in a while.",
                retry_after_s=self._retry_after_s(),
            )

    def _retry_after_s(self) -> int:
        """Return the wait of the oldest: what took that long won't be over much sooner."""
        return max(RETRY_AFTER_MIN_S, min(RETRY_AFTER_MAX_S, self._age_ms // 1_000))

    def _read(self) -> None:
        try:
            self._depth = self._measure_depth()
            self._age_ms = self._measure_age_ms()
        except (ClientError, BotoCoreError):
            return

    def _measure_depth(self) -> int:
        attributes = self._client.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        in_flight = attributes["ApproximateNumberOfMessagesNotVisible"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(in_flight)

    def _measure_age_ms(self) -> int:
        """Measure how long the oldest command has waited; an empty queue has none."""
        if self._watermark is None or self._depth == 0:
            return 0
        watermark_ms = self._watermark.read_ms()
        return max(0, self._clock.now_ms() - watermark_ms) if watermark_ms else 0
