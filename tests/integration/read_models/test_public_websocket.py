"""The function behind visitors' WebSocket routes, with real events, and the feed."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from bursa.aws.table_writer import TableWriter
from bursa.kernel.identifiers import TenantId
from bursa.market_data.clients import HANDSHAKE_MESSAGES
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.visitors import visitor_at
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS
from bursa.tenants.profile import TenantProfile
from tests.integration.read_models.tables import (
    CONNECTIONS,
    DIRECTORY,
    PUBLIC_CONNECTIONS,
    connection_rows,
)
from tests.integration.read_models.test_functions import (
    Context,
    Posted,
    bus,
    event,
    feeds,
    metric,
    posted,
    projector,
    started,
    websocket,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["bus", "feeds", "posted", "projector", "websocket"]

MOST = DEFAULT_LIMITS.visitor_connections
ADDRESS, OTHER_ADDRESS = "198.51.100.7", "203.0.113.9"
PUBLIC = ["book:BTC-USDT", "trades:BTC-USDT", "ticker:BTC-USDT", "markets"]


@pytest.fixture
def public(
    dynamodb: "DynamoDBClient", posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    # As the template sets it for this function.
    monkeypatch.setenv("CONNECTIONS_TABLE", PUBLIC_CONNECTIONS)
    function = started("public_websocket")
    monkeypatch.setenv("CONNECTIONS_TABLE", CONNECTIONS)
    return function


def of(
    name: str, connection_id: str, address: str = ADDRESS, tenant: int = 1, **changes: Any
) -> dict[str, Any]:
    sent = event(f"public-websocket-{name}") | changes
    sent["requestContext"]["connectionId"] = connection_id
    visitor = visitor_at(TenantId(tenant), address)
    sent["requestContext"]["authorizer"] |= {"tenant": f"t{tenant}", "visitor": str(visitor)}
    return sent


def say(op: str, channels: object, **more: Any) -> str:
    return json.dumps({"op": op, "channels": channels} | more)


def codes(posted: Posted, name: str) -> list[str]:
    return [one.get("code", one["type"]) for whose, one in posted.messages if whose == name]


def visitors_rows(dynamodb: "DynamoDBClient") -> list[Mapping[str, Any]]:
    every = dynamodb.scan(TableName=PUBLIC_CONNECTIONS)["Items"]
    return [item for item in every if "connected_at_ms" in item]


def subscriptions(dynamodb: "DynamoDBClient", table: str) -> list[tuple[str, str]]:
    rows = ConnectionsTable(dynamodb, table, TableWriter(dynamodb)).subscriptions("t1")
    return sorted((row.channel, row.connection_id) for row in rows)


def test_a_visitor_connects_subscribes_and_leaves(
    projector: ModuleType, public: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())

    assert public.handler(event("public-websocket-connect"), Context()) == {"statusCode": 200}
    assert public.handler(event("public-websocket-message"), Context()) == {"statusCode": 200}

    confirmed, book, trades, ticker, markets = [message for _, message in posted.messages]
    assert confirmed == {"type": "subscribed", "channels": PUBLIC}
    assert book["data"]["bids"] == [["23512", "0.006"]]
    assert [trade["quantity"] for trade in trades["data"]] == ["0.004"]
    assert ticker["data"]["market"] == "BTC-USDT"
    assert [one["market"] for one in markets["data"]] == ["BTC-USDT"]
    assert len(subscriptions(dynamodb, PUBLIC_CONNECTIONS)) == 4
    assert connection_rows(dynamodb) == [], "nothing of it is in accounts' table"

    assert public.handler(event("public-websocket-disconnect"), Context()) == {"statusCode": 200}
    assert visitors_rows(dynamodb) == []
    assert subscriptions(dynamodb, PUBLIC_CONNECTIONS) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (say("subscribe", ["orders"]), "ticket_required"),
        (say("subscribe", ["fills"]), "ticket_required"),
        (say("subscribe", ["trades:BTC-USDT", "balances"]), "ticket_required"),
        (say("unsubscribe", ["orders"]), "ticket_required"),
        (say("resume", {"orders": 1}, epoch=1), "ticket_required"),
        (say("subscribe", ["orders:t1-1"]), "unknown_channel"),
        (say("subscribe", ["trades:t1-1"]), "unknown_channel"),
        (say("subscribe", ["trades:ETH-USDT"]), "unknown_market"),
        (say("subscribe", [f"trades:M{number}" for number in range(21)]), "too_many_channels"),
        ("{", "invalid_json"),
        (json.dumps({"op": "ping", "pad": "x" * 5_000}), "message_too_large"),
    ],
    ids=lambda value: value[:60],
)
def test_what_a_visitor_may_not_have_changes_nothing(
    projector: ModuleType,
    public: ModuleType,
    posted: Posted,
    dynamodb: "DynamoDBClient",
    body: str,
    code: str,
) -> None:
    projector.handler(event("journal-stream"), Context())
    public.handler(of("connect", "v="), Context())
    public.handler(of("message", "v=", body=body), Context())
    assert codes(posted, "v=") == [code]
    assert subscriptions(dynamodb, PUBLIC_CONNECTIONS) == []


def test_another_tenants_market_is_unknown(
    projector: ModuleType, public: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    projector.handler(event("journal-stream"), Context())
    other = TenantProfile(TenantId(2), 0, "tenant t2", "https://issuer.example/2", frozenset())
    DirectoryTable(dynamodb, DIRECTORY).add_tenant(other)
    body = say("subscribe", ["trades:BTC-USDT"])
    for name, tenant in (("v=", 1), ("w=", 2)):
        public.handler(of("connect", name, tenant=tenant), Context())
        public.handler(of("message", name, tenant=tenant, body=body), Context())
    assert codes(posted, "v=")[:2] == ["subscribed", "snapshot"]
    assert codes(posted, "w=") == ["unknown_market"]
    assert subscriptions(dynamodb, PUBLIC_CONNECTIONS) == [("trades:BTC-USDT", "v=")]


def test_a_guessed_connection_is_nobodys(
    projector: ModuleType, public: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    """The gateway says whose an event is; a name alone reaches neither rows nor channels."""
    projector.handler(event("journal-stream"), Context())
    public.handler(of("connect", "v="), Context())
    public.handler(of("message", "v=", body=say("subscribe", ["trades:BTC-USDT"])), Context())
    before = subscriptions(dynamodb, PUBLIC_CONNECTIONS)
    for body in (say("subscribe", ["markets"]), say("unsubscribe", ["markets"])):
        public.handler(of("message", "v=", OTHER_ADDRESS, body=body), Context())
        public.handler(of("message", "never=", OTHER_ADDRESS, body=body), Context())
    public.handler(of("disconnect", "v=", OTHER_ADDRESS), Context())
    assert "connection_ended" in codes(posted, "never=")
    assert subscriptions(dynamodb, PUBLIC_CONNECTIONS) == before
    assert len(visitors_rows(dynamodb)) == 1


@pytest.mark.parametrize("authorizer", [{}, {"tenant": "t1", "account": "t1-1", "user": "x"}])
def test_a_verdict_of_another_kind_opens_nothing(
    public: ModuleType, posted: Posted, dynamodb: "DynamoDBClient", authorizer: dict[str, str]
) -> None:
    for name, status in (("connect", 401), ("message", 200), ("disconnect", 200)):
        sent = of(name, "v=")
        sent["requestContext"]["authorizer"] = authorizer
        assert public.handler(sent, Context()) == {"statusCode": status}
    assert posted.closed == ["v="]
    assert visitors_rows(dynamodb) == []


def test_a_flood_of_handshakes_from_one_address_takes_nothing_of_others(
    public: ModuleType, websocket: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    burst = DEFAULT_LIMITS.connection_messages.burst * 10 // HANDSHAKE_MESSAGES
    flood = 3 * burst
    statuses = [
        public.handler(of("connect", f"v{number}="), Context())["statusCode"]
        for number in range(flood)
    ]
    assert statuses == [200] * MOST + [429] * (flood - MOST)
    assert len(visitors_rows(dynamodb)) == MOST
    assert public.handler(of("connect", "w=", OTHER_ADDRESS), Context()) == {"statusCode": 200}
    assert websocket.handler(event("websocket-connect"), Context()) == {"statusCode": 200}
    holders = {item["pk"]["S"] for item in dynamodb.scan(TableName="budgets")["Items"]}
    assert holders
    assert all("@" in holder for holder in holders), "no account's budget was touched"


def test_a_flood_of_messages_is_told_and_closed(
    public: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    public.handler(of("connect", "flood="), Context())
    while not posted.closed:
        public.handler(of("message", "flood=", body='{"op":"ping"}'), Context())
        assert len(posted.messages) <= 200
    assert posted.closed == ["flood="]
    assert codes(posted, "flood=")[-1] == "too_many_messages"
    assert visitors_rows(dynamodb) == []


def test_resuming_begins_with_a_snapshot_and_reads_no_record(
    projector: ModuleType, public: ModuleType, posted: Posted
) -> None:
    stream = event("journal-stream")
    projector.handler(stream, Context())
    public.handler(of("connect", "v="), Context())
    moment = 1_795_291_200_000
    body = say("resume", {"trades:BTC-USDT": moment, "markets": moment}, epoch=1)
    public.handler(of("message", "v=", body=body), Context())
    resumed, *begun = [message for _, message in posted.messages]
    assert resumed["channels"] == {"trades:BTC-USDT": "snapshot", "markets": "snapshot"}
    assert [one["type"] for one in begun] == ["snapshot", "snapshot"]


def test_one_feed_serves_accounts_and_visitors_and_writes_each_message_once(
    projector: ModuleType,
    websocket: ModuleType,
    public: ModuleType,
    feeds: ModuleType,
    posted: Posted,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = event("journal-stream")
    projector.handler({"Records": stream["Records"][:1]}, Context())
    websocket.handler(event("websocket-connect"), Context())
    websocket.handler(event("websocket-message"), Context())
    for name, address in (("v=", ADDRESS), ("w=", OTHER_ADDRESS)):
        public.handler(of("connect", name, address), Context())
        public.handler(of("message", name, address), Context())
    posted.messages.clear()
    capsys.readouterr()

    assert feeds.handler(stream, Context()) == {"batchItemFailures": []}

    account = event("websocket-connect")["requestContext"]["connectionId"]
    heard = {
        name: [one for whose, one in posted.messages if whose == name]
        for name in (account, "v=", "w=")
    }
    assert heard["v="] == heard["w="] != []
    of_market = [one for one in heard[account] if one["channel"] in PUBLIC]
    assert of_market != []
    assert [one for one in heard["v="] if one["channel"] in {one["channel"] for one in of_market}]
    assert all(one in heard["v="] for one in of_market)
    assert {one["channel"] for one in heard["v="]} <= set(PUBLIC)
    # Accounts first.
    order = [name for name, _ in posted.messages]
    assert max(at for at, name in enumerate(order) if name == account) < order.index("v=")
    assert metric(capsys.readouterr().out, "VisitorsLeftOut") == [0]


def test_without_visitors_table_the_feed_serves_accounts(
    projector: ModuleType,
    websocket: ModuleType,
    feeds: ModuleType,
    posted: Posted,
    dynamodb: "DynamoDBClient",
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = event("journal-stream")
    projector.handler({"Records": stream["Records"][:1]}, Context())
    websocket.handler(event("websocket-connect"), Context())
    websocket.handler(event("websocket-message"), Context())
    posted.messages.clear()
    dynamodb.delete_table(TableName=PUBLIC_CONNECTIONS)
    capsys.readouterr()
    assert feeds.handler(stream, Context()) == {"batchItemFailures": []}
    assert posted.messages != []
    assert metric(capsys.readouterr().out, "VisitorsUnread") == [1]


def test_a_connection_that_is_gone_is_forgotten_in_visitors_table(
    projector: ModuleType,
    public: ModuleType,
    feeds: ModuleType,
    posted: Posted,
    dynamodb: "DynamoDBClient",
) -> None:
    stream = event("journal-stream")
    projector.handler({"Records": stream["Records"][:1]}, Context())
    public.handler(of("connect", "v="), Context())
    public.handler(of("message", "v="), Context())
    posted.gone = True
    feeds.handler(stream, Context())
    assert visitors_rows(dynamodb) == []
    assert subscriptions(dynamodb, PUBLIC_CONNECTIONS) == []


@pytest.mark.parametrize(
    ("query", "effect"), [({"tenant": "t1"}, "Allow"), ({"tenant": "t9"}, "Deny")]
)
def test_the_function_is_its_own_authorizer(
    public: ModuleType,
    query: dict[str, str],
    effect: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = event("authorizer-visitor") | {
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
    }
    verdict = public.handler(asked, Context())
    (statement,) = verdict["policyDocument"]["Statement"]
    assert statement["Effect"] == effect
    refused = metric(capsys.readouterr().out, "HandshakesRefused")
    assert refused == ([] if effect == "Allow" else [1])
