"""A flood over the WebSocket's real function: handshakes, channels, messages, and its end."""

import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from bursa.tenants.limits import DEFAULT_LIMITS
from tests.integration.read_models.tables import connection_rows
from tests.integration.read_models.test_functions import (
    Context,
    Posted,
    bus,
    connections,
    event,
    posted,
    projector,
    websocket,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["bus", "posted", "projector", "websocket"]

MOST = DEFAULT_LIMITS.account_connections
FLOOD = 10 * MOST
CHANNELS = '{"op":"subscribe","channels":["book:BTC-USDT","trades:BTC-USDT","orders","balances"]}'


def of(name: str, connection_id: str, account: str = "t1-1", **changes: Any) -> dict[str, Any]:
    sent = event(name) | changes
    sent["requestContext"]["connectionId"] = connection_id
    sent["requestContext"]["authorizer"]["account"] = account
    return sent


@pytest.mark.usefixtures("posted")
def test_one_accounts_handshakes_are_bounded_and_anothers_go_on(
    websocket: ModuleType, dynamodb: "DynamoDBClient"
) -> None:
    statuses = [
        websocket.handler(of("websocket-connect", f"c{number}="), Context())["statusCode"]
        for number in range(FLOOD)
    ]
    other = websocket.handler(of("websocket-connect", "other=", "t1-2"), Context())

    assert statuses == [200] * MOST + [429] * (FLOOD - MOST)
    assert other == {"statusCode": 200}
    assert len(connection_rows(dynamodb)) == MOST + 1


def test_a_round_of_the_feed_reads_and_sends_a_bounded_number_for_one_account(
    projector: ModuleType, websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    """H5: 1,000 connections with 8 channels each were 8,000 rows a second."""
    projector.handler(event("journal-stream"), Context())
    for number in range(FLOOD):
        name = f"c{number}="
        if websocket.handler(of("websocket-connect", name), Context())["statusCode"] == 200:
            websocket.handler(of("websocket-message", name, body=CHANNELS), Context())

    rows = connections(dynamodb).subscriptions("t1")
    assert len(rows) == 4 * MOST <= DEFAULT_LIMITS.account_subscriptions
    assert max(sum(row.channel == "orders:t1-1" for row in rows), 0) == MOST


def test_connections_whose_end_was_lost_make_room_again(
    websocket: ModuleType, posted: Posted
) -> None:
    for number in range(MOST):
        websocket.handler(of("websocket-connect", f"c{number}="), Context())
    assert websocket.handler(of("websocket-connect", "late="), Context())["statusCode"] == 429
    posted.lost = {"c0=", "c1="}

    statuses = [
        websocket.handler(of("websocket-connect", f"new{number}="), Context())["statusCode"]
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]


MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("connected_ms_ago", "token_ends_in_s", "closes_in_ms"),
    [
        (0, 3_600, None),
        (109 * MINUTE_MS, 3_600, None),
        (111 * MINUTE_MS, 3_600, 9 * MINUTE_MS),
        (0, 540, 9 * MINUTE_MS),
        (115 * MINUTE_MS, 540, 5 * MINUTE_MS),
        (130 * MINUTE_MS, 3_600, -10 * MINUTE_MS),
    ],
)
def test_who_will_be_closed_soon_is_told_before_each_response(
    websocket: ModuleType,
    posted: Posted,
    connected_ms_ago: int,
    token_ends_in_s: int,
    closes_in_ms: int | None,
) -> None:
    now_ms = time.time_ns() // 1_000_000
    websocket.handler(of("websocket-connect", "old="), Context())
    ping = of("websocket-message", "old=", body='{"op":"ping"}')
    ping["requestContext"]["connectedAt"] = now_ms - connected_ms_ago
    ping["requestContext"]["authorizer"]["expires_at"] = str(now_ms // 1_000 + token_ends_in_s)
    for _ in range(2):
        websocket.handler(ping, Context())
    told = [message for _, message in posted.messages]
    if closes_in_ms is None:
        assert told == [{"type": "pong"}] * 2
        return
    assert [one["type"] for one in told] == ["going_away", "pong"] * 2
    assert abs(told[0]["closes_at_ms"] - now_ms - closes_in_ms) <= 1_000


def test_a_connection_that_floods_is_told_and_closed(
    websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient"
) -> None:
    websocket.handler(of("websocket-connect", "flood="), Context())
    websocket.handler(of("websocket-connect", "calm=", "t1-2"), Context())
    while not posted.closed:
        websocket.handler(of("websocket-message", "flood=", body='{"op":"ping"}'), Context())
        assert len(posted.messages) <= 200
    websocket.handler(of("websocket-message", "calm=", "t1-2", body='{"op":"ping"}'), Context())

    assert posted.closed == ["flood="]
    told = [message for name, message in posted.messages if name == "flood="]
    assert told[-1]["code"] == "too_many_messages"
    assert {message["type"] for message in told[:-1]} == {"pong"}
    assert len(told) - 1 >= DEFAULT_LIMITS.connection_messages.burst
    assert posted.messages[-1] == ("calm=", {"type": "pong"})
    assert [row["connection_id"]["S"] for row in connection_rows(dynamodb)] == ["calm="]


@pytest.mark.parametrize("op", ["subscribe", "unsubscribe"])
def test_a_message_behind_the_end_of_its_connection_locks_nobody_out(
    websocket: ModuleType, posted: Posted, dynamodb: "DynamoDBClient", op: str
) -> None:
    late = f'{{"op":"{op}","channels":["orders"]}}'
    websocket.handler(of("websocket-connect", "gone="), Context())
    websocket.handler(of("websocket-disconnect", "gone="), Context())
    websocket.handler(of("websocket-message", "gone=", body=late), Context())

    assert connection_rows(dynamodb) == []
    assert websocket.handler(of("websocket-connect", "new="), Context()) == {"statusCode": 200}
