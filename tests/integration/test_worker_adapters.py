"""The worker's adapters against moto."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from bursa.aws.clients import worker_client
from bursa.aws.failures import outcome_unknown
from bursa.intake.dynamodb import DynamoReplyWriter
from bursa.intake.message import CommandMessage
from bursa.intake.reply import Reply
from bursa.intake.sqs import SqsCommandReceiver, SqsCommandSender
from bursa.journal import dynamodb as journal_dynamodb
from bursa.journal.checkpoint import CHECKPOINT_SCHEMA, CheckpointDamaged, CheckpointHeader
from bursa.journal.checkpoint_s3 import S3Checkpoints
from bursa.journal.dynamodb import DynamoJournal, JournalReader
from bursa.journal.errors import OutcomeUnknown, SlotTaken
from bursa.journal.lease import LeaseRow
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.journal.record import (
    EncodedRecord,
    RecordError,
    decode_record,
    record_hash,
    split_record,
)
from bursa.journal.replica import Head
from bursa.kernel import object_keys
from bursa.kernel.identifiers import AccountId
from tests.unit.worker.fakes import credit, record


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def make_table(name: str, **types: str) -> Any:
    client: Any = worker_client("dynamodb")
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind} for key, kind in types.items()
        ],
        KeySchema=[
            {"AttributeName": key, "KeyType": "HASH" if key == "pk" else "RANGE"} for key in types
        ],
    )
    return client


# --- journal --------------------------------------------------------------------------------------


def journal() -> DynamoJournal:
    return DynamoJournal(make_table("journal", pk="S", sk="N"), "journal", 0)


def chain(count: int) -> list[EncodedRecord]:
    head, records = Head(), []
    for number in range(count):
        records.append(record(head, credit(number), b"event" * 8))
        head = Head.of(records[-1])
    return records


def test_a_record_comes_back_as_it_was_put() -> None:
    store, records = journal(), chain(3)
    for one in records:
        store.put(one)

    assert store.read(1) == records
    assert store.read(2) == records[1:]
    assert store.read(1, 2, limit=1) == records[:1]
    assert store.read(4) == []
    assert store.head() == Head.of(records[-1])


def test_an_empty_journal_has_no_head() -> None:
    assert journal().head() is None


def test_a_slot_is_written_once_and_says_by_whom() -> None:
    store, (first,) = journal(), chain(1)
    store.put(first)

    with pytest.raises(SlotTaken) as caught:
        store.put(replace(first, batch_id=b"another's batch.", epoch=9))
    assert (caught.value.batch_id, caught.value.epoch) == (first.batch_id, first.epoch)
    assert store.read(1) == [first]


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 7, 8])
def test_the_head_is_found_whatever_the_number_of_segments(segments: int) -> None:
    store, (first,) = journal(), chain(1)
    size = 1 << 20
    for segment in range(segments):
        slot = max(1, segment * size)
        store.put(replace(first, first_sequence=slot, last_sequence=(segment + 1) * size - 1))

    newest = store.head()
    assert newest is not None
    assert newest.last_sequence == segments * size - 1


def large(head: Head, seed: int, size: int = 700_000) -> EncodedRecord:
    return record(head, credit(seed), random.Random(seed).randbytes(size))


def put(store: DynamoJournal, one: EncodedRecord) -> None:
    head, parts = split_record(one)
    for part in parts:
        store.put_part(part)
    store.put(head)


def test_a_record_in_parts_comes_back_as_it_was_put() -> None:
    store = journal()
    first = large(Head(), 1)
    second = record(Head.of(first), credit(2), b"event" * 8)
    for one in (first, second):
        put(store, one)

    assert store.read(1) == store.read_span(1, 2) == [first, second]
    newest = store.head()
    assert newest is not None
    assert newest == Head.of(second)
    reader = JournalReader(store._client, "journal", 0)
    assert list(reader.read(1, 9)) == [first, second]
    assert [reader.joined(one) for one in (split_record(first)[0], second)] == [first, second]


def test_a_part_that_is_put_again_stays_as_it_is() -> None:
    store = journal()
    one = large(Head(), 1)
    head, parts = split_record(one)
    for part in [*parts, *parts]:
        store.put_part(part)
    store.put_part(replace(parts[0], data=b"other"))
    store.put(head)
    assert store.read(1) == [one]


def test_parts_without_a_record_are_no_part_of_the_journal() -> None:
    store = journal()
    orphan, mine = large(Head(), 1), replace(large(Head(), 2), batch_id=b"mine, and no one")
    mine = replace(mine, hash=record_hash(mine))
    for part in split_record(orphan)[1]:
        store.put_part(part)
    assert store.read(1) == []
    assert store.head() is None
    put(store, mine)
    assert store.read(1) == [mine]


def test_a_record_whose_parts_are_gone_says_so() -> None:
    store = journal()
    head, (part, *_) = split_record(large(Head(), 1))
    store.put_part(part)
    store.put(head)
    (found,) = store.read(1)
    with pytest.raises(RecordError, match="lacks"):
        decode_record(found)


def test_a_page_of_large_records_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_dynamodb, "_JOINED_BYTES_MAX", 500_000)
    store, head, records = journal(), Head(), []
    for seed in range(3):
        records.append(replace(large(head, seed), batch_id=bytes([seed]) * 16))
        records[-1] = replace(records[-1], hash=record_hash(records[-1]))
        head = Head.of(records[-1])
        put(store, records[-1])

    assert store.read(1) == records[:1]
    assert store.read(2) == records[1:2]
    assert store.read_span(1, 3) == records


# --- lease ----------------------------------------------------------------------------------------


def test_a_lease_row_is_swapped_only_for_the_one_expected() -> None:
    store = DynamoLeases(make_table("progress", pk="S", sk="S"), "progress", 0)
    mine, yours = LeaseRow("mine", 1, 1, watermark_ms=7), LeaseRow("yours", 2, 2)

    assert store.read() is None
    assert store.swap(None, mine)
    assert not store.swap(None, yours)
    assert not store.swap(replace(mine, beat=7), yours)
    assert store.read() == mine
    assert store.swap(mine, yours)
    assert store.swap(yours, replace(yours, beat=3, released=True))
    assert store.read() == LeaseRow("yours", 2, 3, released=True)


# --- replies --------------------------------------------------------------------------------------


def reply_of(message_id: str, request: bytes, *, repeated: bool = False) -> Reply:
    return Reply(7, message_id, 12, b"", repeated, 1_900_000_000, request)


def test_a_repeated_reply_only_fills_a_gap() -> None:
    client = make_table("replies", pk="S")
    store = DynamoReplyWriter(client, "replies")
    store.write([reply_of("a", b"first"), reply_of("b", b"again", repeated=True)])
    store.write([reply_of("a", b"second", repeated=True)])

    items = {item["pk"]["S"]: item for item in client.scan(TableName="replies")["Items"]}
    assert items.keys() == {"t7#a", "t7#b"}
    assert items["t7#a"]["request_digest"]["B"] == b"first"
    assert items["t7#b"]["sequence"]["N"] == "12"
    assert items["t7#a"]["expires_at"]["N"] == "1900000000"


def test_two_replies_to_one_message_in_a_batch_do_no_harm() -> None:
    client = make_table("replies", pk="S")
    DynamoReplyWriter(client, "replies").write([reply_of("a", b"x"), reply_of("a", b"x")])

    assert client.scan(TableName="replies")["Count"] == 1


# --- queue ----------------------------------------------------------------------------------------


def queue() -> tuple[Any, SqsCommandReceiver]:
    client: Any = worker_client("sqs")
    url = client.create_queue(QueueName="commands-0.fifo", Attributes={"FifoQueue": "true"})[
        "QueueUrl"
    ]
    return client, SqsCommandReceiver(client, url, wait_s=0, visibility_s=30)


class Room:
    def require_room(self, account: AccountId, *, only_cancels: bool) -> None:
        """There is room."""


@pytest.mark.parametrize(
    ("header", "arrives"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", True),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0", False),
        ("", False),
    ],
)
def test_a_sampled_requests_trace_goes_with_its_message(header: str, *, arrives: bool) -> None:
    client, commands = queue()
    message = CommandMessage("ab" * 16, 1 << 32 | 1, credit(1))
    SqsCommandSender(client, commands._queue_url, Room(), lambda: header).send(message)
    (delivery,) = commands.receive()

    assert delivery.trace_header == (header if arrives else "")


def test_deliveries_carry_what_the_queue_knows() -> None:
    client, commands = queue()
    client.send_message(
        QueueUrl=commands._queue_url,
        MessageBody="body",
        MessageGroupId="t1-12",
        MessageDeduplicationId="d" * 32,
    )
    (delivery,) = commands.receive()

    assert (delivery.body, delivery.group, delivery.message_id) == ("body", "t1-12", "d" * 32)
    assert delivery.receive_count == 1
    assert delivery.sent_ms > 0


def test_what_is_released_comes_again_and_what_is_deleted_does_not() -> None:
    client, commands = queue()
    for number in range(3):
        client.send_message(
            QueueUrl=commands._queue_url,
            MessageBody=str(number),
            MessageGroupId=f"t1-{number}",
            MessageDeduplicationId=str(number),
        )
    deliveries = commands.receive()
    commands.delete([deliveries[0].receipt])
    commands.release([one.receipt for one in deliveries[1:]])

    assert {one.body for one in commands.receive()} == {one.body for one in deliveries[1:]}


# --- checkpoints --------------------------------------------------------------------------------


def checkpoints() -> tuple[Any, S3Checkpoints]:
    client: Any = worker_client("s3")
    for bucket in ("checkpoints", "locked"):
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    return client, S3Checkpoints(client, "checkpoints", 0, "locked")


def header(sequence: int) -> CheckpointHeader:
    return CheckpointHeader(CHECKPOINT_SCHEMA, 0, 1, sequence, 1, 5, b"h" * 32)


def test_checkpoints_are_listed_newest_first_and_read_back() -> None:
    _, store = checkpoints()
    for sequence in (5, 1_000, 70):
        store.save(header(sequence), b"state %d" % sequence)

    assert store.sequences() == [1_000, 70, 5]
    assert store.load(70) == (header(70), b"state 70")
    store.delete(70)
    assert store.sequences() == [1_000, 5]


def test_what_is_no_checkpoint_is_passed_over_on_any_page() -> None:
    client, store = checkpoints()
    prefix = object_keys.checkpoint_prefix(0)
    for name in ("", "x", "-1", "٣", "7", *(f"a{number:04d}" for number in range(1_005))):
        client.put_object(Bucket="checkpoints", Key=prefix + name, Body=b"")
    store.save(header(5), b"state")
    assert store.sequences() == [5]


def test_a_checkpoint_is_never_replaced() -> None:
    _, store = checkpoints()
    store.save(header(5), b"first")
    store.save(header(5), b"second")

    assert store.load(5)[1] == b"first"


def test_evidence_is_no_checkpoint_and_is_kept_apart() -> None:
    client, store = checkpoints()
    store.keep_evidence(9, b"what was seen")

    assert store.sequences() == []
    (kept,) = client.list_objects_v2(Bucket="locked")["Contents"]
    assert kept["Key"] == f"evidence/0/{9:019d}"
    assert client.get_object(Bucket="locked", Key=kept["Key"])["Body"].read() == b"what was seen"
    assert "Contents" not in client.list_objects_v2(Bucket="checkpoints")


def test_evidence_that_is_refused_hides_nothing() -> None:
    client, _ = checkpoints()
    with pytest.raises(OutcomeUnknown):
        S3Checkpoints(client, "checkpoints", 0, "other-owner").keep_evidence(9, b"what was seen")


def test_a_damaged_checkpoint_is_reported() -> None:
    client, store = checkpoints()
    store.save(header(5), b"state")
    data = client.get_object(Bucket="checkpoints", Key=f"checkpoints/0/{5:019d}")["Body"].read()
    client.put_object(Bucket="checkpoints", Key=f"checkpoints/0/{6:019d}", Body=data[:-3])

    with pytest.raises(CheckpointDamaged):
        store.load(6)


# --- errors ---------------------------------------------------------------------------------------


def client_error(code: str, status: int, shape: str = "") -> ClientError:
    error = {"Code": code, "QueryErrorCode": shape} if shape else {"Code": code}
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutItem",
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EndpointConnectionError(endpoint_url="x"), OutcomeUnknown),
        (client_error("InternalServerError", 500), OutcomeUnknown),
        (client_error("ServiceUnavailable", 503), OutcomeUnknown),
        (client_error("ProvisionedThroughputExceededException", 400), OutcomeUnknown),
        (client_error("ThrottlingException", 400), OutcomeUnknown),
        # SQS names errors as its query protocol did, and the shape beside it.
        (client_error("KMS.ThrottlingException", 400, "KmsThrottled"), OutcomeUnknown),
        (client_error("AnyNameOfTheQueryProtocol", 400, "RequestThrottled"), OutcomeUnknown),
        (client_error("KMS.AccessDeniedException", 400, "KmsAccessDenied"), ClientError),
        (client_error("AccessDeniedException", 400), ClientError),
        (client_error("ValidationException", 400), ClientError),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:40]),
)
def test_only_what_leaves_the_outcome_open_is_called_unknown(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected), outcome_unknown():
        raise error
