"""Lambda behind the WebSocket routes: $connect, $disconnect, and $default for every message.

Who the client is comes from the authorizer on $connect; API Gateway keeps its answer with the
connection and hands it on with every later event.
"""

import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.aws.clients import dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.dialects.native.feed_messages import error
from bursa.dialects.native.socket_requests import answer_request
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.settings import ReadModelSettings, SocketSettings, read_settings
from bursa.market_data.channel_state_dynamodb import ChannelStateTables
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.sockets import Sockets, management_client
from bursa.market_data.subscriptions import Client, Subscriptions
from bursa.read_models.bootstrap import read_model_names

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def report_undelivered(why: str) -> None:
    """Count an answer that was dropped although its connection is open."""
    metrics.add_metric("MessagesUndelivered", MetricUnit.Count, 1)
    logger.warning("An answer was not delivered", extra={"why": why})


class OneShard:
    """Stands in until a tenant's profile names its shard."""

    def shard_of(self, _tenant: TenantId) -> int:
        """Return the only shard."""
        return settings.shard


settings = read_settings(ReadModelSettings)
socket_settings = read_settings(SocketSettings)
client = dynamodb_client()
subscriptions = Subscriptions(
    ConnectionsTable(client, socket_settings.connections_table, TableWriter(client)),
    ChannelStateTables(client, read_model_names(settings)),
    OneShard(),
)
sockets = Sockets(
    management_client(socket_settings.websocket_endpoint, socket_settings.aws_endpoint_url),
    report_undelivered,
)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Serve one WebSocket event."""
    request = event["requestContext"]
    caller = Client(AccountId.parse(request["authorizer"]["account"]), request["connectionId"])
    now_ms = time.time_ns() // 1_000_000
    match request["eventType"]:
        case "CONNECT":
            metrics.add_metric("Connected", MetricUnit.Count, 1)
            subscriptions.connect(caller, now_ms)
        case "DISCONNECT":
            metrics.add_metric("Disconnected", MetricUnit.Count, 1)
            subscriptions.disconnect(caller)
        case _:
            metrics.add_metric("MessagesReceived", MetricUnit.Count, 1)
            answer(caller, event.get("body") or "", now_ms)
    return {"statusCode": 200}


def answer(caller: Client, body: str, now_ms: int) -> None:
    """Answer one message through the management API, so that several answers keep their order."""
    try:
        messages = list(answer_request(subscriptions, caller, body, now_ms))
    except InvalidInput as fault:
        messages = [error(fault.code, fault.detail)]
    except Exception:
        logger.exception("A message could not be answered")
        metrics.add_metric("MessagesFailed", MetricUnit.Count, 1)
        messages = [error("internal_error", "Something broke on our side; send it again.")]
    if not sockets.post(caller.connection_id, messages):
        subscriptions.disconnect(caller)
