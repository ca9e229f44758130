"""The functions on a stream that carries a record without its body, and the parts of it."""

from base64 import b64encode
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from bursa.aws.table_writer import TableWriter
from bursa.journal.items import from_stream_image, part_to_item, to_item
from bursa.journal.record import split_record
from tests.integration.read_models import test_functions
from tests.integration.read_models.tables import JOURNAL
from tests.integration.read_models.test_functions import Context, Posted, event, metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

bus, projector, feeds = test_functions.bus, test_functions.projector, test_functions.feeds
websocket, posted = test_functions.websocket, test_functions.posted

Item = dict[str, dict[str, Any]]


def image(item: Item) -> dict[str, Any]:
    """Write an item as a stream does."""
    return {
        name: {"B": b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def cut(dynamodb: "DynamoDBClient", *, missing: int = 0) -> dict[str, Any]:
    """Store the second record of the sample stream in parts; return the stream that follows."""
    stream = event("journal-stream")
    whole = stream["Records"][1]["dynamodb"]
    head, parts = split_record(from_stream_image(whole["NewImage"]), 60)
    assert len(parts) > 2
    for part in parts[: len(parts) - missing]:
        dynamodb.put_item(TableName=JOURNAL, Item=part_to_item(part))
    images = [image(part_to_item(part)) for part in parts] + [image(to_item(head))]
    stream["Records"][1:2] = [
        {"dynamodb": {"SequenceNumber": f"{whole['SequenceNumber']}{number}", "NewImage": one}}
        for number, one in enumerate(images)
    ]
    return stream


def test_the_projector_fetches_what_the_stream_does_not_carry(
    projector: ModuleType, dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    assert projector.handler(cut(dynamodb), Context()) == {"batchItemFailures": []}

    printed = capsys.readouterr().out
    assert metric(printed, "RecordsProjected") == [3]


def test_the_feeds_fetch_it_too(
    projector: ModuleType,
    websocket: ModuleType,
    feeds: ModuleType,
    posted: Posted,
    dynamodb: "DynamoDBClient",
) -> None:
    stream = cut(dynamodb)
    projector.handler({"Records": stream["Records"][:1]}, Context())
    websocket.handler(event("websocket-connect"), Context())
    websocket.handler(event("websocket-message"), Context())
    posted.messages.clear()

    feeds.handler(stream, Context())

    assert len(posted.messages) == 4


def test_a_record_whose_parts_are_gone_is_reported_by_its_own_name(
    projector: ModuleType, dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    stream = cut(dynamodb, missing=1)

    response = projector.handler(stream, Context())

    name = stream["Records"][-2]["dynamodb"]["SequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": name}]}
    assert metric(capsys.readouterr().out, "UnprojectableRecords") == [1]


def test_the_batch_comes_again_when_the_parts_cant_be_read(
    projector: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    stream = cut(dynamodb)
    dynamodb.delete_table(TableName=JOURNAL)
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        projector.handler(stream, Context())


# --- many writes ----------------------------------------------------------------------------------


def throttled(times: int) -> Callable[[], None]:
    """Return a write that is throttled some times before it succeeds."""
    left = [times]

    def write() -> None:
        if left[0]:
            left[0] -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")

    return write


def test_a_throttled_write_is_repeated_ever_more_slowly() -> None:
    pauses: list[float] = []
    TableWriter(None, pauses.append, threads=1).run([throttled(6)])  # type: ignore[arg-type]
    assert pauses == sorted(pauses)
    assert len(pauses) == 6


def test_throttling_without_an_end_is_raised() -> None:
    pauses: list[float] = []
    writer = TableWriter(None, pauses.append)  # type: ignore[arg-type]
    with pytest.raises(ClientError):
        writer.run([throttled(10**6)])
    assert 5 < sum(pauses) < 60


def test_writes_are_made_as_there_is_room_for_them() -> None:
    done: list[int] = []
    ahead = 0
    writer = TableWriter(None, threads=2)  # type: ignore[arg-type]

    def writes() -> Any:
        nonlocal ahead
        for number in range(5_000):
            ahead = max(ahead, number - len(done))
            yield lambda number=number: done.append(number)

    writer.run(writes())
    assert sorted(done) == list(range(5_000))
    assert ahead < 1_000


def test_the_first_error_ends_a_run() -> None:
    def fail() -> None:
        raise PermissionError

    writer = TableWriter(None)  # type: ignore[arg-type]
    with pytest.raises(PermissionError):
        writer.run([fail, *[throttled(0)] * 1_000])
