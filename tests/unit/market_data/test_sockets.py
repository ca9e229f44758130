"""Sending to connections: order in a channel, and none that holds up the others."""

from collections import Counter
from collections.abc import Iterator
from threading import Event, Lock
from typing import Any

import pytest

from bursa.kernel.clock import SystemClock
from bursa.market_data.feed import Sent
from bursa.market_data.sockets import LANES_MAX, RESPONSE_MS_MAX, THREADS, Sockets, in_lanes

CALL_MS_MAX = 200


class Gateway:
    """The management API; some connections are gone, some take no message until they may."""

    class exceptions:  # noqa: N801 - as botocore names it
        class GoneException(Exception):  # noqa: N818 - as botocore names it
            pass

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.gone: set[str] = set()
        self.slow: set[str] = set()
        self.deleted: list[str] = []
        self.may_go_on = Event()
        self.at_once: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._lock = Lock()

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803
        name = ConnectionId
        with self._lock:
            self.at_once[name] += 1
            self.most_at_once[name] = max(self.most_at_once[name], self.at_once[name])
        if name in self.slow:
            self.may_go_on.wait(10)
        with self._lock:
            self.at_once[name] -= 1
            if name in self.gone:
                raise self.exceptions.GoneException
            self.taken.append((name, Data))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803
        self.deleted.append(ConnectionId)

    def heard(self, name: str) -> list[bytes]:
        return [body for whose, body in self.taken if whose == name]


