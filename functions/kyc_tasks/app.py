"""Lambda that the workflow of applications calls for each of its tasks, and schedules for time.

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
from bursa.kernel.errors import BursaError, Unavailable

if TYPE_CHECKING:
    from bursa.bootstrap.kyc_parts import Tasks

# Of the function's two minutes: a page that has begun, and a list that is read, come to their end.
RESCREENING_MS = 45_000
HOUR_MS = 3_600_000

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
    if event.get("task") == "rescreen":
        return rescreen()
    done = tasks().workflow(event)
    logger.info("Task done", extra={"task": event["task"], "state": done["state"]})
    metrics.add_metric("KycTasksDone", MetricUnit.Count, 1)
    return done


def rescreen() -> dict[str, int]:
    """Compare some of those who are still to be compared with the list in force."""
    try:
        called = tasks().rescreening(services.now_ms() + RESCREENING_MS)
    except BursaError:
        # The next call goes on where this one was.
        logger.exception("A comparison with a list broke off")
        metrics.add_metric("RescreeningsFailed", MetricUnit.Count, 1)
        raise
    metrics.add_metric("RescreeningsLate", MetricUnit.Count, int(called.is_late))
    metrics.add_metric("PeopleCompared", MetricUnit.Count, called.compared)
    metrics.add_metric("PeopleNotCompared", MetricUnit.Count, len(called.not_compared))
    metrics.add_metric("CasesOpenedByAList", MetricUnit.Count, called.opened)
    if called.compared or called.not_compared:
        extra = {"compared": called.compared, "not_compared": called.not_compared}
        logger.info("People were compared with a list", extra=extra)
    return {"compared": called.compared, "opened": called.opened}


def look_at_scanner() -> None:
    """Measure whether the antivirus responds and how old its signatures are, if there is one."""
    scanner = tasks().scanner
    if scanner is None:
        return
    try:
        age_ms = services.now_ms() - scanner.signatures_at_ms()
    except Unavailable:
        logger.exception("The antivirus does not respond")
        metrics.add_metric("ScannerUnavailable", MetricUnit.Count, 1)
    else:
        metrics.add_metric("ScannerSignaturesAgeHours", MetricUnit.Count, age_ms // HOUR_MS)


def pass_time() -> dict[str, int]:
    """Let time change the cases that it has changed, of every tenant that has any."""
    look_at_scanner()
    changed = asked = failed = 0
    for tenant in services.tenants():
        if tasks().rules(tenant) is None:
            continue
        try:
            changed += tasks().applications.pass_time(tenant)
            asked += tasks().applications.ask_late(tenant)
        except Exception:
            # The others' cases must not wait for this one.
            logger.exception("Time could not pass", extra={"tenant": str(tenant)})
            failed += 1
    metrics.add_metric("KycCasesOverdue", MetricUnit.Count, changed)
    metrics.add_metric("KycReportsAskedFor", MetricUnit.Count, asked)
    if not failed:
        metrics.add_metric("KycSweeps", MetricUnit.Count, 1)
    return {"changed": changed, "failed": failed}
