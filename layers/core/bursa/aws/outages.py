"""Turning AWS's failures into the one error that callers know: try again later."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from bursa.kernel.errors import Unavailable


@contextmanager
def unavailable(code: str, detail: str) -> Iterator[None]:
    """Raise `Unavailable` for throttling, time-outs and every other failure of a call."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(code, detail) from error