class SteppingClock:
    """A clock that goes on by a step with each look."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.step_ms = 0.0

    def monotonic_ms(self) -> float:
        self.now_ms += self.step_ms
        return self.now_ms


def unexpected(why: str) -> None:
    raise AssertionError(why)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.may_go_on.set()


@pytest.fixture
def sockets(gateway: Gateway) -> Sockets:
    client: Any = gateway
    return Sockets(client, unexpected, unexpected, SystemClock(), call_ms_max=CALL_MS_MAX)


def channels(count: int, each: int = 1) -> dict[str, list[bytes]]:
    return {f"book:M{n}": [f"{n}/{part}".encode() for part in range(each)] for n in range(count)}


def test_messages_of_a_channel_keep_their_order(gateway: Gateway, sockets: Sockets) -> None:
    assert sockets.send({("t1", "a"): channels(50, each=5)}) == Sent(frozenset(), frozenset())

    heard = gateway.heard("a")
    for bodies in channels(50, each=5).values():
        assert [body for body in heard if body in bodies] == bodies
    assert gateway.most_at_once["a"] <= LANES_MAX


def test_a_connection_that_is_gone_is_reported_and_not_tried_for_long(
    gateway: Gateway, sockets: Sockets
) -> None:
    gateway.gone.add("gone")
    sent = sockets.send({("t1", "gone"): channels(50), ("t1", "here"): channels(1)})
    assert sent == Sent(frozenset({("t1", "gone")}), frozenset())
    assert gateway.heard("here") == [b"0/0"]


def test_a_slow_connection_holds_up_no_other(gateway: Gateway, sockets: Sockets) -> None:
    """It took a thread for as long as the gateway waits, once for each of its messages."""
    gateway.slow.add("slow")
    others = {("t1", f"c{number}"): channels(2) for number in range(100)}

    sent = sockets.send({("t1", "slow"): channels(50), **others})

    assert sent == Sent(frozenset(), frozenset({("t1", "slow")}))
    assert all(len(gateway.heard(name)) == 2 for _, name in others)
    assert gateway.most_at_once["slow"] <= LANES_MAX
    assert sockets.send(others) == Sent(frozenset(), frozenset())
    gateway.may_go_on.set()
    sockets.close(["c0"], [])
    assert len(gateway.heard("slow")) <= LANES_MAX, "what had not been begun was dropped"


def test_ending_slow_connections_is_not_waited_for(gateway: Gateway, sockets: Sockets) -> None:
    gateway.slow.add("slow")
    sockets.end(["slow"], [b"too slow"])
    assert sockets.send({("t1", "a"): channels(1)}) == Sent(frozenset(), frozenset())
    assert gateway.deleted == []


def test_connections_that_take_nothing_hold_one_thread_each(
    gateway: Gateway, sockets: Sockets
) -> None:
    """Four lanes each, those of a few connections of one account held all threads."""
    slow = {f"s{number}" for number in range(10)}
    gateway.slow |= slow
    others = {("t1", f"c{number}"): channels(8) for number in range(30)}

    sent = sockets.send({**{("t1", name): channels(50) for name in slow}, **others})

    assert sent.slow == {("t1", name) for name in slow}
    assert {gateway.most_at_once[name] for name in slow} == {1}
    assert all(len(gateway.heard(name)) == 8 for _, name in others)


def test_no_number_of_connections_that_take_nothing_holds_up_a_later_round(
    gateway: Gateway, sockets: Sockets
) -> None:
    slow = [f"s{number}" for number in range(2 * THREADS)]
    gateway.slow |= {*slow}
    others = {("t1", f"c{number}"): channels(2) for number in range(30)}

    sent = sockets.send({**{("t1", name): channels(2) for name in slow}, **others})
    assert sent.slow == {("t1", name) for name in slow}
    assert all(len(gateway.heard(name)) == 2 for _, name in others)
    sockets.end(slow, [b"too slow"])
    assert sockets.send(others) == Sent(frozenset(), frozenset())
    assert all(len(gateway.heard(name)) == 4 for _, name in others)
    assert gateway.heard("s0") == []


def test_who_asks_and_takes_no_response_is_closed(gateway: Gateway) -> None:
    """Each of some fifty responses waited for the gateway, while others wanted the container."""
    clock = SteppingClock()
    client: Any = gateway
    sockets = Sockets(client, unexpected, unexpected, clock)
    assert sockets.respond("a", [b"1", b"2"])
    assert gateway.heard("a") == [b"1", b"2"]
    clock.step_ms = RESPONSE_MS_MAX + 1
    assert not sockets.respond("b", [b"1", b"2"])
    assert gateway.heard("b") == [b"1"]
    assert gateway.deleted == ["b"]


def test_every_listeners_first_lane_comes_before_anybodys_second() -> None:
    lanes = in_lanes({("t1", "many"): channels(50), ("t1", "few"): channels(2)})
    names = [listener[1] for listener, _ in lanes]
    assert names == ["many", "few", "many", "few", "many", "many"]
    assert sorted(body for (_, name), bodies in lanes if name == "many" for body in bodies) == (
        sorted(body for bodies in channels(50).values() for body in bodies)
    )


SEND_MS_MAX = 100


@pytest.fixture
def bounded(gateway: Gateway) -> Sockets:
    client: Any = gateway
    return Sockets(
        client,
        unexpected,
        unexpected,
        SystemClock(),
        threads=2,
        call_ms_max=CALL_MS_MAX,
        send_ms_max=SEND_MS_MAX,
    )


def test_a_round_with_an_end_leaves_out_who_had_no_turn(gateway: Gateway, bounded: Sockets) -> None:
    gateway.slow |= {"slow0", "slow1"}
    waiting = {("t1", f"c{number}"): channels(2) for number in range(20)}
    clock = SystemClock()
    began_ms = clock.monotonic_ms()

    sent = bounded.send({("t1", "slow0"): channels(1), ("t1", "slow1"): channels(1), **waiting})

    assert clock.monotonic_ms() - began_ms < SEND_MS_MAX + CALL_MS_MAX + 500
    assert sent.slow == {("t1", "slow0"), ("t1", "slow1")}
    assert sent.left_out == set(waiting)
    assert sent.gone == set()
    assert [name for name, _ in gateway.taken if name.startswith("c")] == []
    # They are connected still, and the next round is theirs.
    assert bounded.send(waiting) == Sent()
    assert all(len(gateway.heard(name)) == 2 for _, name in waiting)


def test_a_round_within_its_time_leaves_out_nobody(gateway: Gateway, bounded: Sockets) -> None:
    sent = bounded.send({("t1", f"c{number}"): channels(5) for number in range(10)})
    assert sent.left_out == frozenset()
    assert len(gateway.taken) == 50
