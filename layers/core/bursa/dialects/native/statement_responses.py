"""Statements of accounts, as they are sent. Amounts are decimals, times UTC milliseconds."""

from typing_extensions import TypedDict


class StatementMovement(TypedDict):
    """What changed a balance, and what there was after it; negative for what left the account.

    kind is trade, trade_fee, credit, debit, capture (of a hold, for a withdrawal), transfer or fee;
    reference is a trade's id, or the name of a transfer in the books of who asked for it.
    """

    time_ms: int
    kind: str
    amount: str
    balance: str
    reference: str | None
    market: str | None
    counter_account: str | None


class StatementOfAsset(TypedDict):
    """An asset: opening and all movements are closing, to the last digit."""

    asset: str
    opening: str
    closing: str
    movements: list[StatementMovement]


class StatementOfAccount(TypedDict):
    """A statement, from a time until before another, by the exchange's own clock.

    final is false while something may still be added: ask again in a moment.
    """

    account: str
    from_ms: int
    to_ms: int
    final: bool
    assets: list[StatementOfAsset]
