"""The queue of what users are to be told."""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class NoticeQueue:
    """The queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def put(self, envelope: str) -> None:
        """Put what happened into it; raises `Unavailable`."""
        with unavailable("notices_unavailable", "The same comes again."):
            self._client.send_message(QueueUrl=self._url, MessageBody=envelope)
