"""Transfers, as the accounts on both sides see them: money that moved other than by a trade.

Rows of the table of fills, in a partition of their own for each account. Together with its fills
they are all that ever changes what an account has, so a statement can be made of them to the unit.
"""

from collections.abc import Callable

import msgspec

from bursa.kernel.amounts import Units
from bursa.kernel.identifiers import CommandId
from wire import events as e
from wire import layout as w


class TransferRow(msgspec.Struct, frozen=True):
    """One account's side of a transfer; never changes.

    Attributes
    ----------
    kind
        ``credit``, ``debit``, ``capture``, ``transfer``, ``fee``.
    direction
        ``in`` or ``out``, as this account sees it.
    counter_account
        The account at the other side; None where it is outside the exchange.
    reference
        What its sender calls it, 32 hexadecimal digits.

    """

    account: str
    kind: str
    direction: str
    asset: str
    amount: Units
    reference: str
    time_ms: int
    sequence: int
    counter_account: str | None = None


def rows_of_transfer(
    event: e.Transfer, asset: str, time_ms: int, account_of: Callable[[int], str]
) -> list[TransferRow]:
    """Return the rows of a transfer: of its account, and of the one that received it."""
    sides = [(event.account, event.counter_account, "out")]
    if event.kind == w.TRANSFER_KIND_CREDIT:
        sides = [(event.account, 0, "in")]
    elif event.counter_account:
        sides.append((event.counter_account, event.account, "in"))
    return [
        TransferRow(
            account_of(account),
            w.TRANSFER_KIND_NAMES[event.kind],
            direction,
            asset,
            Units(event.amount),
            CommandId(event.reference_high, event.reference_low).hex(),
            time_ms,
            event.sequence,
            account_of(other) if other else None,
        )
        for account, other, direction in sides
    ]
