"""What happens to journal records that can't be projected, from Lambda's retries to a rebuild.

The real projector under a model of Lambda's event source mapping that has the properties which
`template.yaml` gives it (see `stream_mapping` for whose rules those are).
"""

from base64 import b64encode
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.items import to_item
from bursa.journal.record import EncodedRecord
from bursa.read_models.fold import ReadModelChanges
from scripts.rebuild import open_rebuild
from tests.contract.templates import APPLICATION, resources
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell
from tests.integration.read_models.stream_mapping import Json, StreamMapping
from tests.integration.read_models.tables import ENVIRONMENT, JOURNAL
from tests.integration.read_models.test_functions import Context, metric, started

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROPERTIES: Json = resources(APPLICATION, "AWS::Serverless::Function")["Projector"]["Properties"][
    "Events"
]["Journal"]["Properties"]
RETRIES: int = PROPERTIES["MaximumRetryAttempts"]
BAD = 3


class Journal:
    """A shard's journal in its table, and the stream of it."""

    def __init__(self, client: "DynamoDBClient", records: int) -> None:
        self._client = client
        self._shard = Shard()
        for _ in range(records - 1):
            self._trade()
        for record in self._shard.records:
            client.put_item(TableName=JOURNAL, Item=to_item(record))

    def _trade(self) -> EncodedRecord:
        return self._shard.run(sell(BOB, 100, 2), buy(ALICE, 100, 1))

    def write_one_more(self) -> Json:
        record = self._trade()
        self._client.put_item(TableName=JOURNAL, Item=to_item(record))
        return _streamed(record)

    def damage(self, number: int) -> None:
        """Spoil a record where it is stored, so that it can never be opened."""
        record = self._shard.records[number - 1]
        item = to_item(record) | {"body": {"B": b"spoilt"}}
        self._client.put_item(TableName=JOURNAL, Item=item)

    def stream(self, damaged: int = 0) -> list[Json]:
        streamed = [_streamed(record) for record in self._shard.records]
        if damaged:
            streamed[damaged - 1]["dynamodb"]["NewImage"]["body"] = {"B": "AAAA"}
        return streamed


def _streamed(record: EncodedRecord) -> Json:
    image = {
        name: {"B": b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in to_item(record).items()
    }
    number = f"{record.number:021d}"
    return {"eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": number}}


@pytest.fixture
def projector(dynamodb: "DynamoDBClient") -> ModuleType:
    return started("projector")


def mapping(projector: ModuleType) -> StreamMapping:
    return StreamMapping(PROPERTIES, lambda event: projector.handler(event, Context()))


def discarded(run: StreamMapping) -> list[tuple[int, int, str]]:
    """From which record to which a batch was discarded, and why."""
    return [
        (
            int(one["DDBStreamBatchInfo"]["startSequenceNumber"]),
            int(one["DDBStreamBatchInfo"]["endSequenceNumber"]),
            one["requestContext"]["condition"],
        )
        for one in run.discarded
    ]


def read_models(projector: ModuleType) -> Any:
    return projector.services.projectors._projector(0)._read_models


def progress(projector: ModuleType) -> tuple[int, int]:
    """The number of the last record projected, and how many were stepped over."""
    row = read_models(projector).progress()
    return (0, 0) if row is None else (row.number, row.skipped)


def differences(client: "DynamoDBClient") -> list[str]:
    rebuild = open_rebuild(client, ENVIRONMENT, 0)
    rebuild.catch_up()
    return [f"{one.kind} {one.table} {one.key}" for one in rebuild.differences(looks=1)]


class Outage:
    """Fails some writes before it passes them on to the tables."""

    def __init__(self, projector: ModuleType, patch: pytest.MonkeyPatch, failures: int) -> None:
        self.failures = failures
        write = read_models(projector).write

        def perhaps_write(changes: ReadModelChanges) -> None:
            if self.failures > 0:
                self.failures -= 1
                raise OutcomeUnknown("the table gives no answer")
            write(changes)

        patch.setattr(read_models(projector), "write", perhaps_write)


