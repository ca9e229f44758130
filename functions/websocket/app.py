"""Lambda behind the WebSocket routes: $connect, $disconnect, and $default for every message.

Who the client is comes from the authorizer on $connect; API Gateway keeps its verdict with the
connection and hands it on with every later event.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.websocket import socket_services
from bursa.dialects.native.feed_messages import error
from bursa.dialects.native.socket_requests import handle_request
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from bursa.market_data.subscriptions import Client

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = socket_services(logger, metrics)
finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Serve one WebSocket event."""
    request = event["requestContext"]
    caller = Client(AccountId.parse(request["authorizer"]["account"]), request["connectionId"])
    now_ms = services.clock.now_ms()
    match request["eventType"]:
        case "CONNECT":
            metrics.add_metric("Connected", MetricUnit.Count, 1)
            services.subscriptions.connect(caller, now_ms)
        case "DISCONNECT":
            metrics.add_metric("Disconnected", MetricUnit.Count, 1)
            services.subscriptions.disconnect(caller)
        case _:
            metrics.add_metric("MessagesReceived", MetricUnit.Count, 1)
            respond(caller, event.get("body") or "", now_ms)
    return {"statusCode": 200}


def respond(caller: Client, body: str, now_ms: int) -> None:
    """Respond to one message through the management API; responses keep their order."""
    try:
        messages = list(handle_request(services.subscriptions, caller, body, now_ms))
    except InvalidInput as fault:
        messages = [error(fault.code, fault.detail)]
    except Exception:
        logger.exception("A message could not be handled")
        metrics.add_metric("MessagesFailed", MetricUnit.Count, 1)
        messages = [error("internal_error", "Something broke on our side; send it again.")]
    if not services.sockets.post(caller.connection_id, messages):
        services.subscriptions.disconnect(caller)
