"""The Lambda functions, with the events that `sam local invoke` uses and tables in moto."""

import base64
import json
import sys
import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from bursa.aws.table_writer import TableWriter
from bursa.journal.stream import BadRecordFirst, alterations
from bursa.kernel.identifiers import TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.feed import Messages, Sent
from bursa.market_data.sockets import management_client
from bursa.read_models.rows import OrderRow, ProgressRow, from_attributes
from bursa.tenants.dynamodb import DirectoryTable
from tests.integration.read_models.tables import (
    CONNECTIONS,
    DIRECTORY,
    USER,
    connection_rows,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENTS = Path(__file__).parents[3] / "events"


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if "websocket" in name:
        loaded["requestContext"]["connectedAt"] = time.time_ns() // 1_000_000
    return loaded


class Context:
    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


class Bus:
    """EventBridge, in memory; it can be down."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.is_down = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.is_down:
            raise ConnectTimeoutError(endpoint_url="https://events.example")
        assert {entry["EventBusName"] for entry in Entries} == {"bursa"}
        self.kinds += [entry["DetailType"] for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}


class Posted:
    """API Gateway's management API, in memory."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.gone = False
        self.closed: list[str] = []
        self.lost: set[str] = set()

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        for name in connection_ids:
            self.post(name, bodies)
            self.closed.append(name)

    def is_open(self, connection_id: str) -> bool:
        return connection_id not in self.lost

    def post(self, connection_id: str, bodies: Sequence[bytes]) -> bool:
        self.messages += [(connection_id, json.loads(body)) for body in bodies]
        return not self.gone

    respond = post

    def send(self, messages: Messages) -> Sent:
        gone = []
        for listener, channels in messages.items():
            if not self.post(listener[1], [one for bodies in channels.values() for one in bodies]):
                gone.append(listener)
        return Sent(gone)


def started(function: str) -> ModuleType:
    """Import a function as if it had just been started."""
    sys.modules.pop(f"{function}.app", None)
    return import_module(f"{function}.app")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    monkeypatch.setattr("bursa.bootstrap.streams.facts_client", lambda: bus)
    monkeypatch.setattr("bursa.facts.publisher._STANDSTILL_MS", 1)
    return bus


@pytest.fixture
def projector(dynamodb: "DynamoDBClient", bus: Bus) -> ModuleType:
    return started("projector")


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Posted:
    posted = Posted()
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: posted)
    return posted


@pytest.fixture
def websocket(dynamodb: "DynamoDBClient", posted: Posted) -> ModuleType:
    return started("websocket")


@pytest.fixture
def feeds(dynamodb: "DynamoDBClient", posted: Posted) -> ModuleType:
    return started("feeds")