def test_nothing_is_discarded_where_nothing_fails(
    projector: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    run = mapping(projector)
    run.run(Journal(dynamodb, 6).stream())

    assert (run.discarded, len(run.invocations), progress(projector)) == ([], 1, (6, 0))
    assert differences(dynamodb) == []


@pytest.mark.parametrize("bad", [1, BAD, 6], ids=["the first", "one in the middle", "the last"])
def test_a_record_that_only_the_stream_spoils_ends_alone_and_is_read_from_the_journal(
    projector: ModuleType,
    dynamodb: "DynamoDBClient",
    capsys: pytest.CaptureFixture[str],
    bad: int,
) -> None:
    journal, run = Journal(dynamodb, 6), mapping(projector)
    run.run(journal.stream(damaged=bad))
    printed = capsys.readouterr().out

    assert discarded(run) == [(bad, bad, "RetryAttemptsExhausted")]
    # The alarm is about this metric; each look at the record counts.
    assert sum(metric(printed, "UnprojectableRecords")) >= 1 + RETRIES
    if bad == 6:
        assert progress(projector) == (5, 0)
        run.run([journal.write_one_more()])
    assert progress(projector) == (6 + (bad == 6), 0)
    assert differences(dynamodb) == []


def test_records_after_one_that_can_not_be_opened_are_projected(
    projector: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    journal, run = Journal(dynamodb, 6), mapping(projector)
    journal.damage(BAD)
    run.run(journal.stream(damaged=BAD))

    assert discarded(run) == [(BAD, BAD, "RetryAttemptsExhausted")]
    assert progress(projector) == (6, 1)
    # Nothing more came through the stream, and the last record's rows are there all the same.
    assert (
        open_rebuild(dynamodb, ENVIRONMENT, 0).live_sequence()
        == journal._shard.records[-1].last_sequence
    )
    assert differences(dynamodb) == []


@pytest.mark.parametrize("failures", [1, 3, RETRIES])
def test_a_store_that_fails_for_a_moment_leaves_no_trace(
    projector: ModuleType,
    dynamodb: "DynamoDBClient",
    monkeypatch: pytest.MonkeyPatch,
    failures: int,
) -> None:
    outage = Outage(projector, monkeypatch, failures)
    run = mapping(projector)
    run.run(Journal(dynamodb, 6).stream())

    assert (outage.failures, run.discarded, progress(projector)) == (0, [], (6, 0))
    assert differences(dynamodb) == []


@pytest.mark.parametrize("mended_by", ["the next record", "a rebuild"])
def test_a_store_that_is_down_for_long_is_made_whole_afterwards(
    projector: ModuleType,
    dynamodb: "DynamoDBClient",
    monkeypatch: pytest.MonkeyPatch,
    mended_by: str,
) -> None:
    journal, run = Journal(dynamodb, 6), mapping(projector)
    outage = Outage(projector, monkeypatch, failures=1 << 30)
    run.run(journal.stream())

    # Each was tried alone as often as it may be, and each is reported.
    assert discarded(run) == [(one, one, "RetryAttemptsExhausted") for one in range(1, 7)]
    assert (progress(projector), len(differences(dynamodb)) > 0) == ((0, 0), True)
    outage.failures = 0
    if mended_by == "the next record":
        run.run([journal.write_one_more()])
        assert progress(projector) == (7, 0)
    else:
        rebuild = open_rebuild(dynamodb, ENVIRONMENT, 0)
        rebuild.catch_up()
        rebuild.mend(rebuild.differences(looks=1))
    assert (len(run.discarded), differences(dynamodb)) == (6, [])


# --- the model itself -----------------------------------------------------------------------------


def numbered(count: int) -> list[Json]:
    return [{"dynamodb": {"SequenceNumber": str(one)}} for one in range(count)]


def failing_at(number: str) -> Any:
    """Answer as a function does that works up to one record."""

    def function(event: Json) -> Json:
        names = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        return {"batchItemFailures": [{"itemIdentifier": number}] if number in names else []}

    return function


def raising_at(number: str) -> Any:
    def function(event: Json) -> Json:
        if failing_at(number)(event)["batchItemFailures"]:
            raise RuntimeError(number)
        return {}

    return function


BISECTED = ["0123", "01", "23", "2", "2", "3"]


@pytest.mark.parametrize(
    ("properties", "function", "invocations", "given_up"),
    [
        pytest.param({}, raising_at("9"), ["0123"], [], id="all is well"),
        pytest.param(
            {"BisectBatchOnFunctionError": True}, raising_at("2"), BISECTED, ["22"],
            id="an error bisects, which is no retry",
        ),
        pytest.param({}, raising_at("2"), ["0123", "0123"], ["03"], id="an error retries all"),
        pytest.param({}, failing_at("2"), ["0123", "23", "23"], ["23"], id="a checkpoint"),
        pytest.param(
            {"FunctionResponseTypes": []}, failing_at("2"), ["0123"], [], id="not asked to report"
        ),
        pytest.param(
            {"BatchSize": 3}, failing_at("2"), ["012", "2", "2", "3"], ["22"], id="batch size"
        ),
        pytest.param(
            {"DestinationConfig": {}}, raising_at("2"), ["0123", "0123"], [], id="no destination"
        ),
        pytest.param(
            {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 60}, raising_at("2"),
            ["0123"] * 7, ["03"], id="too old",
        ),
        pytest.param(
            {}, lambda _: {"batchItemFailures": [{"itemIdentifier": ""}]}, ["0123", "0123"], ["03"],
            id="an empty identifier fails all",
        ),
        pytest.param(
            {}, lambda _: {"batchItemFailures": [{"name": "2"}]}, ["0123", "0123"], ["03"],
            id="a key of another name fails all",
        ),
        pytest.param({}, lambda _: None, ["0123"], [], id="no result is a success"),
    ],
)  # fmt: skip
def test_the_model_does_what_is_documented(
    properties: Json, function: Any, invocations: list[str], given_up: list[str]
) -> None:
    settings: Json = {
        "MaximumRetryAttempts": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {}},
    }
    run = StreamMapping(settings | properties, function, age_s=lambda count: count * 10.0)
    run.run(numbered(4))

    assert ["".join(names) for names in run.invocations] == invocations
    assert [f"{first}{last}" for first, last, _ in discarded(run)] == given_up
