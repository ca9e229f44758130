"""Send messages to WebSocket connections through API Gateway's management API.

A round of the feed waits for its messages, so no connection may take long: those of its channels go
out in a few lanes side by side, and one that does not take a message in time is given up. Lanes are
begun in turn, so that who listens to many channels is no earlier with the last than others with
their first.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
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
LANES_MAX = 4
# How long a connection may take for one message, and for all of a round, before it is too slow.
CALL_MS_MAX = 500
ROUND_MS_MAX = 2_000
_LOOK_AGAIN_S = 0.05
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"total_max_attempts": 2, "mode": "standard"},
    max_pool_connections=THREADS,
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

    ``began_ms`` and ``call_began_ms`` are when the first and the last of them was begun.
    """

    listener: Listener
    bodies: Sequence[bytes]
    began_ms: float = 0.0
    call_began_ms: float = 0.0
    is_stopped: bool = False
    is_gone: bool = False

    def begin_call(self, now_ms: float) -> None:
        self.began_ms = self.began_ms or now_ms
        self.call_began_ms = now_ms

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


class Sockets:
    """The connections of one WebSocket stage."""

    def __init__(
        self,
        client: "ApiGatewayManagementApiClient",
        on_undelivered: Callable[[str], None],
        on_unclosed: Callable[[str], None],
        clock: MonotonicClock,
        *,
        threads: int = THREADS,
        call_ms_max: float = CALL_MS_MAX,
    ) -> None:
        self._client = client
        self._on_undelivered = on_undelivered
        self._on_unclosed = on_unclosed
        self._clock = clock
        self._call_ms_max = call_ms_max
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sockets")

    def send(self, messages: Messages) -> Sent:
        """Send each listener the messages of each channel in order.

        A message that can't be delivered is dropped, and reported. Of a listener that is too slow
        all that has not been begun is dropped, and it is waited for no longer.
        """
        lanes = [_Lane(listener, bodies) for listener, bodies in in_lanes(messages)]
        waiting = {self._pool.submit(self._send_lane, lane): lane for lane in lanes}
        slow: set[Listener] = set()
        while waiting:
            for future in wait(waiting, _LOOK_AGAIN_S).done:
                future.result()
                del waiting[future]
            slow |= self._overdue(waiting.values())
            for future in [one for one, lane in waiting.items() if lane.listener in slow]:
                waiting.pop(future).is_stopped = True
                future.cancel()
        gone = frozenset(lane.listener for lane in lanes if lane.is_gone)
        return Sent(gone, slow - gone)

    def _send_lane(self, lane: _Lane) -> None:
        for body in lane.bodies:
            if lane.is_stopped:
                return
            lane.begin_call(self._clock.monotonic_ms())
            if not self.post(lane.listener[1], [body]):
                lane.is_gone = True
                return

    def _overdue(self, lanes: Iterable[_Lane]) -> set[Listener]:
        now_ms = self._clock.monotonic_ms()
        return {lane.listener for lane in lanes if lane.is_overdue(now_ms, self._call_ms_max)}

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
            self._pool.submit(self._close, connection_id, bodies)

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        """Close connections, after sending each of them these messages."""
        list(self._pool.map(lambda name: self._close(name, bodies), connection_ids))

    def _close(self, connection_id: str, bodies: Sequence[bytes]) -> None:
        if not self.post(connection_id, bodies):
            return
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except self._client.exceptions.GoneException:
            return
        except (ClientError, BotoCoreError) as error:
            self._on_unclosed(f"{connection_id}: {error}")
