"""The tables of the states: what they allow, and that the document has them as they are."""

from typing import Any

import pytest

from bursa.kernel.errors import Conflict
from bursa.wallets.deposit_states import DEPOSIT_ENDS, DEPOSIT_TABLE, DepositState, DepositStep
from bursa.wallets.state_table import Row, StateTable
from bursa.wallets.withdrawal_states import (
    CANCELLABLE,
    WITHDRAWAL_ENDS,
    WITHDRAWAL_TABLE,
    WithdrawalState,
    WithdrawalStep,
)
from scripts.wallet_states import PAGE, with_tables

MACHINES: list[tuple[Any, Any, Any, Any]] = [
    (DEPOSIT_TABLE, DepositState, DepositStep, DEPOSIT_ENDS),
    (WITHDRAWAL_TABLE, WithdrawalState, WithdrawalStep, WITHDRAWAL_ENDS),
]


def test_the_document_has_the_tables_as_they_are() -> None:
    page = PAGE.read_text()
    assert with_tables(page) == page
    with pytest.raises(ValueError, match="no marks"):
        with_tables("nothing")


@pytest.mark.parametrize(("table", "states", "steps", "ends"), MACHINES)
def test_every_state_is_reached_and_left_unless_it_is_an_end(
    table: Any, states: Any, steps: Any, ends: Any
) -> None:
    pairs = table.pairs()
    left = {state for state, _ in pairs}
    first = next(iter(states))
    assert left == set(states) - set(ends)
    assert {first, *pairs.values()} == set(states)
    assert {step for _, step in pairs} == set(steps)


@pytest.mark.parametrize(("table", "states", "steps", "ends"), MACHINES)
def test_what_the_table_does_not_have_is_a_conflict(
    table: Any, states: Any, steps: Any, ends: Any
) -> None:
    for state in states:
        for step in steps:
            if table.allows(state, step):
                continue
            with pytest.raises(Conflict) as error:
                table.after(state, step)
            assert error.value.code == "wrong_state"


def test_a_signature_ends_what_may_be_cancelled() -> None:
    after: set[WithdrawalState] = {WithdrawalState.SIGNING}
    pairs = WITHDRAWAL_TABLE.pairs()
    while more := {to for (state, _), to in pairs.items() if state in after} - after:
        after |= more
    assert not after & CANCELLABLE


def test_a_state_has_one_row_for_a_step() -> None:
    row = Row((DepositState.SEEN,), DepositStep.DROP, DepositState.HELD, "twice")
    with pytest.raises(ValueError, match="two rows"):
        StateTable([row, row])
