"""Which failures of a request leave its outcome open.

Time-outs and broken connections do, and so do throttles and server errors, by decision (see
`bursa.journal.errors`). Everything else is a mistake of ours and must surface as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from bursa.journal.errors import OutcomeUnknown

_SERVER_ERROR = 500
_LOAD_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "KmsThrottled",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@contextmanager
def outcome_unknown() -> Iterator[None]:
    """Turn failures that leave the outcome open into `OutcomeUnknown`."""
    try:
        yield
    except (ConnectionError, HTTPClientError) as error:
        raise OutcomeUnknown(str(error)) from None
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response.get("Error", {}).get("Code", "")
        if status >= _SERVER_ERROR or code in _LOAD_CODES:
            raise OutcomeUnknown(f"{code}: {error}") from None
        raise
