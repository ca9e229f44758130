"""Build the way back to WebSocket clients."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import SocketSettings
from bursa.market_data.sockets import CALL_MS_MAX, Sockets, management_client


def open_sockets(
    settings: SocketSettings,
    logger: Logger,
    metrics: Metrics,
    *,
    call_ms_max: float = CALL_MS_MAX,
    send_ms_max: float | None = None,
) -> Sockets:
    """Return the connections of the stage; what can't be sent or closed is counted and logged.

    Parameters
    ----------
    call_ms_max, send_ms_max
        As `Sockets` has them.

    """

    def report_undelivered(why: str) -> None:
        metrics.add_metric("MessagesUndelivered", MetricUnit.Count, 1)
        logger.warning("A message was not delivered", extra={"why": why})

    def report_unclosed(why: str) -> None:
        metrics.add_metric("ConnectionsUnclosed", MetricUnit.Count, 1)
        logger.warning("A connection was not closed", extra={"why": why})

    client = management_client(settings.websocket_endpoint, settings.aws_endpoint_url)
    return Sockets(
        client,
        report_undelivered,
        report_unclosed,
        SystemClock(),
        call_ms_max=call_ms_max,
        send_ms_max=send_ms_max,
    )
