"""Budgets at the REST side: one account's 429, its headers, and what it leaves to the others."""

from dataclasses import replace
from types import ModuleType

import pytest

from bursa.aws.clients import dynamodb_client
from bursa.journal.lease import BusyAccount, LeaseRow
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.kernel.rates import Rate
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.exchange import ALICE, BOB, TENANT, Exchange
from tests.unit.conftest import Response, Send

BUY = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "0.001"}
LATER = {"Prefer": "respond-async"}
LIMITS = DEFAULT_LIMITS._replace(
    account_commands=Rate(1, 60),
    account_cancels=Rate(1, 60),
    account_reads=Rate(1, 50),
)


@pytest.fixture(autouse=True)
def limits(exchange: Exchange) -> None:
    directory = DirectoryTable(dynamodb_client(), "directory")
    profile = directory.profile(TENANT)
    assert profile is not None
    directory.add_tenant(replace(profile, limits=LIMITS))


def batch(count: int) -> dict[str, object]:
    return {"operations": [{"op": "place", **BUY} for _ in range(count)]}


def spend(send: Send) -> Response:
    """Use up ALICE's budget of commands; return the refusal."""
    for _ in range(2):
        response = send("POST", "/orders/batch", batch(50), headers=LATER)
        if response.status == 429:
            return response
    raise AssertionError("nothing was refused")


def test_a_batch_over_the_budget_is_refused_with_all_headers(
    send: Send, exchange: Exchange
) -> None:
    exchange.asleep = True
    refused = spend(send)

    assert refused.body["code"] == "too_many_commands"
    assert 39 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == "60"
    assert refused.headers["X-RateLimit-Remaining"] == "10"
    assert refused.headers["X-RateLimit-Reset"] == "50"
    assert exchange.waiting() == 1


def test_cancels_and_reads_go_on_and_so_do_others(send: Send) -> None:
    placed = send("POST", "/orders", BUY)
    spend(send)

    assert send("POST", "/orders", {**BUY, "price": "1"}, account=BOB).status in {201, 422}
    assert send("GET", "/balances").status == 200
    assert send("DELETE", f"/orders/{placed.body['order_id']}").status == 200
    assert send("DELETE", "/orders").status == 200


def test_reads_are_counted_in_requests(send: Send) -> None:
    statuses = [send("GET", "/balances").status for _ in range(60)]
    refused = send("GET", "/fills")

    assert set(statuses) == {200, 429}
    assert (refused.status, refused.body["code"]) == (429, "too_many_reads")
    assert send("GET", "/balances", account=BOB).status == 200
    assert send("POST", "/orders", BUY).status == 201


def test_an_ordinary_response_says_what_is_left(trading_api: ModuleType, send: Send) -> None:
    send("POST", "/orders", BUY)
    state = trading_api.app._rate_headers()
    assert state == {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "59",
        "X-RateLimit-Reset": "1",
    }


def test_an_account_whose_commands_wait_for_each_other_is_refused_alone(
    send: Send, trading_api: ModuleType, exchange: Exchange
) -> None:
    exchange.asleep = True
    send("POST", "/orders", BUY, account=BOB, headers=LATER)
    lease = LeaseRow(
        "worker", 1, 1, watermark_ms=exchange.time_ms, busy=(BusyAccount(str(ALICE), 8_000),)
    )
    assert DynamoLeases(trading_api.trading.dynamodb, "progress", 0).swap(None, lease)
    trading_api.trading.backlog_of(0)._read_at_ms = float("-inf")

    others = send("POST", "/orders", BUY, account=BOB, headers=LATER)
    refused = send("POST", "/orders", BUY, headers=LATER)
    cancelled = send("DELETE", "/orders", headers=LATER)

    assert (refused.status, refused.body["code"]) == (429, "account_queue_slow")
    assert refused.headers["Retry-After"] == "8"
    assert (others.status, cancelled.status) == (202, 202)
    assert trading_api.trading.budgets._is_busy(ALICE)
    assert not trading_api.trading.budgets._is_busy(BOB)


def test_a_cancel_is_taken_when_the_queue_is_slow_and_refused_when_it_is_twice_full(
    send: Send, trading_api: ModuleType, exchange: Exchange
) -> None:
    exchange.asleep = True
    backlog = trading_api.trading.backlog_of(0)
    backlog._read_at_ms = float("inf")
    backlog._age_ms = 60_000
    assert send("POST", "/orders", BUY, headers=LATER).body["code"] == "queue_slow"
    assert send("DELETE", "/orders", headers=LATER).status == 202

    backlog._depth = backlog._depth_max + 1
    assert send("POST", "/orders", BUY, headers=LATER).body["code"] == "queue_full"
    assert send("DELETE", "/orders", headers=LATER).status == 202

    backlog._depth = 2 * backlog._depth_max + 1
    assert send("DELETE", "/orders", headers=LATER).body["code"] == "queue_full"


def test_a_container_does_not_wait_in_vain(
    send: Send, trading_api: ModuleType, exchange: Exchange
) -> None:
    """What waits before it is older than it would wait: one look, and a 202 at once."""
    exchange.asleep = True
    backlog = trading_api.trading.backlog_of(0)
    backlog._read_at_ms = float("inf")
    intake_clock = backlog._clock
    before_ms = intake_clock.slept_ms
    assert send("POST", "/orders", BUY).status == 202
    assert intake_clock.slept_ms - before_ms > 4_000

    backlog._age_ms = 6_000
    before_ms = intake_clock.slept_ms
    assert send("POST", "/orders", BUY).status == 202
    assert intake_clock.slept_ms - before_ms <= 5


def test_a_repeat_finds_its_reply_also_where_waiting_would_be_in_vain(
    send: Send, trading_api: ModuleType
) -> None:
    first = send("POST", "/orders", BUY, headers={"Idempotency-Key": "once"})
    backlog = trading_api.trading.backlog_of(0)
    backlog._read_at_ms = float("inf")
    backlog._age_ms = 6_000
    assert send("POST", "/orders", BUY, headers={"Idempotency-Key": "once"}) == first


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param({"market": "BTC-USDT"}, {}, 400, id="refused for its form"),
        pytest.param(BUY, {"Idempotency-Key": "once"}, 201, id="a repeat"),
    ],
)
def test_what_sends_nothing_has_a_budget_of_its_own(
    send: Send, body: dict[str, str], headers: dict[str, str], status: int
) -> None:
    if status == 201:
        send("POST", "/orders", body, headers=headers)
    statuses = [send("POST", "/orders", body, headers=headers).status for _ in range(60)]
    refused = send("POST", "/orders", body, headers=headers)

    assert set(statuses) == {status, 429}
    assert statuses.index(429) >= LIMITS.account_reads.burst
    assert refused.body["code"] == "too_many_repeats"
    assert send("DELETE", "/orders").status == 200
    assert send("GET", "/balances").status == 200
    assert send("POST", "/orders", BUY, account=BOB).status == 201
