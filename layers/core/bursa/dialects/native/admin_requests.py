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


class MoneyRequest(_AdminRequest):
    """Money to credit or to debit."""

    asset: Annotated[str, Field(description="Such as USDT", examples=["USDT"])]
    amount: Amount


class FeesRequest(_AdminRequest):
    """The fees that accounts have by default, in parts per million; a maker's may be negative."""

    maker_ppm: int
    taker_ppm: int


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
