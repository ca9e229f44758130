"""Send messages to WebSocket connections through API Gateway's management API.

A round of the feed waits for its messages, so no connection may take long: those of its channels go
out in a few lanes side by side, and one that does not take a message in time is given up. Lanes are
begun in turn, so that who listens to many channels is no earlier with the last than others with
their first; and only who has taken a message has more than one, so that a connection that takes
none holds one thread. Where half of the threads are held like that, others take their place: what a
few connections do not take is late for them alone. Connections are closed by threads of their own.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from bursa.kernel.clock import MonotonicClock
from bursa.market_data.feed import Listener, Messages, Sent
from bursa.market_data.websocket_stage import stage_url

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

THREADS = 24
CLOSERS = 8
LANES_MAX = 4
# How long a connection may take for one message, and for all of a round, before it is too slow.
CALL_MS_MAX = 500
ROUND_MS_MAX = 2_000
# The same for visitors, who come after accounts: accounts' next round waits for both at most.
VISITORS_CALL_MS_MAX = 200
VISITORS_SEND_MS_MAX = 250
# How long one may take for a response to what it asked for.
RESPONSE_MS_MAX = 1_000
_LOOK_AGAIN_S = 0.05
# Where one part in so many of the threads is held by connections that were given up, others are
# made; the old ones end with their calls, which the client bounds.
_HELD_SHARE = 2
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"total_max_attempts": 2, "mode": "standard"},
    max_pool_connections=THREADS + CLOSERS,
    tcp_keepalive=True,
)


def management_client(
    websocket_endpoint: str, aws_endpoint_url: str = ""
) -> "ApiGatewayManagementApiClient":
    """Return a client of one WebSocket stage.

    Parameters
    ----------
    websocket_endpoint
        ``https://<api>.execute-api.<region>.amazonaws.com/<stage>``.
    aws_endpoint_url
        Where AWS is emulated, if it is; the stage is then a path of that host.

    """
    endpoint = stage_url(websocket_endpoint, aws_endpoint_url)
    client = get_session().create_client(
        "apigatewaymanagementapi", endpoint_url=endpoint, config=_CONFIG
    )
    return cast("ApiGatewayManagementApiClient", client)


@dataclass(slots=True)
class _Lane:
    """Some channels of one listener, whose messages are sent one after the other.

    ``began_ms`` and ``call_began_ms`` are when the first and the last of them was begun; ``others``
    are the listener's lanes that are begun once it has taken a message of this ``first`` one.
    """

    listener: Listener
    bodies: Sequence[bytes]
    first: "_Lane | None" = None
    others: list["_Lane"] = field(default_factory=list)
    began_ms: float = 0.0
    call_began_ms: float = 0.0
    is_stopped: bool = False
    is_gone: bool = False
    is_cut: bool = False

    def begin_call(self, now_ms: float) -> None:
        self.began_ms = self.began_ms or now_ms
        self.call_began_ms = now_ms

    def is_given_up(self) -> bool:
        return self.is_stopped or (self.first is not None and self.first.is_stopped)

    def is_overdue(self, now_ms: float, call_ms_max: float) -> bool:
        if not self.began_ms:
            return False
        return now_ms - self.call_began_ms > call_ms_max or now_ms - self.began_ms > ROUND_MS_MAX


def in_lanes(messages: Messages) -> list[tuple[Listener, list[bytes]]]:
    """Share channels out to lanes: each listener's first lane comes before anybody's second."""
    lanes = []
    for number in range(LANES_MAX):
        for listener, channels in messages.items():
            chosen = list(channels.values())[number::LANES_MAX]
            if chosen:
                lanes.append((listener, [body for bodies in chosen for body in bodies]))
    return lanes


class _Round:
    """The lanes that are on their way; threads add to them."""

    def __init__(self, submit: Callable[["_Round", _Lane], "Future[None]"]) -> None:
        self._submit = submit
        self._lock = Lock()
        self._waiting: dict[Future[None], _Lane] = {}
        self._held_back: list[_Lane] | None = []

    def begin(self, lanes: Iterable[_Lane]) -> None:
        """Begin lanes, or note them for when everybody's first one has been begun."""
        with self._lock:
            if self._held_back is None:
                self._begin(lanes)
            else:
                self._held_back += lanes

    def begin_first(self, lanes: Iterable[_Lane]) -> None:
        """Begin everybody's first lane, and then what was held back for them."""
        for lane in lanes:
            with self._lock:
                self._begin([lane])
        with self._lock:
            held_back, self._held_back = self._held_back or [], None
            self._begin(held_back)

    def _begin(self, lanes: Iterable[_Lane]) -> None:
        for lane in lanes:
            self._waiting[self._submit(self, lane)] = lane

    def waiting(self) -> dict["Future[None]", _Lane]:
        """Return what is waited for."""
        with self._lock:
            return dict(self._waiting)

    def take_out(self, futures: Iterable["Future[None]"]) -> None:
        """Wait for these no longer."""
        with self._lock:
            for future in futures:
                del self._waiting[future]

    def cut(self) -> None:
        """Begin nothing more: what is on its way ends with the message that is being sent."""
        with self._lock:
            for future, lane in list(self._waiting.items()):
                lane.is_stopped = True
                if future.cancel():
                    lane.is_cut = True
                    del self._waiting[future]

    def begin_again(self) -> None:
        """Submit anew what no thread has begun, in the same order."""
        with self._lock:
            behind = [(future, lane) for future, lane in self._waiting.items() if future.cancel()]
            for future, lane in behind:
                del self._waiting[future]
                self._begin([lane])


