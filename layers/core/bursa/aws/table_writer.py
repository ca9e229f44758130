"""Many writes at once, each of them safe to repeat.

Rows that change are written one by one, on the condition that what is stored is older; rows that
never change go 25 at a time. Both are told apart by the caller; nothing here knows what a row is.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel.retry import Backoff, retry
from bursa.read_models.rows import Attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB's own bound on a BatchWriteItem.
BATCH_ITEMS_MAX = 25
_BATCH_BACKOFF = Backoff(0.02, attempts=8)
# Some ten seconds of throttling.
_WRITE_BACKOFF = Backoff(0.02, 1.0, attempts=15)
_WRITES_WAITING_MAX = 256
# No more than the client's connection pool, so that no thread waits for a connection.
THREADS = 8

SEQUENCE = "sequence"
_NEWER = "attribute_not_exists(#sequence) OR #sequence < :sequence"
_FURTHER = f"{_NEWER} OR (#sequence = :sequence AND #ahead < :ahead)"

Write = Callable[[], object]


class WritesUnprocessed(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised when DynamoDB keeps returning items unprocessed; write all of them again later."""


class TableWriter:
    """Writes to several tables through one client and a bounded pool of threads."""

    def __init__(
        self,
        client: "DynamoDBClient",
        sleep: Callable[[float], None] = time.sleep,
        threads: int | None = None,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(threads or THREADS, thread_name_prefix="table-writer")

    def run(self, writes: Iterable[Write]) -> None:
        """Do writes, many at once, and wait for all of them; raises the first error.

        They are taken one by one as there is room, so there may be any number of them. A write
        that is throttled, or has no response, is repeated for some time: one partition takes a
        thousand writes a second, and a record may ask for a hundred thousand.
        """
        running: deque[Future[object]] = deque()
        try:
            for write in writes:
                running.append(self._pool.submit(self._patiently, write))
                if len(running) == _WRITES_WAITING_MAX:
                    running.popleft().result()
            while running:
                running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    def _patiently(self, write: Write) -> None:
        def attempt() -> None:
            with outcome_unknown():
                write()

        try:
            retry(attempt, _WRITE_BACKOFF, self._sleep, on=OutcomeUnknown)
        except OutcomeUnknown as error:
            # Callers of this class know AWS's own errors.
            raise error.__cause__ or error from None

    def put_newer(self, table: str, item: Attributes, by: str = SEQUENCE) -> bool:
        """Put a row unless the stored one is as new by an attribute; return whether it was put."""
        return self.put_newer_or_find(table, item, by) is None

    def put_newer_or_find(
        self, table: str, item: Attributes, by: str = SEQUENCE
    ) -> Attributes | None:
        """Put a row unless the stored one is as new; return that one, None when it was put."""
        return _stored_instead(
            lambda: self._client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression=_NEWER,
                ExpressionAttributeNames={"#sequence": by},
                ExpressionAttributeValues={":sequence": item[by]},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )

    def put_further(self, table: str, item: Attributes, ahead: str) -> bool:
        """Put a row unless the stored one is as new, and as far by another attribute."""
        return _unless_refused(
            lambda: self._client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression=_FURTHER,
                ExpressionAttributeNames={"#sequence": SEQUENCE, "#ahead": ahead},
                ExpressionAttributeValues={":sequence": item[SEQUENCE], ":ahead": item[ahead]},
            )
        )

    def put_first(self, table: str, item: Attributes) -> bool:
        """Put a row where there is none; return whether it was put."""
        return _unless_refused(
            lambda: self._client.put_item(
                TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def put_instead_of(self, table: str, item: Attributes, expected: Mapping[str, int]) -> bool:
        """Put a row in the place of the one whose attributes have exactly these values."""
        names = {f"#{name}": name for name in expected}
        return _unless_refused(
            lambda: self._client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression=" AND ".join(f"#{name} = :{name}" for name in expected),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    f":{name}": {"N": str(value)} for name, value in expected.items()
                },
            )
        )

    def update_newer_or_find(
        self, table: str, key: Attributes, values: Attributes, removed: Sequence[str]
    ) -> Attributes | None:
        """Set and remove attributes unless the stored row is as new; return as with a put."""
        names = {"#sequence": SEQUENCE}
        given: dict[str, Any] = {":sequence": values[SEQUENCE]}
        assignments = ["#sequence = :sequence"]
        for position, (name, value) in enumerate(values.items()):
            if name != SEQUENCE:
                names[f"#{position}"] = name
                given[f":{position}"] = value
                assignments.append(f"#{position} = :{position}")
        expression = "SET " + ", ".join(assignments)
        if removed:
            names |= {f"#r{position}": name for position, name in enumerate(removed)}
            expression += " REMOVE " + ", ".join(f"#r{n}" for n in range(len(removed)))
        return _stored_instead(
            lambda: self._client.update_item(
                TableName=table,
                Key=key,
                UpdateExpression=expression,
                ConditionExpression=_NEWER,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=given,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )

    def add_or_find(
        self,
        table: str,
        key: Attributes,
        values: Attributes,
        addition: tuple[str, int],
        sequences: tuple[int, int],
    ) -> Attributes | None:
        """Add to an attribute unless the stored row has some of it; return as with a put.

        Parameters
        ----------
        addition
            An attribute's name, and how much to add.
        sequences
            The first and the last sequence of which that is.

        """
        name, amount = addition
        names = {"#sequence": SEQUENCE, "#added": name}
        given: dict[str, Any] = {
            ":first": {"N": str(sequences[0])},
            ":last": {"N": str(sequences[1])},
            ":amount": {"N": str(amount)},
        }
        assignments = ["#sequence = :last"]
        for position, (one, value) in enumerate(values.items()):
            names[f"#{position}"], given[f":{position}"] = one, value
            assignments.append(f"#{position} = :{position}")
        return _stored_instead(
            lambda: self._client.update_item(
                TableName=table,
                Key=key,
                UpdateExpression=f"SET {', '.join(assignments)} ADD #added :amount",
                ConditionExpression="attribute_not_exists(#sequence) OR #sequence < :first",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=given,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )

    def batches(self, items: Iterable[tuple[str, Attributes]]) -> Iterator[Write]:
        """Group unconditional puts, given as table and item, into as few calls as possible."""
        return self._grouped((table, {"PutRequest": {"Item": item}}) for table, item in items)

    def deletions(self, rows: Iterable[tuple[str, Attributes]]) -> Iterator[Write]:
        """Group deletions, given as table and key, into as few calls as possible."""
        return self._grouped((table, {"DeleteRequest": {"Key": key}}) for table, key in rows)

    def _grouped(self, requests: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Write]:
        source = iter(requests)
        while group := list(islice(source, BATCH_ITEMS_MAX)):
            by_table: dict[str, list[dict[str, Any]]] = {}
            for table, request in group:
                by_table.setdefault(table, []).append(request)
            yield partial(self._write_batch, by_table)

    def _write_batch(self, requests: Mapping[str, Sequence[Any]]) -> None:
        remaining = requests

        def attempt() -> None:
            nonlocal remaining
            remaining = self._client.batch_write_item(RequestItems=remaining)["UnprocessedItems"]
            if remaining:
                raise WritesUnprocessed(f"Items of {', '.join(remaining)} stay unprocessed.")

        retry(attempt, _BATCH_BACKOFF, self._sleep, on=WritesUnprocessed)


def _unless_refused(write: Write) -> bool:
    return _stored_instead(write) is None


def _stored_instead(write: Write) -> Attributes | None:
    """Do a conditional write; return what is stored where it was refused, if the call asks."""
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return cast("Attributes", error.response.get("Item", {}))
        raise
    return None
