"""Send messages to WebSocket connections through API Gateway's management API."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from bursa.market_data.feed import Listener
from bursa.market_data.websocket_stage import stage_url

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

THREADS = 16
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
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


class Sockets:
    """The connections of one WebSocket stage."""

    def __init__(
        self,
        client: "ApiGatewayManagementApiClient",
        on_undelivered: Callable[[str], None],
        on_unclosed: Callable[[str], None],
        threads: int = THREADS,
    ) -> None:
        self._client = client
        self._on_undelivered = on_undelivered
        self._on_unclosed = on_unclosed
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sockets")

    def send(self, messages: Mapping[Listener, Sequence[bytes]]) -> Collection[Listener]:
        """Send each listener its messages in order; returns the listeners that are gone.

        A message that can't be delivered for another reason is dropped, and reported.
        """
        waiting = {
            listener: self._pool.submit(self.post, listener[1], bodies)
            for listener, bodies in messages.items()
        }
        return [listener for listener, is_open in waiting.items() if not is_open.result()]

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
