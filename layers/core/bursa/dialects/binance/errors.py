"""Errors as this wire has them: ``{"code": -1121, "msg": "Invalid symbol."}``.

The texts are part of the protocol: clients compare them. A 5xx, and -1007 above all, says that what
became of a request is not known; so what the exchange has decided, or never took, is none.
Source: binance-spot-api-docs, errors.md.
"""

from typing import Any, Final, NamedTuple

from bursa.kernel.errors import (
    BursaError,
    Conflict,
    InternalError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
PARTLY_DONE: Final = 409
BANNED: Final = 418
TOO_MANY: Final = 429
FAULT: Final = 500
UNAVAILABLE: Final = 503
UNKNOWN_OUTCOME: Final = 504


class BinanceError(Exception):
    """What is answered instead of a success.

    Attributes
    ----------
    code, msg
        As the wire has them.
    status
        Of HTTP.
    retry_after_s
        None where asking again makes no difference.
    data
        Of a cancel-replace, what became of either half.
    order
        Of a list that was rejected, the order that it is about, by the prefix of its parameters.

    """

    def __init__(
        self,
        code: int,
        msg: str,
        status: int = BAD_REQUEST,
        *,
        retry_after_s: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.status = status
        self.retry_after_s = retry_after_s
        self.data = data
        self.order: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The error in JSON."""
        plain: dict[str, Any] = {"code": self.code, "msg": self.msg}
        more = {"data": self.data, "order": self.order}
        return plain | {name: one for name, one in more.items() if one is not None}


class Text(NamedTuple):
    """A code and its text."""

    code: int
    msg: str
    status: int = BAD_REQUEST


UNKNOWN_FAULT: Final = Text(-1000, "An unknown error occurred while processing the request.", FAULT)
INTERNAL: Final = Text(
    -1001, "Internal error; unable to process your request. Please try again.", UNAVAILABLE
)
NOT_AUTHORIZED: Final = Text(-1002, "You are not authorized to execute this request.", UNAUTHORIZED)
TIMED_OUT: Final = Text(
    -1007,
    "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown.",
    UNKNOWN_OUTCOME,
)
BUSY: Final = Text(
    -1008,
    "Server is currently overloaded with other requests. Please try again in a few minutes.",
    TOO_MANY,
)
UNSUPPORTED_COMBINATION: Final = Text(-1014, "Unsupported order combination.")
NOT_SUPPORTED: Final = Text(-1020, "This operation is not supported.")
OUTSIDE_WINDOW: Final = Text(-1021, "Timestamp for this request is outside of the recvWindow.")
FROM_FUTURE: Final = Text(
    -1021, "Timestamp for this request was 1000ms ahead of the server's time."
)
REPLAYED: Final = Text(
    -1021, "Timestamp for this request was used with the same parameters before; sign it anew."
)
WRONG_SIGNATURE: Final = Text(-1022, "Signature for this request is not valid.")
ILLEGAL_CHARACTERS: Final = Text(-1100, "Illegal characters found in a parameter.")
TOO_MANY_PARAMETERS: Final = Text(-1101, "Too many parameters sent for this endpoint.")
DUPLICATE_PARAMETER: Final = Text(-1101, "Duplicate values for a parameter detected.")
INVALID_TIME_IN_FORCE: Final = Text(-1115, "Invalid timeInForce.")
INVALID_ORDER_TYPE: Final = Text(-1116, "Invalid orderType.")
INVALID_SIDE: Final = Text(-1117, "Invalid side.")
INVALID_INTERVAL: Final = Text(-1120, "Invalid interval.")
INVALID_SYMBOL: Final = Text(-1121, "Invalid symbol.")
LOOKUP_TOO_BIG: Final = Text(-1127, "Lookup interval is too big.")
BAD_COMBINATION: Final = Text(-1128, "Combination of optional parameters invalid.")
BAD_WINDOW: Final = Text(-1131, "recvWindow must be less than 60000.")
DUPLICATE_ORDER: Final = Text(-2010, "Duplicate order sent.")
INSUFFICIENT_BALANCE: Final = Text(-2010, "Account has insufficient balance for requested action.")
UNKNOWN_ORDER: Final = Text(-2011, "Unknown order sent.")
NO_SUCH_ORDER: Final = Text(-2013, "Order does not exist.")
UNKNOWN_LIST: Final = Text(-2011, "Unknown order list sent.")
NO_SUCH_LIST: Final = Text(-2013, "Order list does not exist.")
WRONG_PRICES: Final = Text(-2010, "The relationship of the prices for the orders is not correct.")
BAD_KEY_FORMAT: Final = Text(-2014, "API-key format invalid.", UNAUTHORIZED)
REJECTED_KEY: Final = Text(-2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED)


def error(text: Text) -> BinanceError:
    """Return the error of a text, ready to raise."""
    return BinanceError(text.code, text.msg, text.status)


def rejected(msg: str) -> BinanceError:
    """Return the error for a new order that is not taken (-2010)."""
    return BinanceError(-2010, msg)


def filter_failure(name: str) -> BinanceError:
    """Return the error for an order outside of one of its symbol's filters (-1013)."""
    return BinanceError(-1013, f"Filter failure: {name}")


def missing(name: str) -> BinanceError:
    """Return the error for a mandatory parameter that is not there (-1102)."""
    return BinanceError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str, legal: str) -> BinanceError:
    """Return the error for a parameter in another form (-1100)."""
    return BinanceError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def invalid(name: str) -> BinanceError:
    """Return the error for a parameter with a value that there is none of (-1130)."""
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def not_required(name: str) -> BinanceError:
    """Return the error for a parameter that has no meaning here (-1106)."""
    return BinanceError(-1106, f"Parameter '{name}' sent when not required.")


# The parameters of orders by the field that an error of a use case names, and their filters.
_PARAMETERS: Final = {
    "price": "price",
    "quantity": "quantity",
    "trigger_price": "stopPrice",
    "activation_price": "stopPrice",
    "trail_ppm": "trailingDelta",
    "display_quantity": "icebergQty",
    "quote_amount": "quoteOrderQty",
    "client_order_id": "newClientOrderId",
}
_FILTERS: Final = {
    "price": "PRICE_FILTER",
    "trigger_price": "PRICE_FILTER",
    "activation_price": "PRICE_FILTER",
    "trail_ppm": "TRAILING_DELTA",
    "quantity": "LOT_SIZE",
    "display_quantity": "LOT_SIZE",
    "quote_amount": "NOTIONAL",
}
_DECIMAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
# Errors that have a text of their own, by their code.
_BY_CODE: Final = {
    "client_order_id_reused": DUPLICATE_ORDER,
    "level_too_low": NOT_AUTHORIZED,
    "notional_too_small": Text(-1013, "Filter failure: NOTIONAL"),
    "notional_too_large": Text(-1013, "Filter failure: NOTIONAL"),
    # Handed in or not, and nobody can tell: the queue has given no response.
    "queue_unavailable": TIMED_OUT,
    "order_not_ready": TIMED_OUT,
    "queue_full": BUSY,
    "queue_slow": BUSY,
    "request_replayed": REPLAYED,
    "wrong_signature": WRONG_SIGNATURE,
    "unknown_market": INVALID_SYMBOL,
    # There in a moment; a question, so nothing can have happened.
    "not_known_yet": INTERNAL,
    "unknown_order": NO_SUCH_ORDER,
    "repeated_client_order_id": DUPLICATE_ORDER,
    "invalid_list": WRONG_PRICES,
}
_BY_KIND: Final[dict[type[BursaError], Text]] = {
    InvalidInput: Text(-1102, ""),
    Unauthenticated: REJECTED_KEY,
    NotAllowed: REJECTED_KEY,
    NotFound: Text(-1000, "", NOT_FOUND),
    Conflict: DUPLICATE_ORDER,
    Refused: Text(-2010, ""),
    InternalError: UNKNOWN_FAULT,
    Unavailable: INTERNAL,
}


def error_of(fault: BursaError) -> BinanceError:
    """Return what a refusal of the exchange is on this wire.

    `TooManyRequests` is `bursa.dialects.binance.rates`'s to write: it depends on what came before.
    """
    text = _BY_CODE.get(fault.code) or _of_field(fault)
    if text is None:
        text = _BY_KIND.get(type(fault), UNKNOWN_FAULT)
    retry = fault.retry_after_s if isinstance(fault, Unavailable | TooManyRequests) else None
    return BinanceError(text.code, text.msg or fault.detail, text.status, retry_after_s=retry)


def _of_field(fault: BursaError) -> Text | None:
    field = fault.field or ""
    name = _PARAMETERS.get(field)
    if name is None or not isinstance(fault, InvalidInput):
        return None
    match fault.code.removeprefix(f"{field}_"):
        case "off_tick" | "off_lot" | "too_large" | "not_positive":
            return Text(-1013, f"Filter failure: {_FILTERS[field]}")
        case "not_allowed":
            return Text(*_code_and_msg(not_required(name)))
        case "too_precise":
            return Text(-1111, f"Parameter '{name}' has too much precision.")
    return Text(*_code_and_msg(illegal(name, _DECIMAL)))


def _code_and_msg(known: BinanceError) -> tuple[int, str]:
    return known.code, known.msg
