"""Turns a caller's token or ticket into a principal and the routes it may call, for API Gateway.

A REQUEST authorizer of both APIs: the REST API sends the Authorization header with a token, the
WebSocket API a one-use ``?ticket=`` on $connect, because browsers can't set headers there and an
address may end up in logs. Where the header names an API key, the function behind the route
verifies the signature with what is found here (docs/adr/0047).

Adapters are built while the function starts, where Lambda lends a whole CPU.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.sign_in import open_sign_in
from bursa.bootstrap.start import finish_start
from bursa.identity.gateway import (
    allow,
    allow_key,
    asked_host,
    deny,
    is_connect,
    sent_from,
    sent_key,
    sent_origin,
    sent_ticket,
    sent_token,
    sent_user_agent,
)
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import AuthorizerSettings, read_settings
from bursa.tenants.origins import is_own_origin

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()


def report_key_set(why: str) -> None:
    """Count and log that a pool's keys could not be read; those that are known go on being used."""
    metrics.add_metric("KeySetFailures", MetricUnit.Count, 1)
    logger.warning("key set not read", why=why)


def report_note(why: str) -> None:
    """Count and log that a session could not be noted; it goes on all the same."""
    metrics.add_metric("SessionsUnnoted", MetricUnit.Count, 1)
    logger.warning("session not noted", why=why)


sign_in = open_sign_in(read_settings(AuthorizerSettings), report_key_set, report_note)
finish_start()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Return a policy, or raise the one message that API Gateway turns into a 401.

    A WebSocket is refused by policy, a 403: not every gateway understands the message there.
    """
    try:
        verdict = verdict_on(event)
    except Unauthenticated as error:
        logger.info("refused", reason=error.code)
        metrics.add_metric("SignInRefused", MetricUnit.Count, 1)
        if is_connect(event["methodArn"]):
            return deny(event["methodArn"])
        raise Exception("Unauthorized") from None  # noqa: TRY002 - the gateway's own protocol
    except Exception:
        # Lambda's own count of errors includes every bad token; this one is worth an alarm.
        metrics.add_metric("SignInFaults", MetricUnit.Count, 1)
        raise
    metrics.add_metric("SignIns", MetricUnit.Count, 1)
    return verdict


def verdict_on(event: dict[str, Any]) -> dict[str, Any]:
    """Return who asks and what it may do; raises `Unauthenticated`."""
    method_arn = event["methodArn"]
    if is_connect(method_arn):
        principal = sign_in.by_ticket(sent_ticket(event))
        require_own_page(event, principal.tenant)
        return allow(method_arn, principal)
    key_id = sent_key(event)
    if key_id is not None:
        key = sign_in.by_key(key_id)
        return allow_key(method_arn, key, sign_in.origins.of(key.account.tenant))
    principal = sign_in.by_token(sent_token(event))
    sign_in.notes.note(principal, sent_user_agent(event), sent_from(event))
    return allow(method_arn, principal, sign_in.origins.of(principal.tenant))


def require_own_page(event: dict[str, Any], tenant: TenantId) -> None:
    """Return for a page of the tenant's, and for what is no page; raises `Unauthenticated`.

    Browsers let every page open every WebSocket: what CORS does for REST is done here. The ticket
    is used up, so that a page that got hold of one has spoilt it.
    """
    origin = sent_origin(event)
    if origin is None or is_own_origin(origin, asked_host(event)):
        return
    if origin not in sign_in.origins.of(tenant):
        raise Unauthenticated("foreign_origin", "Connect from a page of the exchange's own.")
