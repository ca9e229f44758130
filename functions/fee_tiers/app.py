"""Lambda on a schedule: sets each user's fee tier by what it traded in thirty days, once a day.

It starts every hour, and goes on where the last start had no time left; a start that finds the
day's run done reads little. It counts FeeTiersSet only when the run of every tenant is done: an
alarm watches for that.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.fee_tiers import open_fee_tiers
from bursa.bootstrap.start import finish_start
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, TenantId

# For the user whose turn it is: pages of its fills, and its accounts' tiers.
SPARE_MS = 60_000

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = open_fee_tiers()
finish_start()


def report_failure(account: AccountId, error: BursaError) -> None:
    """Note whose tier could not be set."""
    metrics.add_metric("FeeTiersFailed", MetricUnit.Count, 1)
    extra = {"account": str(account), "code": error.code, "detail": error.detail}
    logger.error("A user's fee tier could not be set", extra=extra)


def report_missing(tenant: TenantId, assets: frozenset[str]) -> None:
    """Note which assets are worth nothing in the currency of a schedule."""
    metrics.add_metric("FeeVolumesNotValued", MetricUnit.Count, len(assets))
    extra = {"tenant": str(tenant), "assets": sorted(assets)}
    logger.warning("What was traded for these assets was not counted", extra=extra)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, bool]:  # noqa: ARG001
    """Run every tenant."""
    run = services.run(
        lambda: context.get_remaining_time_in_millis() > SPARE_MS, report_failure, report_missing
    )
    done = {}
    for tenant in services.tenants():
        try:
            report = run(tenant)
        except BursaError:
            # The others' users must not wait for this one's.
            logger.exception("A tenant's fee tiers could not be set", extra={"tenant": str(tenant)})
            done[str(tenant)] = False
            continue
        found = {"tenant": str(tenant), "users": report.users, "changed": report.changed}
        logger.info("Fee tiers set", extra={**found, "failed": report.failed})
        metrics.add_metric("FeeTiersChanged", MetricUnit.Count, report.changed)
        done[str(tenant)] = report.is_done
    if all(done.values()):
        metrics.add_metric("FeeTiersSet", MetricUnit.Count, 1)
    return done
