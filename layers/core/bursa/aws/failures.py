"""What a failed call to AWS means to its caller.

    unavailable       the edge: every failure is the one error that clients know, "try again later"
    outcome_unknown   the worker: which failures leave open whether the request had its effect

Time-outs and broken connections leave the outcome open, and so do throttles and server errors, by
decision (see `bursa.journal.errors`). Everything else is a mistake of ours and is raised as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004
    HTTPClientError,
)

from bursa.journal.errors import OutcomeUnknown
from bursa.kernel.errors import Unavailable

_SERVER_ERROR = 500
_LOAD_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@contextmanager
def unavailable(code: str, detail: str) -> Iterator[None]:
    """Raise `Unavailable` for throttling, time-outs and every other failure of a call."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(code, detail) from error


@contextmanager
def outcome_unknown() -> Iterator[None]:
    """Turn failures that leave the outcome open into `OutcomeUnknown`."""
    try:
        yield
    except (ConnectionError, HTTPClientError) as error:
        raise OutcomeUnknown(str(error)) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = error.response.get("Error", {})
        code = said.get("Code", "")
        # SQS has two names for an error: the query protocol's, and that of the shape.
        names = {code, said.get("QueryErrorCode", "")}
        if status >= _SERVER_ERROR or names & _LOAD_CODES:
            raise OutcomeUnknown(f"{code}: {error}") from error
        raise
