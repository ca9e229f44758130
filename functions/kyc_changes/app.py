"""Lambda on the compliance table's stream: what follows a case that has changed.

A change that can't be followed is tried again with all later ones, in their order; in the end it is
a failure of the stream, whose queue has an alarm.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.kyc_changes import kyc_changes_services
from bursa.bootstrap.start import finish_start
from bursa.compliance.case_stream_dynamodb import changed_cases

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
follow = kyc_changes_services()
finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Follow one batch of changes; name the first that failed, so that it comes again."""
    for change in changed_cases(event):
        try:
            follow(change.before, change.after)
        except Exception:
            logger.exception("A case could not be followed", extra={"change": change.identifier})
            metrics.add_metric("KycChangesFailed", MetricUnit.Count, 1)
            return {"batchItemFailures": [{"itemIdentifier": change.identifier}]}
        metrics.add_metric("KycCasesChanged", MetricUnit.Count, 1)
    return {"batchItemFailures": []}
