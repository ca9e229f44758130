"""Budgets at the REST side: one account's 429, its headers, and what it leaves to the others."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from bursa.aws.clients import dynamodb_client
from bursa.intake.budgets import ACCOUNT_SHARE
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


def test_what_is_refused_for_its_form_has_a_budget_of_its_own(send: Send) -> None:
    body = {"market": "BTC-USDT"}
    statuses = [send("POST", "/orders", body).status for _ in range(60)]
    refused = send("POST", "/orders", body)

    assert set(statuses) == {400, 429}
    assert statuses.index(429) >= LIMITS.account_reads.burst
    assert refused.body["code"] == "too_many_faults"
    assert send("DELETE", "/orders").status == 200
    assert send("GET", "/balances").status == 200
    assert send("POST", "/orders", BUY, account=BOB).status == 201


# --- look-ups of requests that send nothing -------------------------------------------------------

Repeat = Callable[[Send, int], Response]
KEY = {"Idempotency-Key": "once"}
NAMED = BUY | {"client_order_id": "mine"}
FIFTY = {"operations": [{"op": "place", **BUY, "client_order_id": f"c{n}"} for n in range(50)]}
# What tells what became of one order: its key, its id, the order, its fills.
ROWS_OF_AN_ORDER = 4


def fresh_batch(send: Send, number: int) -> Response:
    """Send orders of new names each time: refused, and looked up before that all the same."""
    order = {"op": "place", **BUY}
    ids = [f"n{number}-{position}" for position in range(50)]
    operations = [order | {"client_order_id": one} for one in ids]
    return send("POST", "/orders/batch", {"operations": operations}, headers=LATER)


REPEATS: dict[str, Repeat] = {
    "order-under-a-key": lambda send, _: send("POST", "/orders", BUY, headers=KEY),
    "order-of-a-name-under-new-keys": lambda send, n: send(
        "POST", "/orders", NAMED, headers={"Idempotency-Key": f"k{n}"}
    ),
    "batch-of-names": lambda send, _: send("POST", "/orders/batch", FIFTY),
    "batch-under-a-key": lambda send, _: send("POST", "/orders/batch", FIFTY, headers=KEY),
    "batches-of-new-names": fresh_batch,
    "cancel-under-a-key": lambda send, _: send("DELETE", "/orders", headers=KEY),
}


class Reads:
    """Counts the rows that are asked for by a function's client."""

    def __init__(self, trading_api: ModuleType) -> None:
        self.rows = 0
        events = trading_api.trading.dynamodb.meta.events
        events.register("provide-client-params.dynamodb", self._count)

    def _count(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in {"GetItem", "Query"}:
            self.rows += 1
        if model.name == "BatchGetItem":
            self.rows += sum(len(one["Keys"]) for one in params["RequestItems"].values())


@pytest.mark.parametrize("name", REPEATS)
def test_a_flood_that_sends_nothing_is_bounded_in_what_is_read_for_it(
    send: Send, trading_api: ModuleType, name: str
) -> None:
    REPEATS[name](send, 0)
    reads, requests = Reads(trading_api), 8 if "batch" in name else 130
    responses = [REPEATS[name](send, number) for number in range(1, requests)]
    refused = responses[-1]

    own = LIMITS.account_commands.burst // ACCOUNT_SHARE + LIMITS.account_reads.burst // 20
    admitted = LIMITS.account_commands.burst + LIMITS.account_reads.burst + own
    assert reads.rows <= ROWS_OF_AN_ORDER * admitted
    assert refused.status == 429
    assert refused.body["code"] in {"too_many_commands", "too_many_cancels"}
    assert {"Retry-After", "X-RateLimit-Remaining"} <= refused.headers.keys()
    assert send("DELETE", "/orders").status == (429 if name == "cancel-under-a-key" else 200)
    assert send("POST", "/orders", BUY, account=BOB).status == 201


def test_a_flood_of_repeated_single_cancels_leaves_the_one_that_cancels_everything(
    send: Send,
) -> None:
    order_id = send("POST", "/orders", BUY).body["order_id"]
    statuses = [send("DELETE", f"/orders/{order_id}", headers=KEY).status for _ in range(120)]

    assert statuses[-1] == 429
    assert send("DELETE", "/orders").status == 200


@pytest.mark.parametrize("headers", [KEY, {}], ids=["key", "name"])
def test_who_has_used_up_its_commands_still_learns_what_became_of_an_order(
    send: Send, headers: dict[str, str]
) -> None:
    first = send("POST", "/orders", NAMED, headers=headers)
    spend(send)
    while send("POST", "/orders", BUY, headers=LATER).status == 202:
        pass

    repeats = [send("POST", "/orders", NAMED, headers=headers) for _ in range(5)]

    assert {one.status for one in repeats} == {201}
    assert {one.body["order_id"] for one in repeats} == {first.body["order_id"]}
    other = send("POST", "/orders", BUY | {"client_order_id": "other"})
    assert other.body["code"] == "too_many_commands"


def test_who_has_used_up_its_cancels_still_learns_what_became_of_one(send: Send) -> None:
    first = send("DELETE", "/orders", headers=KEY)
    while send("DELETE", "/orders", headers=LATER).status == 202:
        pass
    assert send("DELETE", "/orders", headers=KEY) == first


def test_a_repeat_costs_an_ordinary_user_no_write(send: Send, trading_api: ModuleType) -> None:
    written: list[str] = []
    events = trading_api.trading.dynamodb.meta.events
    events.register(
        "provide-client-params.dynamodb",
        lambda params, model, **_: written.append(model.name) if "Update" in model.name else None,
    )
    send("POST", "/orders", NAMED)
    assert written == []
    send("POST", "/orders", NAMED, headers=KEY)
    assert written == ["UpdateItem"], "whose the key is"
    for _ in range(2):
        assert send("POST", "/orders", NAMED, headers=KEY).status == 201
        assert send("POST", "/orders", NAMED).status == 201
    assert len(written) == 1