class Sockets:
    """The connections of one WebSocket stage.

    Parameters
    ----------
    send_ms_max
        After so long a round begins no further message: who was not sent everything is left out.
        Without it a round lasts until everybody has been served or given up.

    """

    def __init__(
        self,
        client: "ApiGatewayManagementApiClient",
        on_undelivered: Callable[[str], None],
        on_unclosed: Callable[[str], None],
        clock: MonotonicClock,
        *,
        threads: int = THREADS,
        call_ms_max: float = CALL_MS_MAX,
        response_ms_max: float = RESPONSE_MS_MAX,
        send_ms_max: float | None = None,
    ) -> None:
        self._client = client
        self._on_undelivered = on_undelivered
        self._on_unclosed = on_unclosed
        self._clock = clock
        self._call_ms_max = call_ms_max
        self._response_ms_max = response_ms_max
        self._send_ms_max = send_ms_max
        self._threads = threads
        self._pool = self._new_pool()
        self._held: list[Future[None]] = []
        self._closers = ThreadPoolExecutor(CLOSERS, thread_name_prefix="closers")

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="sockets")

    def send(self, messages: Messages) -> Sent:
        """Send each listener the messages of each channel in order.

        A message that can't be delivered is dropped, and reported. Of a listener that is too slow
        all that has not been begun is dropped, and it is waited for no longer.
        """
        lanes = [_Lane(listener, bodies) for listener, bodies in in_lanes(messages)]
        firsts: dict[Listener, _Lane] = {}
        for lane in lanes:
            first = firsts.setdefault(lane.listener, lane)
            if first is not lane:
                lane.first = first
                first.others.append(lane)
        a_round = _Round(lambda of, lane: self._pool.submit(self._send_lane, of, lane))
        self._replace_held(a_round)
        a_round.begin_first(firsts.values())
        slow: set[Listener] = set()
        began_ms = self._clock.monotonic_ms()
        while waiting := a_round.waiting():
            done = wait(waiting, _LOOK_AGAIN_S).done
            for future in done:
                future.result()
            a_round.take_out(done)
            left = a_round.waiting()
            slow |= self._overdue(left.values())
            given_up = [future for future, lane in left.items() if lane.listener in slow]
            for future in given_up:
                left[future].is_stopped = True
            self._held += [future for future in given_up if not future.cancel()]
            a_round.take_out(given_up)
            self._replace_held(a_round)
            if self._is_over(began_ms):
                a_round.cut()
        gone = frozenset(lane.listener for lane in lanes if lane.is_gone)
        cut = frozenset(lane.listener for lane in lanes if lane.is_cut)
        return Sent(gone, slow - gone, cut - gone - slow)

    def _is_over(self, began_ms: float) -> bool:
        if self._send_ms_max is None:
            return False
        return self._clock.monotonic_ms() - began_ms > self._send_ms_max

    def _replace_held(self, a_round: _Round) -> None:
        """Go on with new threads where too many are held by who was given up."""
        self._held = [future for future in self._held if not future.done()]
        if len(self._held) * _HELD_SHARE < self._threads:
            return
        before, self._pool = self._pool, self._new_pool()
        self._held = []
        a_round.begin_again()
        before.shutdown(wait=False)

    def _send_lane(self, a_round: _Round, lane: _Lane) -> None:
        for body in lane.bodies:
            if lane.is_given_up():
                lane.is_cut = True
                return
            lane.begin_call(self._clock.monotonic_ms())
            if not self.post(lane.listener[1], [body]):
                lane.is_gone = True
                return
            if lane.others:
                others, lane.others = lane.others, []
                a_round.begin(others)

    def _overdue(self, lanes: Iterable[_Lane]) -> set[Listener]:
        now_ms = self._clock.monotonic_ms()
        return {lane.listener for lane in lanes if lane.is_overdue(now_ms, self._call_ms_max)}

    def respond(self, connection_id: str, bodies: Sequence[bytes]) -> bool:
        """Send one connection its responses in order; return whether it is still there.

        One that does not take them in time is closed: who asks and takes nothing would hold what
        serves others for as long as all its responses may take.
        """
        for body in bodies:
            began_ms = self._clock.monotonic_ms()
            if not self.post(connection_id, [body]):
                return False
            if self._clock.monotonic_ms() - began_ms > self._response_ms_max:
                self._close(connection_id, [])
                return False
        return True

    def post(self, connection_id: str, bodies: Sequence[bytes]) -> bool:
        """Send messages to one connection in order; return whether it is still there."""
        for body in bodies:
            try:
                self._client.post_to_connection(ConnectionId=connection_id, Data=body)
            except self._client.exceptions.GoneException:
                return False
            except (ClientError, BotoCoreError) as error:
                self._on_undelivered(f"{connection_id}: {error}")
        return True

    def is_open(self, connection_id: str) -> bool:
        """Return whether the gateway has a connection; also when that can't be found out."""
        try:
            self._client.get_connection(ConnectionId=connection_id)
        except self._client.exceptions.GoneException:
            return False
        except (ClientError, BotoCoreError):
            return True
        return True

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections as `close` does, and wait for none of them."""
        for connection_id in connection_ids:
            self._closers.submit(self._close, connection_id, bodies)

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages."""
        list(self._closers.map(lambda name: self._close(name, bodies), connection_ids))

    def _close(self, connection_id: str, bodies: Sequence[bytes]) -> None:
        if not self.post(connection_id, bodies):
            return
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except self._client.exceptions.GoneException:
            return
        except (ClientError, BotoCoreError) as error:
            self._on_unclosed(f"{connection_id}: {error}")
