"""Lambda that tells users what has happened to them.

It is called with two kinds of batches. From the identity table's stream it puts security events
into its queue, so that a mail that can't be sent holds up nobody else, and on the deployment's bus,
for other systems. From the queue, which the
deployment's bus fills, too, it tells them, one by one.
"""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.bootstrap.notify import notify_services
from bursa.bootstrap.start import finish_start
from bursa.notifications.happenings import happening_in, security_envelopes

_QUEUE = "aws:sqs"
# As long as one message may take while whom it calls does not answer.
SPARE_MS = 30_000

logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
services = notify_services()
finish_start()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle a batch; name what failed, so that it comes again."""
    is_queue = event["Records"][0]["eventSource"] == _QUEUE
    failed = tell(event, context.get_remaining_time_in_millis) if is_queue else hand_on(event)
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def hand_on(event: dict[str, Any]) -> list[str]:
    """Put security events into the queue and on the bus; return the first that could not be."""
    for identifier, envelope in security_envelopes(event):
        try:
            services.queue.put(json.dumps(envelope))
            services.bus.put(envelope)
        except Exception:
            logger.exception("A security event could not be handed on")
            metrics.add_metric("NoticesFailed", MetricUnit.Count, 1)
            return [identifier]
        metrics.add_metric("SecurityEventsQueued", MetricUnit.Count, 1)
    return []


def tell(event: dict[str, Any], left_ms: Callable[[], int]) -> list[str]:
    """Carry messages of the queue to users; return those that must come again.

    What is nothing of ours stays in the queue until it is a failure, whose queue has an alarm. What
    there is no time for is not begun: a function that ends by its time-out has told of nothing that
    it did, and all of its messages would come again.
    """
    failed = []
    for record in event["Records"]:
        name, whose = record["messageId"], {}
        if left_ms() < SPARE_MS:
            failed.append(name)
            continue
        try:
            happening = happening_in(json.loads(record["body"]))
            whose = {"tenant": str(happening.tenant), "user": happening.user}
            is_mailed = services.notifier.tell(happening)
        except Exception:
            logger.exception("A user could not be told", extra={"message_id": name} | whose)
            metrics.add_metric("NoticesFailed", MetricUnit.Count, 1)
            failed.append(name)
            continue
        metrics.add_metric("NoticesTold", MetricUnit.Count, 1)
        if is_mailed:
            metrics.add_metric("MailsSent", MetricUnit.Count, 1)
    return failed
