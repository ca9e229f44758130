"""What callers know for what pynamodb raises."""

from collections.abc import Iterator
from contextlib import contextmanager

from pynamodb.exceptions import PynamoDBException

from bursa.kernel.errors import Conflict, Unavailable

_CHANGED_MEANWHILE = "ConditionalCheckFailedException"


@contextmanager
def record_failures(changed: str, detail: str, unavailable: str) -> Iterator[None]:
    """Translate failures of one kind of record.

    Parameters
    ----------
    changed, detail
        Code and sentence for a version that is no longer the stored one.
    unavailable
        Code for all else that fails.

    Raises
    ------
    Conflict
        ``changed``
    Unavailable
        ``unavailable``

    """
    try:
        yield
    except PynamoDBException as error:
        if error.cause_response_code == _CHANGED_MEANWHILE:
            raise Conflict(changed, detail) from error
        raise Unavailable(unavailable, "Send the same again in a moment.") from error
