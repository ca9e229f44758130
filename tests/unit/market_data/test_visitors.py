"""Visitors: which one comes from an address, and what one and all of a tenant may use."""

from dataclasses import dataclass, field

import pytest

from bursa.dialects.native.feed_messages import read_channel
from bursa.kernel.errors import InvalidInput, TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate
from bursa.kernel.visitors import VisitorId, parse_holder
from bursa.market_data.clients import (
    CHANNELS_PER_CONNECTION_MAX,
    HANDSHAKE_MESSAGES,
    VISITORS_CHANNELS_PER_CONNECTION_MAX,
    Client,
    quota_of,
)
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.subscriptions import Subscriptions
from bursa.market_data.visitors import visitor_at
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.buckets import CountingReport, MemoryBuckets
from tests.doubles.channel_states import MemoryConnections
from tests.unit.market_data.test_connection_limits import AnyMarket, Clock

T1, T2 = TenantId(1), TenantId(2)
ALICE = AccountId(T1, 1)
LIMITS = DEFAULT_LIMITS._replace(
    account_connections=3,
    tenant_connections=4,
    visitor_connections=2,
    tenant_visitor_connections=5,
    tenant_visitor_channels=Rate(10, 100),
)


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7", "::ffff:198.51.100.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:DB8:1:2::1", "2001:db8:0001:0002::1", True),
    ],
)
def test_a_visitor_is_an_address_or_a_network_of_ipv6(one: str, other: str, are_same: bool) -> None:
    assert (visitor_at(T1, one) == visitor_at(T1, other)) is are_same
    assert visitor_at(T1, one) != visitor_at(T2, one)
    assert visitor_at(T1, one).digest != visitor_at(T2, one).digest


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3", "1.2.3.4:80", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        visitor_at(T1, address)
    assert refused.value.code == "invalid_address"


def test_a_holder_is_read_as_it_was_written() -> None:
    visitor = visitor_at(T1, "198.51.100.7")
    assert parse_holder(str(visitor)) == visitor == visitor.owner
    assert parse_holder("t1-7") == AccountId(T1, 7)
    assert visitor != VisitorId.everyone(T1)


@pytest.mark.parametrize(
    "text",
    [
        *("", "t1@", "t1@5c1f0a5a0cf1a1b", "t1@5C1F0A5A0CF1A1B2", "t0@5c1f0a5a0cf1a1b2"),
        *("t1-1@5c1f0a5a0cf1a1b2", "t1@5c1f0a5a0cf1a1b2\n", "@5c1f0a5a0cf1a1b2", "t1@t1-1"),
    ],
)
def test_what_is_no_visitor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        VisitorId.parse(text)


