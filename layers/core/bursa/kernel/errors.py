"""The exceptions of the domain, and what the API makes of each.

    BursaError
    ├── InvalidInput        400  the request can't be understood or breaks a rule of form
    ├── Unauthenticated     401  no token, or one that can't be trusted
    ├── NotFound            404  the thing does not exist, or belongs to someone else
    ├── TooLarge            413  the body is larger than any honest request
    ├── Conflict            409  the same id was used for something different
    ├── Refused             422  well-formed, but the exchange's rules or the balance forbid it
    ├── InternalError       500  a fault of ours; nothing has changed
    └── Unavailable         503  try again later; nothing was lost

Each carries a stable ``code`` for programs and a sentence that tells a person what to do.
"""

from typing import ClassVar


class BursaError(Exception):
    """Root of everything this project raises on purpose."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class InvalidInput(BursaError):  # noqa: N818 - the tree's names are what they mean to a caller
    """Raised before anything is sent; the caller corrects the request."""

    status = 400


class Unauthenticated(BursaError):  # noqa: N818
    """Raised by the authorizer; the caller signs in again."""

    status = 401


class NotFound(BursaError):  # noqa: N818
    """Raised by queries; also for what belongs to another account or tenant."""

    status = 404


class TooLarge(BursaError):  # noqa: N818
    """Raised before a body is read; the caller sends less at once."""

    status = 413


class Conflict(BursaError):  # noqa: N818
    """Raised when an id comes back with different content; the caller picks a new id."""

    status = 409


class Refused(BursaError):  # noqa: N818
    """Raised when the engine decided against a command; nothing has changed."""

    status = 422


class InternalError(BursaError):
    """Raised when the exchange itself is at fault; the caller reports the request."""

    status = 500


class Unavailable(BursaError):  # noqa: N818
    """Raised under back-pressure; the caller waits ``retry_after_s`` seconds and repeats."""

    status = 503

    def __init__(self, code: str, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s
