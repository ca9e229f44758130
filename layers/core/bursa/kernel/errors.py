"""The exceptions of the product; what a wire makes of each is its dialect's business.

    BursaError
    ├── InvalidInput        the request can't be understood or breaks a rule of form
    ├── Unauthenticated     no token, or one that can't be trusted
    ├── NotAllowed          who asks is known, and may not do this
    ├── NotFound            the thing does not exist, or belongs to someone else
    ├── TooLarge            the body is larger than any honest request
    ├── Conflict            the same id was used for something different
    ├── Refused             well-formed, but the exchange's rules or the balance forbid it
    ├── TooManyRequests     the caller has used up its share; nothing was done
    ├── InternalError       a fault of ours; nothing has changed
    └── Unavailable         try again later; nothing was lost

Each carries a stable ``code`` for programs and a sentence that tells a person what to do.
"""

from bursa.kernel.rates import RateState


class BursaError(Exception):
    """Root of everything this project raises on purpose."""

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class InvalidInput(BursaError):  # noqa: N818 - the tree's names are what they mean to a caller
    """Raised before anything is sent; the caller corrects the request."""


class Unauthenticated(BursaError):  # noqa: N818
    """Raised by the authorizer; the caller signs in again."""


class NotAllowed(BursaError):  # noqa: N818
    """Raised when a verified caller may not do this; asking again changes nothing."""


class NotFound(BursaError):  # noqa: N818
    """Raised by queries; also for what belongs to another account or tenant."""


class TooLarge(BursaError):  # noqa: N818
    """Raised before a body is read; the caller sends less at once."""


class Conflict(BursaError):  # noqa: N818
    """Raised when an id comes back with different content; the caller picks a new id."""


class Refused(BursaError):  # noqa: N818
    """Raised when the engine decided against a command; nothing has changed."""


class TooManyRequests(BursaError):  # noqa: N818
    """Raised when a caller is over its budget; it waits ``retry_after_s`` seconds and repeats.

    ``state`` is the caller's own budget, never that of others; None where only the caller's place
    in the queue is the reason.
    """

    def __init__(
        self, code: str, detail: str, *, retry_after_s: int = 1, state: RateState | None = None
    ) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s
        self.state = state


class InternalError(BursaError):
    """Raised when the exchange itself is at fault; the caller reports the request."""


class Unavailable(BursaError):  # noqa: N818
    """Raised under back-pressure; the caller waits ``retry_after_s`` seconds and repeats.

    ``request_key`` is the name under which the same request may be repeated without being carried
    out twice; None when the request names itself, or is a mere question.
    """

    def __init__(
        self, code: str, detail: str, *, retry_after_s: int = 1, request_key: str | None = None
    ) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s
        self.request_key = request_key