def metric(output: str, name: str) -> list[float]:
    """Values of a metric in what a function printed (CloudWatch embedded metric format)."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [value for line in lines if "_aws" in line for value in line.get(name, [])]


def test_projector_puts_the_facts_of_a_batch_on_the_bus(
    projector: ModuleType,
    dynamodb: "DynamoDBClient",
    bus: Bus,
    capsys: pytest.CaptureFixture[str],
) -> None:
    projector.handler(event("journal-stream"), Context())

    assert sorted(bus.kinds) == ["order.done", "trade.executed"]
    assert metric(capsys.readouterr().out, "FactsPut") == [2]
    row = {"pk": {"S": "shard#0"}, "sk": {"S": "facts"}}
    kept = dynamodb.get_item(TableName="progress", Key=row)["Item"]
    read_models = {"pk": {"S": "shard#0"}, "sk": {"S": "read-models"}}
    applied = dynamodb.get_item(TableName="progress", Key=read_models)["Item"]
    assert kept["sequence"] == applied["sequence"]


def test_the_schedule_puts_the_facts_that_the_bus_did_not_take(
    projector: ModuleType,
    dynamodb: "DynamoDBClient",
    bus: Bus,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for entry in event("journal-stream")["Records"]:
        image = entry["dynamodb"]["NewImage"]
        item: Any = {name: binary(value) for name, value in image.items()}
        dynamodb.put_item(TableName="journal", Item=item)
    bus.is_down = True
    assert projector.handler(event("journal-stream"), Context()) == {"batchItemFailures": []}
    assert metric(capsys.readouterr().out, "FactsFailed") == [1]
    assert projector.handler(event("late-facts"), Context()) == {"0": -1}
    assert metric(capsys.readouterr().out, "FactsLate") == [1]

    bus.is_down = False
    assert projector.handler(event("late-facts"), Context()) == {"0": 0}
    assert sorted(bus.kinds) == ["order.done", "trade.executed"]
    assert projector.handler(event("late-facts"), Context()) == {"0": 0}
    assert len(bus.kinds) == 2


def binary(value: dict[str, str]) -> dict[str, Any]:
    return {"B": base64.b64decode(value["B"])} if "B" in value else value


def test_facts_of_records_that_the_journal_lacks_are_late(
    projector: ModuleType, bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    bus.is_down = True
    projector.handler(event("journal-stream"), Context())
    bus.is_down = False
    (left,) = projector.handler(event("late-facts"), Context()).values()
    assert left > 0
    assert metric(capsys.readouterr().out, "FactsLate") == [1]


def test_projector_applies_a_batch_of_the_stream(
    projector: ModuleType, dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    response = projector.handler(event("journal-stream"), Context())

    assert response == {"batchItemFailures": []}
    item = dynamodb.get_item(
        TableName="orders", Key={"pk": {"S": "t1-1"}, "sk": {"S": f"order#{10:019d}"}}
    )["Item"]
    order = from_attributes(OrderRow, item)
    assert (order.client_order_id, order.status, order.remaining) == (
        "demo-order-1",
        "partially_filled",
        600_000,
    )
    printed = capsys.readouterr().out
    assert metric(printed, "RecordsProjected") == [3]
    assert metric(printed, "RecordsBehind") == [0]
    assert metric(printed, "JournalAltered") == []
    assert metric(printed, "ProjectionLag")[0] > 0


def altered(batch: dict[str, Any], name: str, **more: object) -> dict[str, Any]:
    """Add to a batch that its first record was changed or removed afterwards."""
    first = batch["Records"][0]
    change = dict(first["dynamodb"])
    if name == "MODIFY":
        last = batch["Records"][-1]["dynamodb"]["NewImage"]
        change["NewImage"] = change["NewImage"] | {"body": last["body"]}
    else:
        del change["NewImage"]
    entry = first | {"eventName": name, "dynamodb": change} | more
    return batch | {"Records": [*batch["Records"], entry]}


EXPIRED = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


@pytest.mark.parametrize(
    ("name", "more", "expired"),
    [("MODIFY", {}, False), ("REMOVE", {}, False), ("REMOVE", EXPIRED, True)],
    ids=["modify", "remove", "remove by time to live"],
)
def test_whatever_alters_the_journal_is_counted_and_not_projected(
    name: str,
    more: dict[str, object],
    expired: bool,
    projector: ModuleType,
    capsys: pytest.CaptureFixture[str],
) -> None:
    batch = altered(event("journal-stream"), name, **more)
    assert projector.handler(batch, Context()) == {"batchItemFailures": []}

    printed = capsys.readouterr().out
    assert metric(printed, "JournalAltered") == [1]
    assert metric(printed, "RecordsProjected") == [3]
    (found,) = alterations(batch)
    assert found == (name.lower(), "0#0", "1", expired)


def test_projector_reports_the_first_bad_record(
    projector: ModuleType, dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str]
) -> None:
    batch = event("journal-stream")
    batch["Records"][1]["dynamodb"]["NewImage"]["body"]["B"] = "AAAA"

    response = projector.handler(batch, Context())

    bad = batch["Records"][1]["dynamodb"]["SequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": bad}]}
    item = dynamodb.get_item(
        TableName="progress", Key={"pk": {"S": "shard#0"}, "sk": {"S": "read-models"}}
    )["Item"]
    assert from_attributes(ProgressRow, item).number == 1
    assert metric(capsys.readouterr().out, "UnprojectableRecords") == [1]


@pytest.mark.parametrize(
    "image",
    [
        pytest.param({}, id="empty"),
        pytest.param({"sk": {"N": "1"}}, id="parts missing"),
        pytest.param({"body": {"B": "not base64!"}}, id="not base64"),
    ],
)
def test_projector_reports_what_is_no_record(projector: ModuleType, image: dict[str, Any]) -> None:
    batch = event("journal-stream")
    del batch["Records"][1:]
    batch["Records"][0]["dynamodb"]["NewImage"] = image
    bad = batch["Records"][0]["dynamodb"]["SequenceNumber"]
    response = projector.handler(batch, Context())
    assert response == {"batchItemFailures": [{"itemIdentifier": bad}]}


def test_projector_has_a_batch_halved_that_begins_with_a_bad_record(
    projector: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = event("journal-stream")
    batch["Records"][0]["dynamodb"]["NewImage"] = {}
    with pytest.raises(BadRecordFirst):
        projector.handler(batch, Context())
    assert metric(capsys.readouterr().out, "UnprojectableRecords") == [1]


def test_removals_are_passed_over(projector: ModuleType) -> None:
    batch = event("journal-stream")
    removal = {"eventName": "REMOVE", "dynamodb": {"Keys": {}, "SequenceNumber": "1"}}
    batch["Records"].insert(0, removal)
    assert projector.handler(batch, Context()) == {"batchItemFailures": []}


def test_projector_fails_as_a_whole_when_storage_does(
    projector: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.delete_table(TableName="balances")
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        projector.handler(event("journal-stream"), Context())


def connections(dynamodb: "DynamoDBClient") -> ConnectionsTable:
    return ConnectionsTable(dynamodb, CONNECTIONS, TableWriter(dynamodb))


def test_client_connects_subscribes_and_leaves(
    projector: ModuleType, websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())

    assert websocket.handler(event("websocket-connect"), Context()) == {"statusCode": 200}
    assert websocket.handler(event("websocket-message"), Context()) == {"statusCode": 200}

    connection_id = event("websocket-connect")["requestContext"]["connectionId"]
    assert {receiver for receiver, _ in posted.messages} == {connection_id}
    confirmed, book, trades, orders, balances = [message for _, message in posted.messages]
    assert confirmed["type"] == "subscribed"
    assert book["data"]["bids"] == [["23512", "0.006"]]
    assert [trade["quantity"] for trade in trades["data"]] == ["0.004"]
    assert [order["client_order_id"] for order in orders["data"]] == ["demo-order-1"]
    assert {balance["asset"] for balance in balances["data"]} == {"BTC", "USDT"}
    assert len(connections(dynamodb).subscriptions("t1")) == 4

    assert websocket.handler(event("websocket-disconnect"), Context()) == {"statusCode": 200}
    assert connection_rows(dynamodb) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("{", "invalid_json", id="not JSON"),
        pytest.param('{"op":"dance"}', "unknown_op", id="unknown op"),
        pytest.param(None, "invalid_json", id="no body"),
    ],
)
def test_bad_message_is_answered_with_an_error(
    websocket: ModuleType, posted: Posted, body: str | None, code: str
) -> None:
    response = websocket.handler(event("websocket-message") | {"body": body}, Context())
    assert response == {"statusCode": 200}
    ((_, message),) = posted.messages
    assert (message["type"], message["code"]) == ("error", code)


def test_client_that_left_before_its_response_is_forgotten(
    projector: ModuleType, websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())
    websocket.handler(event("websocket-connect"), Context())
    posted.gone = True
    websocket.handler(event("websocket-message"), Context())
    assert connection_rows(dynamodb) == []


def test_failure_on_our_side_is_said_and_counted(
    websocket: ModuleType,
    posted: Posted,
    dynamodb: "DynamoDBClient",
    capsys: pytest.CaptureFixture[str],
) -> None:
    dynamodb.delete_table(TableName=CONNECTIONS)
    websocket.handler(
        event("websocket-message") | {"body": '{"op":"subscribe","channels":["orders"]}'},
        Context(),
    )
    ((_, message),) = posted.messages
    assert message["code"] == "internal_error"
    assert metric(capsys.readouterr().out, "MessagesFailed") == [1]
    # The gateway refuses a connection whose function fails.
    failed = pytest.raises(dynamodb.exceptions.ResourceNotFoundException)
    with pytest.warns(UserWarning, match="No application metrics"), failed:
        websocket.handler(event("websocket-connect"), Context())


def test_a_feed_that_can_not_find_its_listeners_gets_the_same_records_again(
    feeds: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    dynamodb.delete_table(TableName=CONNECTIONS)
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        feeds.handler(event("journal-stream"), Context())
    assert posted.messages == []


def test_feed_sends_the_stream_to_subscribers(
    projector: ModuleType,
    websocket: ModuleType,
    feeds: ModuleType,
    posted: Posted,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = event("journal-stream")
    projector.handler({"Records": stream["Records"][:1]}, Context())
    websocket.handler(event("websocket-connect"), Context())
    websocket.handler(event("websocket-message"), Context())
    posted.messages.clear()

    response = feeds.handler(stream, Context())

    assert response == {"batchItemFailures": []}
    said = [(message["type"], message["channel"]) for _, message in posted.messages]
    assert said == [
        ("update", "book:BTC-USDT"),
        ("update", "orders"),
        ("update", "balances"),
        ("update", "trades:BTC-USDT"),
    ]
    assert metric(capsys.readouterr().out, "MessagesSent") == [4]


@pytest.mark.parametrize(
    ("emulator", "expected"),
    [
        pytest.param("", "https://abc.execute-api.eu-west-1.amazonaws.com/v1", id="AWS"),
        pytest.param(
            "http://127.0.0.1:4566/",
            "http://127.0.0.1:4566/_aws/execute-api/abc/v1",
            id="emulator",
        ),
    ],
)
def test_way_back_to_clients_follows_where_aws_is(
    dynamodb: "DynamoDBClient", emulator: str, expected: str
) -> None:
    client = management_client("https://abc.execute-api.eu-west-1.amazonaws.com/v1", emulator)
    assert client.meta.endpoint_url == expected


def test_connection_of_an_ended_session_is_refused_and_forgotten(
    websocket: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    signed_in_at = int(event("websocket-connect")["requestContext"]["authorizer"]["signed_in_at"])
    directory = DirectoryTable(dynamodb, DIRECTORY)
    directory.end_sessions(TenantId(1), USER, signed_in_at)

    assert websocket.handler(event("websocket-connect"), Context()) == {"statusCode": 401}
    assert connection_rows(dynamodb) == []


def test_message_after_the_tokens_end_closes_the_connection(
    projector: ModuleType, websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())
    websocket.handler(event("websocket-connect"), Context())
    websocket.handler(event("websocket-message"), Context())
    posted.messages.clear()
    late = event("websocket-message")
    late["requestContext"]["authorizer"]["expires_at"] = "1795291200"

    assert websocket.handler(late, Context()) == {"statusCode": 200}

    ((closed, message),) = posted.messages
    assert (message["type"], message["code"]) == ("closing", "token_expired")
    assert posted.closed == [closed]
    assert connection_rows(dynamodb) == []


def test_rows_of_a_connection_end_with_its_token(
    projector: ModuleType, websocket: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())
    ends_at = str(int(time.time()) + 60)
    for name in ("websocket-connect", "websocket-message"):
        soon = event(name)
        soon["requestContext"]["authorizer"]["expires_at"] = ends_at
        websocket.handler(soon, Context())
    items = connection_rows(dynamodb)
    assert len(items) == 5
    assert {item["expires_at"]["N"] for item in items} == {ends_at}


@pytest.mark.parametrize(
    ("name", "status", "closes"),
    [
        ("websocket-connect", 401, False),
        ("websocket-message", 200, True),
        ("websocket-disconnect", 200, False),
    ],
)
def test_connection_from_before_a_deployment_is_closed_and_is_no_fault(
    websocket: ModuleType, posted: Posted, name: str, status: int, *, closes: bool
) -> None:
    old = event(name)
    del old["requestContext"]["authorizer"]["signed_in_at"]
    assert websocket.handler(old, Context()) == {"statusCode": status}
    assert bool(posted.closed) is closes
