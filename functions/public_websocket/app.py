"""Lambda behind the WebSocket routes of visitors, who have not signed in, and their authorizer.

One function for both: what a flood of handshakes takes is then missing to visitors alone. API
Gateway keeps the verdict on $connect with the connection, and hands it on with every later event.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.websocket import public_socket_services
from bursa.dialects.native.public_connect import admitted_visitor
from bursa.dialects.native.socket_events import OK
from bursa.identity.gateway import deny
from bursa.kernel.errors import Unauthenticated
from bursa.market_data.clients import Client

logger = Logger()
# Writes go through a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = public_socket_services(logger, metrics)
finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Serve one WebSocket event, or the gateway's question whether one may be opened."""
    if "methodArn" in event:
        return verdict_on(event)
    request = event["requestContext"]
    kind, name, events = request["eventType"], request["connectionId"], services.events
    visitor = admitted_visitor(request)
    if visitor is None:
        return {"statusCode": events.turn_away(name, kind)}
    client, now_ms = Client(visitor, name), services.clock.now_ms()
    match kind:
        case "CONNECT":
            return {"statusCode": events.connect(client, lambda: True, now_ms)}
        case "DISCONNECT":
            events.disconnect(client)
        case _:
            events.receive(client, event.get("body") or "", request["connectedAt"], now_ms)
    return {"statusCode": OK}


def verdict_on(event: dict[str, Any]) -> dict[str, Any]:
    """Return the policy with which the gateway lets a handshake in, or refuses it (403)."""
    try:
        verdict = services.admit(event)
    except Unauthenticated as error:
        logger.info("refused", reason=error.code)
        metrics.add_metric("HandshakesRefused", MetricUnit.Count, 1)
        return deny(event["methodArn"])
    metrics.add_metric("HandshakesAdmitted", MetricUnit.Count, 1)
    return verdict
