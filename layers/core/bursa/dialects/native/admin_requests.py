"""What a tenant's back office sends: the shapes of its bodies. Each says why."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Reason = Annotated[
    str,
    Field(
        description="Why, in one line of up to 300 characters; it is kept in the audit log",
        examples=["Asked for by the user, ticket 4711"],
    ),
]


class _AdminRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: Reason


class ReasonRequest(_AdminRequest):
    """A change that needs no more than its reason."""


class MarketStateRequest(_AdminRequest):
    """Which orders a market is to take."""

    state: Literal["open", "post_only", "cancel_only", "halted", "auction"]


Amount = Annotated[str, Field(description="Plain decimal string", examples=["12.50"])]


# As the engine has it (`wire.layout.FEE_PPM_MAX`): a tenth.
Rate = Annotated[int, Field(ge=-100_000, le=100_000)]


class MoneyRequest(_AdminRequest):
    """Money to credit or to debit."""

    asset: Annotated[str, Field(description="Such as USDT", examples=["USDT"])]
    amount: Amount


AccountName = Annotated[
    str | None,
    Field(description="One of the user's sub-accounts; the main account unless it is sent"),
]


class DebitRequest(MoneyRequest):
    """Money to debit, from the main account or a sub-account."""

    account: AccountName = None


class FeesRequest(_AdminRequest):
    """The fees that accounts have by default, in parts per million; a maker's may be negative."""

    maker_ppm: Rate
    taker_ppm: Rate


class FeeTierPart(BaseModel):
    """A fee tier: from which volume in thirty days on, and its rates."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    volume: Annotated[str, Field(description="Plain decimal string", examples=["100000"])]
    maker_ppm: Rate
    taker_ppm: Rate


class FeeTiersRequest(_AdminRequest):
    """All fee tiers together, from the default one, whose volume is 0, to the highest."""

    currency: Annotated[str, Field(description="Asset that volumes are counted in")]
    tiers: list[FeeTierPart]


class PinnedTierRequest(_AdminRequest):
    """The fee tier that a user is to have whatever it trades; null for what its volume says."""

    tier: Annotated[int, Field(ge=0, le=15)] | None


class RatePart(BaseModel):
    """How many a second, and how many at once."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    per_s: Annotated[int, Field(ge=1, le=100_000)]
    burst: Annotated[int, Field(ge=50, le=1_000_000)]


OwnRate = Annotated[RatePart | None, Field(description="null for what the tenant's users have")]
OwnCount = Annotated[int | None, Field(ge=1, le=100_000, description="null for the same")]


class AccountLimitsRequest(_AdminRequest):
    """All limits of a user's own, together; none may be above the whole tenant's."""

    commands: OwnRate
    cancels: OwnRate
    reads: OwnRate
    connections: OwnCount
    subscriptions: OwnCount


Share = Annotated[
    int, Field(ge=0, le=4_000_000, description="Parts per million of the reference; 0 for none")
]
_DAY_MS = 86_400_000


class MarketLimitsRequest(_AdminRequest):
    """All limits of a market, together: what is 0 is no limit (docs/engine.md)."""

    min_notional: Annotated[str, Field(description="Least value of an order", examples=["10"])]
    max_quantity: Annotated[str, Field(description="Of an order", examples=["0"])]
    max_price: Annotated[str, Field(description="Of an order", examples=["0"])]
    collar_ppm: Annotated[Share, Field(description="A limit order's price, on its costly side")]
    market_collar_ppm: Annotated[Share, Field(description="How far a market order trades")]
    breaker_ppm: Annotated[Share, Field(description="A trade further away starts an auction")]
    reference_interval_ms: Annotated[
        int, Field(ge=0, le=_DAY_MS, description="The reference price is the average of so long")
    ]
    least_orders: Annotated[
        int, Field(ge=0, le=1_000_000, description="And of trades worth so many least orders")
    ]
    auction_ms: Annotated[int, Field(ge=0, le=_DAY_MS, description="How long an auction lasts")]


Scale = Annotated[
    int | None,
    Field(ge=0, le=18, description="Decimal places of the asset; may be null for a known one"),
]


class NewMarketRequest(MarketLimitsRequest):
    """A market with all its limits; its path names it, as in BTC-USDT."""

    tick_size: Annotated[str, Field(description="For good", examples=["0.01"])]
    lot_size: Annotated[str, Field(description="For good", examples=["0.0001"])]
    base_scale: Scale = None
    quote_scale: Scale = None
    opening_price: Annotated[
        str | None,
        Field(description="Around which its first orders may be; null without collars and breaker"),
    ]
    state: Literal["open", "post_only", "halted"]


class RoleRequest(_AdminRequest):
    """What a user is to be in the back office; null for nothing."""

    role: Literal["owner", "compliance", "finance", "support", "auditor", "regulator"] | None
    until_ms: Annotated[
        int | None, Field(description="For a regulator: until when, 92 days at most")
    ] = None


class FourEyesRequest(_AdminRequest):
    """Up to which amount of an asset one person may credit and debit alone; 0 for none."""

    amount: Amount


class ApprovalRequest(_AdminRequest):
    """The approval of a proposal: its digest says which one, to the last letter."""

    digest: str
    code: Annotated[
        str, Field(description="What your authenticator shows now: six digits, good once")
    ]
