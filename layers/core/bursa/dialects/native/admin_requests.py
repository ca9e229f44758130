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