@pytest.mark.parametrize("name", ["orders", "fills", "balances"])
def test_a_private_channel_asks_for_a_ticket(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_channel(name, None)
    assert refused.value.code == "ticket_required"
    assert "ws-ticket" in refused.value.detail
    assert read_channel(name, ALICE).subject == str(ALICE)


@pytest.mark.parametrize("name", ["orders:t1-1", "fills:BTC-USDT", "order", "balances:"])
def test_what_is_no_channel_is_not_called_private(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_channel(name, None)
    assert refused.value.code == "unknown_channel"


def test_an_account_may_use_what_it_could_before_there_were_visitors() -> None:
    quota = quota_of(Client(ALICE, "a"), DEFAULT_LIMITS)
    assert quota[:4] == (10, 5_000, CHANNELS_PER_CONNECTION_MAX, 100)
    assert (quota.messages, quota.all_messages) == (Rate(5, 25), Rate(50, 250))
    assert (quota.handshake, quota.tenant_channels) == (0, None)


@dataclass
class Desk:
    clock: Clock = field(default_factory=Clock)
    connections: MemoryConnections = field(default_factory=MemoryConnections)
    shared: MemoryBuckets = field(default_factory=MemoryBuckets)
    report: CountingReport = field(default_factory=CountingReport)

    def __post_init__(self) -> None:
        states: object = AnyMarket()
        self.subscriptions = Subscriptions(
            self.connections,
            states,  # type: ignore[arg-type]
            lambda _: 0,
            lambda _: LIMITS,
            replays=False,
        )
        self.limits = ConnectionLimits(
            self.connections,
            lambda _: LIMITS,
            lambda _: True,
            shared=self.shared,
            clock=self.clock,
            report=self.report,
        )

    def connect(self, client: Client) -> str | None:
        """Connect as the functions do; return the code of a refusal."""
        self.clock.time_ms += 1
        if not self.limits.admits_handshake(client):
            return "too_many_messages"
        self.subscriptions.connect(client, self.clock.time_ms)
        try:
            self.limits.require_room(client)
        except TooManyRequests as error:
            self.subscriptions.disconnect(client)
            return error.code
        return None

    def subscribe(self, client: Client, count: int) -> str | None:
        wanted = [read_channel(f"trades:M{number}", None) for number in range(count)]
        try:
            self.subscriptions._begin(client, wanted, self.clock.time_ms)
        except InvalidInput as error:
            return error.code
        return None


@pytest.fixture
def desk() -> Desk:
    return Desk()


def visitor(name: str, address: str = "198.51.100.7", tenant: TenantId = T1) -> Client:
    return Client(visitor_at(tenant, address), name)


def test_an_address_has_so_many_connections_and_others_have_theirs(desk: Desk) -> None:
    codes = [desk.connect(visitor(f"v{number}")) for number in range(4)]
    assert codes == [None, None, "too_many_connections", "too_many_connections"]
    assert desk.connect(visitor("w", "198.51.100.8")) is None
    assert desk.connect(visitor("x", tenant=T2)) is None, "of another tenant"


def test_all_visitors_together_take_no_connection_of_an_account(desk: Desk) -> None:
    codes = [desk.connect(visitor(f"v{number}", f"198.51.100.{number}")) for number in range(8)]
    assert codes == [None] * 5 + ["tenant_over_budget"] * 3
    # In a deployment these are counted in another table, which the double is not.
    desk.connections = MemoryConnections()
    desk.__post_init__()
    assert [desk.connect(Client(ALICE, f"a{number}")) for number in range(4)] == [
        *(None, None, None),
        "too_many_connections",
    ]


def test_who_connects_again_and_again_is_refused_before_anything_is_written(desk: Desk) -> None:
    admitted = 0
    while desk.connect(visitor("v")) is None:
        admitted += 1
        desk.subscriptions.disconnect(visitor("v"))
        assert admitted <= 1_000
    most = quota_of(visitor("v"), LIMITS).all_messages.burst
    # Beyond the burst, what the one container admits by itself and what came back meanwhile.
    assert most // HANDSHAKE_MESSAGES <= admitted <= 2 * most // HANDSHAKE_MESSAGES
    written: list[object] = []
    desk.connections.open = written.append  # type: ignore[method-assign, assignment]
    assert [desk.connect(visitor("v")) for _ in range(10)] == ["too_many_messages"] * 10
    assert written == []
    assert desk.connect(Client(ALICE, "a")) is None
    assert desk.limits.admits_message(Client(ALICE, "a"), 50), "its own budget is whole"


def test_a_visitor_follows_fewer_channels_than_an_account(desk: Desk) -> None:
    assert desk.connect(visitor("v")) is None
    most = VISITORS_CHANNELS_PER_CONNECTION_MAX
    assert desk.subscribe(visitor("v"), most + 1) == "too_many_channels"
    assert desk.subscribe(visitor("v"), most) is None
    assert desk.connect(Client(ALICE, "a")) is None
    assert desk.subscribe(Client(ALICE, "a"), most + 1) is None


def test_many_addresses_together_ask_for_no_more_than_their_tenants_share(desk: Desk) -> None:
    """Each within its own budget; snapshots are read from what accounts read as well."""
    asked = refused = 0
    refusals: set[tuple[str, int]] = set()
    for number in range(100):
        client = visitor(f"v{number}", f"203.0.113.{number}")
        assert desk.limits.admits_message(client, 5)
        try:
            desk.limits.require_share(client, 5)
            asked += 5
        except TooManyRequests as error:
            refusals.add((error.code, error.retry_after_s))
            refused += 5
    share = LIMITS.tenant_visitor_channels.burst
    assert share <= asked <= share + share // 20
    assert refused == 500 - asked
    assert refusals == {("tenant_over_budget", 60)}
    desk.limits.require_share(Client(ALICE, "a"), 50)
    desk.limits.require_share(visitor("w", tenant=T2), 5)
    desk.clock.time_ms += 20_000
    desk.limits.require_share(visitor("v"), 20)
