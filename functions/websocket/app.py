"""Lambda behind the WebSocket routes: $connect, $disconnect, and $default for every message.

Who the client is comes from the authorizer on $connect; API Gateway keeps its verdict with the
connection and hands it on with every later event, so the end of the token is looked at each time.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.bootstrap.websocket import socket_services
from bursa.dialects.native.feed_messages import error, going_away, token_expired
from bursa.dialects.native.socket_requests import channels_named, handle_request
from bursa.identity.gateway import authorized_principal
from bursa.identity.principal import Principal
from bursa.kernel.errors import InvalidInput, TooManyRequests, Unauthenticated
from bursa.market_data.subscriptions import Client

_OK = 200
_UNAUTHORIZED = 401
_TOO_MANY = 429
# As long as API Gateway keeps a connection; and how long before its end a client is told.
_CONNECTION_LIFE_MS = 2 * 60 * 60 * 1_000
_NOTICE_MS = 10 * 60 * 1_000

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
    try:
        principal = authorized_principal(request["authorizer"])
    except Unauthenticated:
        return {"statusCode": turn_away(request)}
    # Of a key by its id, so that revoking it closes these and no others.
    owner = principal.key or principal.user
    client = Client(
        principal.account,
        request["connectionId"],
        owner,
        principal.expires_at,
        principal.session,
        principal.own_limits,
    )
    now_ms = services.clock.now_ms()
    match request["eventType"]:
        case "CONNECT":
            return {"statusCode": connect(principal, client, now_ms)}
        case "DISCONNECT":
            metrics.add_metric("Disconnected", MetricUnit.Count, 1)
            services.subscriptions.disconnect(client)
        case _:
            metrics.add_metric("MessagesReceived", MetricUnit.Count, 1)
            body = event.get("body") or ""
            if principal.expires_at * 1_000 <= now_ms:
                end(client)
            elif not services.limits.admits_message(client, channels_named(body)):
                silence(client)
            else:
                closes_at_ms = end_of(request, principal)
                is_short = closes_at_ms - now_ms <= _NOTICE_MS
                respond(client, body, now_ms, [going_away(closes_at_ms)] if is_short else [])
    return {"statusCode": _OK}


def turn_away(request: dict[str, Any]) -> int:
    """Close a connection whose verdict is of another version of this software; return a status.

    A connection lasts for two hours, across deployments. Its rows go by themselves.
    """
    metrics.add_metric("ConnectionsRefused", MetricUnit.Count, 1)
    if request["eventType"] == "CONNECT":
        return _UNAUTHORIZED
    if request["eventType"] != "DISCONNECT":
        services.sockets.close([request["connectionId"]], [token_expired()])
    return _OK


def connect(principal: Principal, client: Client, now_ms: int) -> int:
    """Remember a connection; return the status of the handshake.

    Whether the session goes on is read after the connection was written: who ends it meanwhile
    either finds the connection, or has ended the session before this looks.
    """
    services.subscriptions.connect(client, now_ms)
    if not services.has_session(principal, now_ms):
        metrics.add_metric("ConnectionsRefused", MetricUnit.Count, 1)
        services.subscriptions.disconnect(client)
        return _UNAUTHORIZED
    try:
        services.limits.require_room(client)
    except TooManyRequests:
        metrics.add_metric("ConnectionsRefused", MetricUnit.Count, 1)
        services.subscriptions.disconnect(client)
        return _TOO_MANY
    metrics.add_metric("Connected", MetricUnit.Count, 1)
    return _OK


def end_of(request: dict[str, Any], principal: Principal) -> int:
    """Return when a connection is closed at the latest: by the gateway, or with its token."""
    lasts_until_ms = request["connectedAt"] + _CONNECTION_LIFE_MS
    return min(int(lasts_until_ms), principal.expires_at * 1_000)


def end(client: Client) -> None:
    """Close a connection that outlives its token."""
    metrics.add_metric("ConnectionsEnded", MetricUnit.Count, 1)
    services.sockets.close([client.connection_id], [token_expired()])
    services.subscriptions.disconnect(client)


def silence(client: Client) -> None:
    """Close a connection that sends more than it may."""
    metrics.add_metric("ConnectionsEnded", MetricUnit.Count, 1)
    fault = error("too_many_messages", "Send fewer messages a second, and connect again.")
    services.sockets.close([client.connection_id], [fault])
    services.subscriptions.disconnect(client)


def respond(client: Client, body: str, now_ms: int, first: list[bytes]) -> None:
    """Respond to one message through the management API; responses keep their order."""
    try:
        messages = list(handle_request(services.subscriptions, client, body, now_ms, services.ids))
    except InvalidInput as fault:
        messages = [error(fault.code, fault.detail)]
    except Exception:
        logger.exception("A message could not be handled")
        metrics.add_metric("MessagesFailed", MetricUnit.Count, 1)
        messages = [error("internal_error", "Something broke on our side; send it again.")]
    if not services.sockets.respond(client.connection_id, first + messages):
        services.subscriptions.disconnect(client)
