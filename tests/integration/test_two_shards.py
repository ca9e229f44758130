"""Two shards with a tenant on each, behind one set of functions: own queues, journals, workers."""

import json
import signal
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

import pytest

from benchmarks.rig import Rig, transfers_queue
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import EncodedRecord, decode_record
from bursa.kernel.identifiers import AccountId, TenantId
from tests.integration.edge import LATER, Edge, command_bytes, funds_messages
from tests.unit.conftest import Response, signed_in_request
from wire import codec
from wire import layout as w

SHARDS = {TenantId(1): 0, TenantId(2): 1}
FUNDS = 10**15
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Brand:
    """A tenant, and what its market's assets are to the engine; numbers differ between tenants."""

    tenant: TenantId

    @property
    def seller(self) -> AccountId:
        return AccountId(self.tenant, 1)

    @property
    def buyer(self) -> AccountId:
        return AccountId(self.tenant, 2)

    def opening(self) -> list[bytes]:
        number = self.tenant.number
        base, quote, market = 10 * number + 1, 10 * number + 2, 10 * number
        funded = [(self.seller, base), (self.buyer, quote)]
        return [
            codec.encode_define_asset(base, number, 8, "BTC"),
            codec.encode_define_asset(quote, number, 10, "USDT"),
            codec.encode_define_market(
                market, number, base, quote, lot_units=1, tick_units=1, symbol="BTC-USDT"
            ),
            codec.encode_set_fee_tier(number, 0, 0, 0),
            *(
                codec.encode_funds(w.COMMAND_CREDIT, account.number, asset, FUNDS)
                for account, asset in funded
            ),
        ]


ONE, TWO = map(Brand, SHARDS)


class Exchange:
    """The functions in this process, a worker process for each shard."""

    def __init__(self, rig: Rig, patch: pytest.MonkeyPatch) -> None:
        self._rig = rig
        self._urls = {0: (rig.queue_url, rig.funds_queue_url), 1: rig.create_queues(1)}
        self._starts = 0
        self.edge = Edge(rig, patch, SHARDS, REPLY_DEADLINE_MS="10000")
        self.workers = {shard: self.start_worker(shard) for shard in SHARDS.values()}
        for brand in (ONE, TWO):
            self.send_opening(brand)

    def start_worker(self, shard: int) -> "Worker":
        self._starts += 1
        return Worker(self._rig, shard, self._urls[shard], f"worker-{shard}-{self._starts}")

    def send_opening(self, brand: Brand) -> None:
        shard = SHARDS[brand.tenant]
        _, funds_url = self._urls[shard]
        for one in funds_messages(brand.tenant, brand.opening()):
            self._rig.client("sqs").send_message(
                QueueUrl=funds_url,
                MessageBody=one.body,
                MessageGroupId=one.group,
                MessageDeduplicationId=one.message_id,
            )
            self.wait_for(shard, one.command_ids)

    def wait_for(self, shard: int, commands: AbstractSet[bytes]) -> None:
        """Wait until commands are in a shard's journal, and the read models follow it."""
        deadline = time.monotonic() + PATIENCE_S
        while not commands <= commands_of(self.journal(shard)):
            assert time.monotonic() < deadline, f"shard {shard} has not carried them out"
            time.sleep(0.1)
        self.edge.project()

    def journal(self, shard: int) -> list[EncodedRecord]:
        journal = DynamoJournal(self._rig.client("dynamodb"), "journal", shard)
        records: list[EncodedRecord] = []
        while page := journal.read(records[-1].last_sequence + 1 if records else 1):
            records += page
        return records

    def place(
        self, account: AccountId, side: str, name: str, headers: dict[str, str] | None = None
    ) -> Response:
        order = {"market": "BTC-USDT", "side": side, "type": "limit", "price": "100"}
        order |= {"quantity": "0.5", "client_order_id": name}
        return self.edge.place(account, order, headers)

    def balances(self, account: AccountId) -> dict[str, Decimal]:
        response = signed_in_request(self.edge.trading_api, "GET", "/balances", account=account)
        return {row["asset"]: Decimal(row["total"]) for row in response.body["items"]}


class Worker:
    """One worker process."""

    def __init__(self, rig: Rig, shard: int, urls: tuple[str, str], name: str) -> None:
        self._rig = rig
        self._name = name
        self.process = rig.worker(
            name,
            SHARD=str(shard),
            COMMAND_QUEUE_URL=urls[0],
            FUNDS_QUEUE_URL=urls[1],
            TRANSFERS_QUEUE_URL=transfers_queue(urls[0]),
            LEASE_MS="2000",
            VISIBILITY_S="4",
        )
        deadline = time.monotonic() + PATIENCE_S
        while not self._leads():
            assert time.monotonic() < deadline, f"{name} does not lead"
            time.sleep(0.1)

    def _leads(self) -> bool:
        lines = [line for line in self._rig.log(self._name).splitlines() if line.startswith("{")]
        return any(json.loads(line).get("message") == "Leading" for line in lines)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def commands_of(records: list[EncodedRecord]) -> set[bytes]:
    """Return the ids of all commands of these records."""
    return {
        commands[start + 8 : start + 24]
        for commands in (decode_record(record).commands for record in records)
        for start in range(0, len(commands), w.COMMAND_BYTES)
    }


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with Rig() as rig, pytest.MonkeyPatch.context() as patch:
        yield Exchange(rig, patch)


def test_each_tenant_trades_on_its_own_shard(exchange: Exchange) -> None:
    orders = {}
    for brand in (ONE, TWO):
        assert exchange.place(brand.seller, "sell", "ask").body["status"] == "open"
        assert exchange.place(brand.buyer, "buy", "bid").body["status"] == "filled"
        orders[brand] = {command_bytes(brand.seller, "ask"), command_bytes(brand.buyer, "bid")}
    exchange.edge.project()

    first, second = (commands_of(exchange.journal(shard)) for shard in (0, 1))
    assert orders[ONE] <= first
    assert orders[TWO] <= second
    assert not orders[ONE] & second
    assert not orders[TWO] & first

    for brand in (ONE, TWO):
        base, quote = Decimal(FUNDS) / 10**8, Decimal(FUNDS) / 10**10
        assert exchange.balances(brand.seller) == {"BTC": base - Decimal("0.5"), "USDT": 50}
        assert exchange.balances(brand.buyer) == {"BTC": Decimal("0.5"), "USDT": quote - 50}
    assert_read_models_are_right(exchange)


def test_a_dead_worker_of_one_shard_does_not_hold_up_the_other(exchange: Exchange) -> None:
    exchange.workers[0].kill()

    waiting = exchange.place(ONE.seller, "sell", "late", LATER)
    served = exchange.place(TWO.seller, "sell", "in-time")

    assert waiting.status == 202
    assert (served.status, served.body["status"]) == (201, "open")
    late = {command_bytes(ONE.seller, "late")}
    assert not late & commands_of(exchange.journal(0))

    exchange.workers[0] = exchange.start_worker(0)
    exchange.wait_for(0, late)
    path = "/orders/by-client-id/late"
    order = signed_in_request(exchange.edge.trading_api, "GET", path, account=ONE.seller)
    assert order.body["status"] == "open"
    assert_read_models_are_right(exchange)


def assert_read_models_are_right(exchange: Exchange) -> None:
    """Compare the read models of both shards with what their journals give."""
    for shard in SHARDS.values():
        rebuild = exchange.edge.rebuild(shard)
        rebuild.catch_up()
        assert list(rebuild.differences(looks=1)) == []
