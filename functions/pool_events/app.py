"""Lambda that tenants' user pools call, and that CloudTrail's records of them reach.

Before a pool makes a profile of somebody who comes with another provider, it asks here; a refusal
is the error that the pool's pages return to the client with. What else a pool asks is let pass.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.pool_events import pool_event_services
from bursa.bootstrap.start import finish_start
from bursa.identity.first_sign_in import LINKED
from bursa.identity.pool_events import first_sign_in, is_first_sign_in, issuer_in, pool_change
from bursa.kernel.errors import BursaError, Conflict, NotAllowed

logger = Logger()
# Connections are closed by a pool of threads: a subsegment for each would have no parent there.
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = pool_event_services(logger, metrics)
finish_start()


class RefusedError(Exception):
    """Raised to the pool, which hands its text to the client: a code, and what to do."""

    def __init__(self, error: BursaError) -> None:
        super().__init__(f"{error.code}: {error.detail}")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Return a pool's event as it is, or refuse what it asks about."""
    metrics.add_metric("PoolEvents", MetricUnit.Count, 1)
    try:
        if is_first_sign_in(event):
            decide(event)
        else:
            follow(event)
    except (Conflict, NotAllowed) as error:
        is_linked = error.code == LINKED
        name = "IdentitiesLinked" if is_linked else "FirstSignInsRefused"
        metrics.add_metric(name, MetricUnit.Count, 1)
        logger.info("refused", extra={"reason": error.code})
        raise RefusedError(error) from None
    except Exception as error:
        # Lambda's own count of errors includes every refusal; this one is worth an alarm.
        metrics.add_metric("PoolEventFaults", MetricUnit.Count, 1)
        if isinstance(error, BursaError):
            raise RefusedError(error) from error
        raise
    return event


def decide(event: dict[str, Any]) -> None:
    """Raise what the pool is to answer somebody who comes with a provider."""
    first = first_sign_in(event, services.providers(issuer_in(event)))
    if first is None:
        raise NotAllowed("unknown_provider", "Nobody signs in here with that provider.")
    services.first_sign_ins(first)


def follow(event: dict[str, Any]) -> None:
    """Follow a change of a user, and let all else pass."""
    change = pool_change(event)
    if change is not None and services.changes(change):
        metrics.add_metric("PoolChangesFollowed", MetricUnit.Count, 1)
        logger.info("change followed", extra={"kind": change.kind})
