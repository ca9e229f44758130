"""Lambda that the workflow of operators' jobs calls: it alone may open and close tenants.

What may be done again is raised, and the workflow does it again; what can't be done is returned.
Personal data are in what is asked for, so none of it is logged.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.start import finish_start
from bursa.kernel.errors import BursaError, InternalError, Unavailable

if TYPE_CHECKING:
    from bursa.tenants.operator_work import OperatorWork

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
finish_start()


@cache
def work() -> "OperatorWork":
    """Build it at the first job: what it imports takes longer than a start."""
    from bursa.bootstrap.operator_jobs import operator_work  # noqa: PLC0415

    return operator_work(report_unpublished)


def report_unpublished(why: str) -> None:
    """Count a head of an audit log that was not published."""
    metrics.add_metric("AuditHeadsUnpublished", MetricUnit.Count, 1)
    logger.warning("The head of an audit log was not published", extra={"why": why})


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Carry out one job."""
    from bursa.tenants.jobs_stepfunctions import order_of  # noqa: PLC0415 - as above

    order, origin = order_of(event)
    about = {"job": event["job"], "kind": order.kind.value, "tenant": order.tenant}
    try:
        result = work().carry_out(event["job"], order, origin)
    except (Unavailable, InternalError) as error:
        logger.warning("A job is to be carried out again", extra={**about, "code": error.code})
        metrics.add_metric("OperatorJobsAgain", MetricUnit.Count, 1)
        raise
    except BursaError as error:
        logger.info("A job was refused", extra={**about, "code": error.code})
        metrics.add_metric("OperatorJobsRefused", MetricUnit.Count, 1)
        return {"state": "refused", "code": error.code, "detail": error.detail}
    logger.info("A job is done", extra=about)
    metrics.add_metric("OperatorJobsDone", MetricUnit.Count, 1)
    return {"state": "done", "result": result}
