"""What clients send: the shapes of request bodies, before any market is looked at.

Strict: a number where a string belongs, an unknown field or a second value for the same key is
refused, because a client that means one thing and sends another should learn it at once.
"""

import re
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from bursa.kernel.amounts import INT64_MAX
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import CLIENT_ORDER_ID
from bursa.trading.commands import OPERATIONS_MAX

ORDER_ID = r"^[1-9][0-9]{0,18}$"

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
TimeInForce = Literal["gtc", "ioc", "fok"]
SelfTradePrevention = Literal["none", "cancel_taker", "cancel_maker", "cancel_both", "decrement"]
ClientOrderId = Annotated[
    str,
    Field(
        pattern=CLIENT_ORDER_ID,
        description="Your own id of the order: the same id again is the same order, never a second",
        examples=["my-order-1"],
    ),
]
OrderId = Annotated[str, Field(pattern=ORDER_ID, description="Our id of the order")]
DecimalString = Annotated[str, Field(description="Plain decimal string", examples=["12.50"])]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OrderRequest(_Request):
    """An order to place."""

    market: Annotated[str, Field(description="Such as BTC-USDT", examples=["BTC-USDT"])]
    side: Side
    type: OrderType = "limit"
    price: Annotated[
        DecimalString | None,
        Field(description="Limit orders only: worst price, a multiple of the market's tick_size"),
    ] = None
    quantity: Annotated[
        DecimalString | None,
        Field(description="Of the base asset, a multiple of the market's lot_size"),
    ] = None
    quote_amount: Annotated[
        DecimalString | None,
        Field(description="Market buys only, instead of quantity: how much to spend"),
    ] = None
    time_in_force: Annotated[
        TimeInForce | None,
        Field(description="gtc by default for limit orders; market orders are ioc or fok"),
    ] = None
    post_only: Annotated[
        bool, Field(description="Refuse the order instead of letting it take liquidity")
    ] = False
    self_trade_prevention: Annotated[
        SelfTradePrevention,
        Field(description="What happens where it would trade with an order of the same account"),
    ] = "cancel_maker"
    client_order_id: ClientOrderId | None = None


class PlaceOperation(OrderRequest):
    """Place one order of a batch."""

    op: Literal["place"]


class CancelOperation(_Request):
    """Cancel one order of a batch, named by exactly one of its two ids."""

    op: Literal["cancel"]
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


Operation = Annotated[PlaceOperation | CancelOperation, Field(discriminator="op")]


class BatchRequest(_Request):
    """Operations of one account, carried out in this order, each on its own."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=OPERATIONS_MAX)]


Code = Annotated[str, Field(description="What the authenticator shows now", examples=["492039"])]


class ApiKeyRate(_Request):
    """How many requests a key may send."""

    per_s: int
    burst: int


class ApiKeyRequest(_Request):
    """An API key to make."""

    label: Annotated[str, Field(description="Your own name for it", examples=["market maker"])]
    algorithm: Literal["ed25519", "hmac-sha256"]
    public_key: Annotated[
        str | None, Field(description="With ed25519: its 32 bytes (RFC 8032) in base64")
    ] = None
    scopes: Annotated[
        list[Literal["read", "trade", "withdraw"]], Field(description="What it may do")
    ]
    addresses: Annotated[
        list[str],
        Field(
            description="Networks (CIDR) that its requests may come from; empty for any",
            examples=[["198.51.100.7/32"]],
        ),
    ] = []
    expires_at_ms: Annotated[int | None, Field(description="When it ends; null for never")] = None
    rate: Annotated[
        ApiKeyRate | None, Field(description="Its own budget; null for the account's alone")
    ] = None
    code: Code


class PreferencesRequest(_Request):
    """What you prefer, whole: what is left out has its default again."""

    language: Annotated[
        str | None,
        Field(description="As BCP 47 has it; null for the client's own choice"),
    ] = None
    time_zone: Annotated[str, Field(description="As IANA names it")] = "UTC"
    mails_about: Annotated[
        list[Literal["fills", "transfers", "news"]],
        Field(description="What you want mails about, beside what protects you"),
    ] = ["transfers"]


class CodeRequest(_Request):
    """A code of the second factor."""

    code: Code


def read_order_id(text: str) -> int:
    """Return the order id in a path; raises `InvalidInput` ``invalid_order_id``."""
    if not re.fullmatch(ORDER_ID, text, re.ASCII) or int(text) > INT64_MAX:
        raise InvalidInput(
            "invalid_order_id", "Send order_id as we gave it: a string of digits.", field="order_id"
        )
    return int(text)


def read_client_order_id(text: str) -> str:
    """Return the client order id in a path; raises `InvalidInput` ``invalid_client_order_id``.

    Some clients send a colon as %3A, and not every gateway decodes a path; a percent sign is in no
    valid id, so decoding can't turn one id into another.
    """
    text = unquote(text)
    if not re.fullmatch(CLIENT_ORDER_ID, text, re.ASCII):
        raise InvalidInput(
            "invalid_client_order_id",
            "Send client_order_id as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field="client_order_id",
        )
    return text
