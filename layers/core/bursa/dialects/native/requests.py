"""What clients send: the shapes of request bodies, before any market is looked at.

Strict: a number where a string belongs, an unknown field or a second value for the same key is
refused, because a client that means one thing and sends another should learn it at once.
"""

import re
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import CLIENT_ORDER_ID
from bursa.trading.commands import OPERATIONS_MAX

ORDER_ID = r"^[A-Za-z0-9_-]{32}$"

Side = Literal["buy", "sell"]
OrderType = Literal[
    "limit",
    "market",
    "stop_limit",
    "stop_market",
    "take_profit_limit",
    "take_profit_market",
    "trailing_stop_limit",
    "trailing_stop_market",
]
TimeInForce = Literal["gtc", "ioc", "fok", "gtd"]
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
DryRun = Annotated[
    bool, Field(description="true does nothing, and says what would become of it (200)")
]
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
        Field(
            description="Worst price, a multiple of the market's tick_size; market orders have"
            " none, other types that end in market may; trailing_stop_limit has this or"
            " limit_offset"
        ),
    ] = None
    quantity: Annotated[
        DecimalString | None,
        Field(description="Of the base asset, a multiple of the market's lot_size"),
    ] = None
    quote_amount: Annotated[
        DecimalString | None,
        Field(description="Market buys only, instead of quantity: how much to spend"),
    ] = None
    trigger_price: Annotated[
        DecimalString | None,
        Field(description="Stops and take-profits only: the price that the market must reach"),
    ] = None
    trail_amount: Annotated[
        DecimalString | None,
        Field(
            description="Trailing stops only, or trail_ppm: how far the trigger price stays behind"
            " the best price, in the quote asset, a multiple of the market's tick_size"
        ),
    ] = None
    trail_ppm: Annotated[
        int | None,
        Field(
            description="Trailing stops only, or trail_amount: the same in parts per million of"
            " the best price, 1 to 999999; rounded up to a whole tick",
            examples=[10_000],
        ),
    ] = None
    activation_price: Annotated[
        DecimalString | None,
        Field(
            description="Trailing stops only: follow the price once it has risen to this (a buy:"
            " fallen to it); at once without it"
        ),
    ] = None
    limit_offset: Annotated[
        DecimalString | None,
        Field(
            description="trailing_stop_limit only, instead of price: how far beyond the trigger"
            " price its limit is when it triggers"
        ),
    ] = None
    display_quantity: Annotated[
        DecimalString | None,
        Field(description="How much the book shows at a time; of orders that may wait in it"),
    ] = None
    time_in_force: Annotated[
        TimeInForce | None,
        Field(
            description="gtc by default; ioc or fok, ioc by default, for types that end in market"
        ),
    ] = None
    expires_at_ms: Annotated[
        int | None, Field(description="With gtd only: when the order ends, in UTC milliseconds")
    ] = None
    post_only: Annotated[
        bool, Field(description="Refuse the order instead of letting it take liquidity")
    ] = False
    self_trade_prevention: Annotated[
        SelfTradePrevention,
        Field(description="What happens where it would trade with an order of the same account"),
    ] = "cancel_maker"
    client_order_id: ClientOrderId | None = None


class PlaceRequest(OrderRequest):
    """An order to place, or only to look at."""

    dry_run: DryRun = False


class ChangeRequest(_Request):
    """What an open order is to have instead; what is left out stays as it is."""

    price: Annotated[DecimalString | None, Field(description="Another price")] = None
    quantity: Annotated[
        DecimalString | None,
        Field(description="All of it, what is filled included; of a replacement its own"),
    ] = None
    trigger_price: Annotated[
        DecimalString | None, Field(description="Only of a stop that still waits")
    ] = None
    display_quantity: Annotated[DecimalString | None, Field(description="Only of an iceberg")] = (
        None
    )
    trail_amount: Annotated[
        DecimalString | None, Field(description="Only of a trailing stop that still waits")
    ] = None
    trail_ppm: Annotated[
        int | None, Field(description="Only of a trailing stop that still waits")
    ] = None


class AmendRequest(ChangeRequest):
    """What an open order is to have instead, or to look at."""

    dry_run: DryRun = False


class ReplacementRequest(ChangeRequest):
    """An order in the place of an open one: like it, but for what is sent."""

    client_order_id: ClientOrderId | None = None


class ReplaceRequest(ReplacementRequest):
    """An order in the place of an open one, or only to look at."""

    dry_run: DryRun = False


class OrderListRequest(_Request):
    """Orders to place as a list, all or none: two, or an entry and its two exits."""

    type: Annotated[
        Literal["oco", "bracket"],
        Field(description="oco: one of two orders cancels the other; bracket: an entry and exits"),
    ]
    orders: Annotated[
        list[OrderRequest] | None,
        Field(
            description="Of oco: a limit order or take-profit, and a stop, of one market, side and"
            " quantity"
        ),
    ] = None
    entry: Annotated[
        OrderRequest | None, Field(description="Of bracket: the order that its exits wait for")
    ] = None
    exits: Annotated[
        list[OrderRequest] | None,
        Field(
            description="Of bracket: the same two as of oco, on the other side of the entry and of"
            " its quantity"
        ),
    ] = None
    dry_run: DryRun = False


class CancelAllAfterRequest(_Request):
    """When all your open orders end unless you send this again before."""

    timeout_ms: Annotated[
        int, Field(description="From now, a week at most; 0 ends the countdown", examples=[30_000])
    ]


class PlaceOperation(OrderRequest):
    """Place one order of a batch."""

    op: Literal["place"]


class CancelOperation(_Request):
    """Cancel one order of a batch, named by exactly one of its two ids."""

    op: Literal["cancel"]
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


class AmendOperation(ChangeRequest):
    """Change one open order, named by exactly one of its two ids."""

    op: Literal["amend"]
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


class ReplaceOperation(ReplacementRequest):
    """Cancel one open order, named by one of its two ids, and place another like it, or neither."""

    op: Literal["replace"]
    order_id: OrderId | None = None
    replaced_client_order_id: Annotated[
        ClientOrderId | None, Field(description="Your id of the order that is replaced")
    ] = None


Operation = Annotated[
    PlaceOperation | AmendOperation | ReplaceOperation | CancelOperation, Field(discriminator="op")
]


class BatchRequest(_Request):
    """Operations of one account, carried out in this order, each on its own."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=OPERATIONS_MAX)]
    dry_run: DryRun = False


Code = Annotated[str, Field(description="What the authenticator shows now", examples=["492039"])]


Password = Annotated[str, Field(min_length=1, max_length=256)]


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
        list[Literal["read", "trade", "transfer", "withdraw"]], Field(description="What it may do")
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


class NoticesReadRequest(_Request):
    """Up to when you have read your notices, UTC milliseconds: the told_at_ms of the newest.

    A time that is to come is now: nothing is read that is not there yet.
    """

    until_ms: int = Field(ge=0, le=(1 << 46) - 1)


class CodeRequest(_Request):
    """A code of the second factor."""

    code: Code


class AllowIdentityRequest(_Request):
    """A code of the second factor, of who has one."""

    code: Code | None = None


class PasswordRequest(_Request):
    """The password that is to be another, and the other."""

    password: Password
    new_password: Password


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
