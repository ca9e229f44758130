"""Lambda behind the WebSocket routes: $connect, $disconnect, and $default for every message.

Who the client is comes from the authorizer on $connect; API Gateway keeps its verdict with the
connection and hands it on with every later event, so the end of the token is looked at each time.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.websocket import socket_services
from bursa.dialects.native.socket_events import OK
from bursa.identity.gateway import authorized_principal
from bursa.kernel.errors import Unauthenticated
from bursa.market_data.clients import Client

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
    kind, name, events = request["eventType"], request["connectionId"], services.events
    try:
        principal = authorized_principal(request["authorizer"])
    except Unauthenticated:
        return {"statusCode": events.turn_away(name, kind)}
    # Of a key by its id, so that revoking it closes these and no others.
    owner = principal.key or principal.user
    client = Client(
        principal.account,
        name,
        owner,
        principal.expires_at,
        principal.session,
        principal.own_limits,
    )
    now_ms = services.clock.now_ms()
    match kind:
        case "CONNECT":
            status = events.connect(client, lambda: services.has_session(principal, now_ms), now_ms)
            return {"statusCode": status}
        case "DISCONNECT":
            events.disconnect(client)
        case _:
            events.receive(client, event.get("body") or "", request["connectedAt"], now_ms)
    return {"statusCode": OK}
