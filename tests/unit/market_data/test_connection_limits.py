"""Connections of an account and a tenant, and the messages of a connection."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bursa.dialects.native.socket_requests import channels_named
from bursa.kernel.errors import InvalidInput, TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate
from bursa.market_data.channels import BOOK, Channel
from bursa.market_data.clients import Client
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.subscriptions import Subscriptions
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.buckets import CountingReport, MemoryBuckets
from tests.doubles.channel_states import MemoryConnections

NOW_MS = 1_795_291_200_000
LIMITS = DEFAULT_LIMITS._replace(
    account_connections=3,
    tenant_connections=8,
    account_subscriptions=60,
    connection_messages=Rate(5, 25),
)
T1, T2 = TenantId(1), TenantId(2)
ALICE, BOB = AccountId(T1, 1), AccountId(T1, 2)


@dataclass
class Clock:
    time_ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.time_ms


class AnyMarket:
    """Read models in which every market exists and nothing else does."""

    def progress(self, shard: int) -> None:
        return None

    def journal_end(self, shard: int, known: int) -> int:
        return known

    def market(self, tenant: str, symbol: str) -> object:
        return object()


@dataclass
class Desk:
    clock: Clock = field(default_factory=Clock)
    connections: MemoryConnections = field(default_factory=MemoryConnections)
    shared: MemoryBuckets = field(default_factory=MemoryBuckets)
    report: CountingReport = field(default_factory=CountingReport)
    lost: set[str] = field(default_factory=set)
    looked_at: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        states: Any = AnyMarket()
        self.subscriptions = Subscriptions(self.connections, states, lambda _: 0, lambda _: LIMITS)
        self.limits = self.container()

    def container(self) -> ConnectionLimits:
        return ConnectionLimits(
            self.connections,
            lambda _: LIMITS,
            self.is_open,
            shared=self.shared,
            clock=self.clock,
            report=self.report,
        )

    def is_open(self, connection_id: str) -> bool:
        self.looked_at.append(connection_id)
        return connection_id not in self.lost

    def connect(
        self, account: AccountId, name: str, own: AccountLimits = NO_OWN_LIMITS
    ) -> str | None:
        """Connect as the function does; return the code of a refusal."""
        client = Client(account, name, "user", 1 << 40, own_limits=own)
        self.clock.time_ms += 1
        self.subscriptions.connect(client, self.clock.time_ms)
        try:
            self.limits.require_room(client)
        except TooManyRequests as error:
            self.subscriptions.disconnect(client)
            return error.code
        return None

    def subscribe(
        self,
        account: AccountId,
        name: str,
        channels: int,
        first: int = 0,
        own: AccountLimits = NO_OWN_LIMITS,
    ) -> None:
        client = Client(account, name, "user", 1 << 40, own_limits=own)
        wanted = [Channel(BOOK, f"M{first + number}-X") for number in range(channels)]
        self.subscriptions.subscribe(client, wanted, self.clock.time_ms)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_account_has_so_many_connections_and_another_has_its_own(desk: Desk) -> None:
    assert [desk.connect(ALICE, f"a{number}") for number in range(5)] == [
        None,
        None,
        None,
        "too_many_connections",
        "too_many_connections",
    ]
    assert desk.connect(BOB, "b1") is None
    assert {name for _, name in desk.connections.known} == {"a0", "a1", "a2", "b1"}
    assert desk.report.codes["t1", "too_many_connections"] == 2


def test_of_connections_at_once_those_that_were_first_stay(desk: Desk) -> None:
    """All are written before any is counted, as by many containers at the same moment."""
    clients = [Client(ALICE, f"a{number}", "user", 1 << 40) for number in range(7)]
    for client in clients:
        desk.subscriptions.connect(client, NOW_MS)
    refused = []
    for client in reversed(clients):
        try:
            desk.limits.require_room(client)
        except TooManyRequests:
            refused.append(client.connection_id)

    assert refused == [f"a{number}" for number in range(6, 2, -1)]


def test_connections_that_were_lost_make_room(desk: Desk) -> None:
    for number in range(3):
        desk.connect(ALICE, f"a{number}")
    assert not desk.looked_at
    desk.lost = {"a0"}

    assert desk.connect(ALICE, "a3") is None
    assert desk.connect(ALICE, "a4") == "too_many_connections"
    assert {name for _, name in desk.connections.known} == {"a1", "a2", "a3"}


def test_a_refused_connection_looks_at_a_few_only(desk: Desk) -> None:
    for number in range(3):
        desk.connect(ALICE, f"a{number}")
    for number in range(3, 53):
        desk.connect(ALICE, f"a{number}")
    assert len(desk.looked_at) <= 3 * 50


def test_a_tenant_has_so_many_connections_and_another_has_its_own(desk: Desk) -> None:
    codes = [desk.connect(AccountId(T1, index), f"c{index}") for index in range(1, 11)]
    assert codes == [None] * 8 + ["tenant_over_budget"] * 2
    assert desk.connect(AccountId(T2, 1), "d") is None


def test_all_connections_of_an_account_share_its_subscriptions(desk: Desk) -> None:
    """A feed reads and sends no more for an account than this, however it connects (H5)."""
    for number in range(3):
        desk.connect(ALICE, f"a{number}")
    desk.connect(BOB, "b")
    desk.subscribe(ALICE, "a0", 40)
    desk.subscribe(ALICE, "a1", 20)
    for name in ("a0", "a1", "a2"):
        with pytest.raises(InvalidInput) as error:
            desk.subscribe(ALICE, name, 1, first=100)
        assert error.value.code == "too_many_subscriptions"
    # What it listens to already is no more than before.
    desk.subscribe(ALICE, "a0", 40)
    desk.subscribe(BOB, "b", 50)

    assert len(desk.connections.rows) == 60 + 50


def test_a_connection_sends_so_many_messages_and_others_their_own(desk: Desk) -> None:
    flooding, other = (Client(ALICE, name, "user", 1 << 40) for name in ("a0", "a1"))
    containers = [desk.container() for _ in range(4)]
    admitted = sum(containers[n % 4].admits_message(flooding) for n in range(1_000))

    assert 25 <= admitted <= 25 + 4
    assert all(containers[n].admits_message(other) for n in range(4))
    desk.clock.time_ms += 10_000
    assert containers[0].admits_message(flooding)
    assert desk.report.codes["t1", "too_many_messages"] > 900


def test_an_account_sends_so_many_messages_however_often_it_connects(desk: Desk) -> None:
    """Each connection begins with a whole budget of its own; their account does not."""
    containers = [desk.container() for _ in range(4)]
    clients = [Client(ALICE, f"a{number}", "user", 1 << 40) for number in range(100)]
    admitted = sum(containers[n % 4].admits_message(clients[n // 10]) for n in range(1_000))

    # Three connections' worth, and a little that each container admits by itself.
    assert 3 * 25 <= admitted <= 3 * 25 + 4 * 2
    assert containers[0].admits_message(Client(BOB, "b0", "user", 1 << 40))
    desk.clock.time_ms += 10_000
    assert containers[0].admits_message(clients[0])
    assert desk.report.codes["t1", "too_many_messages"] > 900


def test_all_of_a_users_accounts_send_what_one_may(desk: Desk) -> None:
    clients = [Client(ALICE.sub_account(n), f"s{n}", "user", 1 << 40) for n in range(1, 9)]
    admitted = sum(desk.limits.admits_message(client) for client in clients for _ in range(25))
    assert 3 * 25 <= admitted <= 3 * 25 + 2
    assert desk.limits.admits_message(Client(BOB, "b0", "user", 1 << 40))


def test_a_message_costs_its_account_the_channels_that_it_names(desk: Desk) -> None:
    containers = [desk.container() for _ in range(4)]
    clients = [Client(ALICE, f"a{number}", "user", 1 << 40) for number in range(40)]
    admitted = sum(containers[n % 4].admits_message(clients[n], 15) for n in range(40))

    assert admitted == 3 * 25 // 15


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('{"op":"subscribe","channels":["markets","orders"]}', 11),
        ('{"op":"resume","epoch":1,"channels":{"orders":1,"fills":1}}', 2),
        ('{"op":"subscribe","channels":[["markets"],{}]}', 2),
        ('{"op":"ping"}', 1),
        ('{"op":"subscribe","channels":["orders"]}', 1),
        ('{"op":"subscribe","channels":["orders","balances","book:BTC-USDT"]}', 3),
        ('{"op":"unsubscribe","channels":["orders","orders"]}', 2),
        ('{"op":"subscribe","channels":[]}', 1),
        ('{"op":"subscribe","channels":"orders"}', 1),
        (f'{{"op":"subscribe","channels":[{",".join("1" * 1_000)}]}}', 50),
        ("[", 1),
        ("x" * 5_000, 1),
    ],
    ids=[
        *("all markets", "resumed", "no names"),
        *("ping", "one", "three", "twice", "none", "text", "far too many", "faulty", "too large"),
    ],
)
def test_channels_of_a_message_are_counted(body: str, count: int) -> None:
    assert channels_named(body) == count


def test_a_quiet_client_costs_no_write(desk: Desk) -> None:
    client = Client(ALICE, "a0", "user", 1 << 40)
    for _ in range(60):
        desk.clock.time_ms += 10_000
        assert desk.limits.admits_message(client)
    assert not desk.shared.calls


def test_an_account_with_limits_of_its_own_has_those(desk: Desk) -> None:
    own = AccountLimits(connections=5, subscriptions=100)
    found = [desk.connect(ALICE, f"a{number}", own) for number in range(6)]
    assert found == [None] * 5 + ["too_many_connections"]

    desk.subscribe(ALICE, "a0", 50, own=own)
    desk.subscribe(ALICE, "a1", 50, first=50, own=own)
    with pytest.raises(InvalidInput, match="at most 100 channels"):
        desk.subscribe(ALICE, "a2", 1, first=100, own=own)


def test_no_limit_of_an_accounts_own_is_above_what_its_tenant_has(desk: Desk) -> None:
    own = AccountLimits(connections=50)
    assert [desk.connect(ALICE, f"a{number}", own) for number in range(9)][7:] == [
        None,
        "too_many_connections",
    ]
