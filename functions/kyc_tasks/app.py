"""Lambda that the workflow of applications calls for each of its tasks, and a schedule for time.

It alone reads documents, compares people with sanctions lists and asks providers. What it logs and
raises are codes: never a name, a file or a hit.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.kyc_tasks import kyc_tasks_services
from bursa.bootstrap.start import finish_start

if TYPE_CHECKING:
    from bursa.bootstrap.kyc_parts import Tasks

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = kyc_tasks_services()
finish_start()


@cache
def tasks() -> "Tasks":
    """Build the tasks at the first call: what they import takes longer than a start."""
    return services.open_tasks()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Carry out one task."""
    if event.get("task") == "pass_time":
        return pass_time()
    done = tasks().workflow(event)
    logger.info("Task done", extra={"task": event["task"], "state": done["state"]})
    metrics.add_metric("KycTasksDone", MetricUnit.Count, 1)
    return done


def pass_time() -> dict[str, int]:
    """Let time change the cases that it has changed, of every tenant that has any."""
    changed = failed = 0
    for tenant in services.tenants():
        if tasks().rules(tenant) is None:
            continue
        try:
            changed += tasks().applications.pass_time(tenant)
        except Exception:
            # The others' cases must not wait for this one.
            logger.exception("Time could not pass", extra={"tenant": str(tenant)})
            failed += 1
    metrics.add_metric("KycCasesOverdue", MetricUnit.Count, changed)
    if not failed:
        metrics.add_metric("KycSweeps", MetricUnit.Count, 1)
    return {"changed": changed, "failed": failed}
