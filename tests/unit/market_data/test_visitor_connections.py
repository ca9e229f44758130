"""One feed for accounts and visitors: who listens, in which order they are sent to, what fails."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from bursa.market_data.feed import Listener, Messages, Sent
from bursa.market_data.visitor_connections import (
    AWAY_MS,
    LIST_FRESH_MS,
    PREFIX,
    JoinedOutbox,
    JoinedSubscribers,
)
from bursa.read_models.rows import SubscriptionRow

ACCOUNT, VISITOR = "t1-1", "t1@5c1f0a5a0cf1a1b2"


def row(name: str, account: str) -> SubscriptionRow:
    return SubscriptionRow("t1", "trades:BTC-USDT", name, 5, 1 << 40, account, 5)


@dataclass
class Table:
    """Connections of one kind; `fails` makes it unreachable."""

    rows: list[SubscriptionRow] = field(default_factory=list)
    entries: dict[int, list[SubscriptionRow]] = field(default_factory=dict)
    counted: int = 0
    fails: bool = False
    lists: int = 0
    asked: int = 0
    forgotten: list[tuple[str, str]] = field(default_factory=list)

    def subscribe(self, new: SubscriptionRow, *, is_readable: bool = True) -> None:
        self.rows.append(new)
        self.counted += 1
        if is_readable:
            self.entries[self.counted] = [new]

    def _ask(self) -> None:
        self.asked += 1
        if self.fails:
            raise RuntimeError("throttled")

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        self._ask()
        return {"t1": {0: self.counted}} if self.counted else {}

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        self._ask()
        assert (tenant, row) == ("t1", 0)
        return {number: rows for number, rows in self.entries.items() if first <= number <= last}

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        self._ask()
        self.lists += 1
        return list(self.rows)

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        self._ask()
        self.forgotten.append((account, connection_id))
        self.rows = [one for one in self.rows if one.connection_id != connection_id]


@dataclass
class Joined:
    accounts: Table = field(default_factory=Table)
    visitors: Table = field(default_factory=Table)
    now_ms: int = 1_000_000
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.subscribers = JoinedSubscribers(
            self.accounts, self.visitors, lambda: self.now_ms, self.failures.append
        )

    def listeners(self) -> set[str]:
        """Look as a feed does whose own list is old."""
        self.subscribers.announcements(0)
        return {one.connection_id for one in self.subscribers.subscriptions("t1")}


@pytest.fixture
def joined() -> Joined:
    joined = Joined()
    joined.accounts.subscribe(row("a=", ACCOUNT))
    joined.visitors.subscribe(row("v=", VISITOR))
    return joined


def test_both_are_found_under_names_of_their_own(joined: Joined) -> None:
    counted = joined.subscribers.announcements(0)["t1"]
    assert sorted(counted.values()) == [1, 1]
    assert joined.listeners() == {"a=", f"{PREFIX}v="}
    theirs, ours = max(counted), min(counted)
    for number, name in ((theirs, f"{PREFIX}v="), (ours, "a=")):
        found = joined.subscribers.announced("t1", number, 1, 1)
        assert [one.connection_id for one in found[1]] == [name]


def test_a_tenant_of_which_only_visitors_listen_is_found() -> None:
    joined = Joined()
    joined.visitors.subscribe(row("v=", VISITOR))
    assert joined.listeners() == {f"{PREFIX}v="}


def test_the_list_of_visitors_is_read_seldom_and_who_comes_is_known_at_once(
    joined: Joined,
) -> None:
    for number in range(9):
        joined.now_ms += 1_000
        joined.visitors.subscribe(row(f"v{number}=", VISITOR))
        assert f"{PREFIX}v{number}=" in joined.listeners()
    assert joined.visitors.lists == 1
    assert joined.accounts.lists == 9


def test_an_announcement_that_can_not_be_read_yet_is_looked_for_again(joined: Joined) -> None:
    assert len(joined.listeners()) == 2
    late = row("late=", VISITOR)
    joined.visitors.subscribe(late, is_readable=False)
    assert f"{PREFIX}late=" not in joined.listeners()
    joined.visitors.entries[2] = [late]
    assert f"{PREFIX}late=" in joined.listeners()
    assert joined.visitors.lists == 1


def test_a_feed_that_reads_announcements_itself_leaves_none_out_of_the_list(
    joined: Joined,
) -> None:
    joined.listeners()
    joined.visitors.subscribe(row("new=", VISITOR))
    counted = joined.subscribers.announcements(0)["t1"]
    joined.subscribers.announced("t1", max(counted), 2, 2)
    asked = joined.visitors.asked
    assert f"{PREFIX}new=" in {one.connection_id for one in joined.subscribers.subscriptions("t1")}
    assert joined.visitors.asked == asked, "it was known already"


def test_who_has_left_is_out_of_the_next_list(joined: Joined) -> None:
    joined.listeners()
    joined.visitors.rows.clear()
    assert f"{PREFIX}v=" in joined.listeners()
    joined.now_ms += LIST_FRESH_MS
    assert joined.listeners() == {"a="}


def test_who_was_found_to_be_gone_is_forgotten_in_its_own_table(joined: Joined) -> None:
    joined.listeners()
    joined.subscribers.forget(VISITOR, f"{PREFIX}v=", ["trades:BTC-USDT"])
    joined.subscribers.forget(ACCOUNT, "a=")
    assert joined.visitors.forgotten == [(VISITOR, "v=")]
    assert joined.accounts.forgotten == [(ACCOUNT, "a=")]
    assert joined.listeners() == set()


def test_without_visitors_table_accounts_are_served_and_known_visitors_too(
    joined: Joined,
) -> None:
    joined.listeners()
    joined.visitors.fails = True
    joined.accounts.subscribe(row("b=", "t1-2"))
    for _ in range(10):
        assert joined.listeners() == {"a=", "b=", f"{PREFIX}v="}
        joined.subscribers.forget(VISITOR, f"{PREFIX}w=")
    assert len(joined.failures) == 1, "it is left alone for a while"
    joined.now_ms += max(AWAY_MS, LIST_FRESH_MS)
    joined.visitors.fails = False
    joined.visitors.subscribe(row("new=", VISITOR))
    assert joined.listeners() == {"a=", "b=", f"{PREFIX}v=", f"{PREFIX}new="}


def test_a_table_that_fails_from_the_start_is_made_up_for(joined: Joined) -> None:
    joined.visitors.fails = True
    assert joined.listeners() == {"a="}
    joined.visitors.fails = False
    joined.now_ms += AWAY_MS
    assert joined.listeners() == {"a=", f"{PREFIX}v="}


def test_a_failure_of_accounts_table_is_the_feeds(joined: Joined) -> None:
    joined.accounts.fails = True
    with pytest.raises(RuntimeError):
        joined.listeners()


@dataclass
class Stage:
    """An outbox that leaves out, or finds gone or slow, who is named."""

    name: str
    log: list[tuple[str, list[str]]]
    gone: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)

    def send(self, messages: Messages) -> Sent:
        names = [name for _, name in messages]
        self.log.append((self.name, names))

        def of(who: set[str]) -> set[Listener]:
            return {("t1", name) for name in names if name in who}

        return Sent(of(self.gone), of(self.slow), of(self.left_out))

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        self.ended += connection_ids


def messages(*names: str) -> Messages:
    return {("t1", name): {"trades:BTC-USDT": [b"{}"]} for name in names}


@pytest.fixture
def log() -> list[tuple[str, list[str]]]:
    return []


def test_accounts_are_sent_theirs_first_and_each_gateway_its_own_names(
    log: list[tuple[str, list[str]]],
) -> None:
    ours, theirs = Stage("accounts", log, gone={"a"}), Stage("visitors", log, slow={"v"})
    outbox = JoinedOutbox(ours, theirs)
    sent = outbox.send(messages(f"{PREFIX}v", "a", f"{PREFIX}a", "b"))
    assert log == [("accounts", ["a", "b"]), ("visitors", ["v", "a"])]
    assert (sent.gone, sent.slow) == ({("t1", "a")}, {("t1", f"{PREFIX}v")})
    outbox.end(["a", f"{PREFIX}v"], [])
    assert (ours.ended, theirs.ended) == (["a"], ["v"])


def test_a_gateway_without_listeners_is_not_troubled(log: list[tuple[str, list[str]]]) -> None:
    outbox = JoinedOutbox(Stage("accounts", log), Stage("visitors", log))
    outbox.send(messages("a"))
    outbox.send(messages(f"{PREFIX}v"))
    outbox.end([], [])
    assert [name for name, _ in log] == ["accounts", "visitors"]


def test_who_was_left_out_comes_first_the_next_time(log: list[tuple[str, list[str]]]) -> None:
    theirs = Stage("visitors", log, left_out={"c", "d"})
    outbox = JoinedOutbox(Stage("accounts", log), theirs)
    all_four = messages(*(f"{PREFIX}{name}" for name in "abcd"))
    assert outbox.send(all_four).left_out == {("t1", f"{PREFIX}c"), ("t1", f"{PREFIX}d")}
    theirs.left_out = {"b"}
    outbox.send(all_four)
    outbox.send(all_four)
    assert [names for _, names in log] == [list("abcd"), list("cdab"), list("bacd")]
