"""The wire behind API Gateway's HTTP API: an event of payload format 2.0 in, a response out.

That format keeps the query byte for byte, which signatures are over; a REST API's does not.
"""

import base64
import json
import re
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.dialects.binance.api import BinanceApi, Reply
from bursa.dialects.binance.errors import (
    ILLEGAL_CHARACTERS,
    UNKNOWN_FAULT,
    UNKNOWN_OUTCOME,
    BinanceError,
    error,
)
from bursa.dialects.binance.sign_in import SentRequest

_SERVER_FAULT: Final = 500
_PORT: Final = re.compile(r":\d+$")
_TENANT: Final = re.compile(r"/(t[1-9][0-9]{0,4})(/.*)", re.ASCII)
_TENANT_HEADER: Final = "x-tenant"
# What a response is has been said; it came by TLS and shall again (RFC 6797); nobody keeps it.
_HEADERS: Final = {
    "Content-Type": "application/json;charset=UTF-8",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


class BinanceRestApi:
    """All endpoints behind one function; every exception becomes an error of the wire.

    Parameters
    ----------
    is_shared
        Whether tenants share host names, so that a path may begin with a tenant.

    """

    def __init__(
        self, api: BinanceApi, logger: Logger, metrics: Metrics, *, is_shared: bool
    ) -> None:
        self._api = api
        self._logger = logger
        self._metrics = metrics
        self._is_shared = is_shared

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the response to one request."""
        self._metrics.add_metric("Requests", MetricUnit.Count, 1)
        try:
            reply = self._api.respond(self._request(event))
        except BinanceError as known:
            reply = _error_reply(known)
        except Exception:
            self._logger.exception("Unhandled error")
            reply = _error_reply(error(UNKNOWN_FAULT))
        # That an order is not decided in time may be its own account's flood, and is no fault.
        if reply.status >= _SERVER_FAULT and reply.status != UNKNOWN_OUTCOME:
            self._metrics.add_metric("RequestsFailed", MetricUnit.Count, 1)
            self._logger.error("Request failed", status=reply.status, body=reply.text)
        return {
            "statusCode": reply.status,
            "headers": _HEADERS | dict(reply.headers),
            "body": reply.text,
            "isBase64Encoded": False,
        }

    def _request(self, event: dict[str, Any]) -> SentRequest:
        context = event["requestContext"]
        http = context["http"]
        headers = {name.lower(): str(text) for name, text in (event.get("headers") or {}).items()}
        path, tenant = str(event["rawPath"]), headers.get(_TENANT_HEADER)
        named = _TENANT.fullmatch(path) if self._is_shared else None
        if named is not None:
            tenant, path = named[1], named[2]
        return SentRequest(
            method=http["method"],
            path=path,
            query=event.get("rawQueryString") or "",
            body=_body(event),
            headers=headers,
            host=_PORT.sub("", str(context.get("domainName") or headers.get("host") or "")),
            address=str(http.get("sourceIp") or ""),
            # The gateway's own time, so that a slow start of ours makes no request late.
            arrived_at_ms=int(context["timeEpoch"]),
            request_id=str(context.get("requestId") or ""),
            tenant=tenant,
        )


def _body(event: dict[str, Any]) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        raise error(ILLEGAL_CHARACTERS) from None


def _error_reply(known: BinanceError) -> Reply:
    return Reply(known.status, json.dumps(known.body), {})
