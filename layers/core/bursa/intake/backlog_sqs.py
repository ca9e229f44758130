"""How much waits for the sequencer, and for how long: the bounds of what intake accepts.

The depth is the queue's own. SQS reports its age only to CloudWatch, a minute late; so the leading
worker writes a watermark into its lease row: the time up to which every command is acknowledged,
but for those that waited for commands of their own account. While commands wait, it is as early as
the oldest of them, also when the worker is stuck or gone. What an account waits for itself is
written beside it, and is a reason to refuse that account alone. All are read every few seconds; a
failed read is no reason to refuse, and the last known values stay valid.
"""

from collections import Counter
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bursa.journal.lease import QueueState
from bursa.journal.lease_dynamodb import queue_state_of
from bursa.kernel import keys
from bursa.kernel.clock import Clock
from bursa.kernel.errors import TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

# How old the known values may be; short enough to notice a queue that fills up.
READ_EVERY_MS = 5_000
# What the worker has written is looked at sooner when an account has sent so many commands since.
STATES_READ_EVERY_MS = 1_000
_ASKED_OFTEN = 3
# So many times the depth is open to what only cancels.
CANCELS_DEPTH_FACTOR = 2
RETRY_AFTER_MIN_S = 5
RETRY_AFTER_MAX_S = 60


class QueueStates:
    """What a shard's leading worker has last written about its queue."""

    def __init__(self, client: "DynamoDBClient", table: str, shard: int) -> None:
        self._client = client
        self._table = table
        self._shard = shard

    def read(self) -> QueueState:
        """Return it; nothing is known where no worker has written one yet."""
        return queue_state_of(
            self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": keys.progress(self._shard)}, "sk": {"S": keys.LEASE}},
                ProjectionExpression="watermark_ms, busy",
            ).get("Item", {})
        )


class CommandBacklog:
    """The bounds of one shard's queue.

    Parameters
    ----------
    client, url
        The queue.
    depth_max
        So many messages may wait or be worked on; twice as many where they only cancel.
    states, age_ms_max
        How old the oldest command that waits for others may be; without states only the depth
        counts.
    own_age_ms_max
        How old an account's oldest command that waits for its own may be.

    """

    def __init__(
        self,
        client: "SQSClient",
        url: str,
        clock: Clock,
        depth_max: int,
        *,
        states: QueueStates | None = None,
        age_ms_max: int = 0,
        own_age_ms_max: int = 0,
    ) -> None:
        self._client = client
        self._url = url
        self._clock = clock
        self._depth_max = depth_max
        self._states = states
        self._age_ms_max = age_ms_max
        self._own_age_ms_max = own_age_ms_max
        self._depth = 0
        self._age_ms = 0
        self._own_waits_ms: dict[str, int] = {}
        self._asked: Counter[str] = Counter()
        self._read_at_ms = float("-inf")
        self._states_read_at_ms = float("-inf")

    def is_busy(self, account: AccountId) -> bool:
        """Return whether the worker has named this account as one that sends much.

        Where an account sends several commands, it is looked up sooner than else.
        """
        name, now_ms = str(account), self._clock.monotonic_ms()
        self._asked[name] += 1
        is_due = now_ms - self._states_read_at_ms >= STATES_READ_EVERY_MS
        if is_due and self._asked[name] >= _ASKED_OFTEN:
            self._read_state(now_ms)
        return name in self._own_waits_ms

    def age_ms(self, account: AccountId) -> int:
        """Return how long a command of this account would wait at least, as last seen."""
        return max(self._age_ms, self._own_waits_ms.get(str(account), 0))

    def require_room(self, account: AccountId, *, only_cancels: bool) -> None:
        """Return when one more message of an account may wait.

        What only cancels is refused by the depth alone, and later: it is the way out.

        Raises
        ------
        TooManyRequests
            ``account_queue_slow``: the account's commands wait too long for each other.
        Unavailable
            ``queue_full``: more messages wait than may.
            ``queue_slow``: the oldest has waited for longer than it may.

        """
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._read_at_ms > READ_EVERY_MS:
            self._read(now_ms)
            self._read_at_ms = now_ms
        if self._depth > self._depth_max * (CANCELS_DEPTH_FACTOR if only_cancels else 1):
            raise Unavailable(
                "queue_full",
                "Too many commands are waiting; send the request again in a few seconds.",
                retry_after_s=_retry_after_s(self._age_ms),
            )
        if self._states is None or only_cancels:
            return
        if self._age_ms > self._age_ms_max:
            raise Unavailable(
                "queue_slow",
                "Commands wait for too long; send the request again in a while.",
                retry_after_s=_retry_after_s(self._age_ms),
            )
        own_ms = self._own_waits_ms.get(str(account), 0)
        if own_ms > self._own_age_ms_max:
            raise TooManyRequests(
                "account_queue_slow",
                "Your commands wait for each other; send fewer at once. Cancels are still taken.",
                retry_after_s=_retry_after_s(own_ms),
            )

    def _read(self, now_ms: float) -> None:
        try:
            self._depth = self._measure_depth()
        except (ClientError, BotoCoreError):
            return
        self._read_state(now_ms)

    def _read_state(self, now_ms: float) -> None:
        self._states_read_at_ms = now_ms
        self._asked.clear()
        try:
            state = QueueState() if self._states is None else self._states.read()
        except (ClientError, BotoCoreError):
            return
        waits_ms = self._clock.now_ms() - state.watermark_ms
        is_waiting = self._depth > 0 and state.watermark_ms > 0
        self._age_ms = max(0, waits_ms) if is_waiting else 0
        self._own_waits_ms = dict(state.busy) if self._depth > 0 else {}

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


def _retry_after_s(age_ms: int) -> int:
    """Return the wait of the oldest: what took that long won't be over much sooner."""
    return max(RETRY_AFTER_MIN_S, min(RETRY_AFTER_MAX_S, age_ms // 1_000))
