"""What clients send and get about sub-accounts and transfers between a user's accounts."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

AccountName = Annotated[
    str, Field(description="An account id, as GET /v1/me and GET /v1/sub-accounts give it")
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SubAccountRequest(_Request):
    """A sub-account to open, or its new label."""

    label: Annotated[str, Field(description="Your own name for it", examples=["grid bot"])]


class TransferRequest(_Request):
    """An amount that goes from one of your accounts to another."""

    sender: Annotated[AccountName, Field(alias="from")]
    receiver: Annotated[AccountName, Field(alias="to")]
    asset: Annotated[str, Field(examples=["USDT"])]
    amount: Annotated[str, Field(description="Plain decimal string", examples=["12.50"])]


class SubAccount(TypedDict):
    """One of your sub-accounts; closed_at_ms is null while it is open."""

    account: str
    label: str
    state: Literal["open", "closed"]
    opened_at_ms: int
    closed_at_ms: int | None


class SubAccountList(TypedDict):
    """All your sub-accounts; next_cursor is always null."""

    main_account: str
    items: list[SubAccount]
    next_cursor: str | None


class Transfer(TypedDict):
    """What came into the account or went out of it other than by a trade.

    The kind is credit, debit, capture, transfer or fee. The counter_account is null where it is no
    account of yours. The reference is the same at both accounts.
    """

    account: str
    kind: str
    direction: Literal["in", "out"]
    asset: str
    amount: str
    counter_account: str | None
    reference: str
    time_ms: int
    sequence: int


class TransferPage(TypedDict):
    """Transfers, newest first."""

    items: list[Transfer]
    next_cursor: str | None
