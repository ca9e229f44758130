"""Deposits and withdrawals under crashes, lost responses, reorganisations and two workers at once.

Each seed is a schedule over the real state machines, the reference engine and a chain in memory. In
all of them a withdrawal has one digest and is paid once at most, a deposit is credited once, and
ledger and chain agree to the unit at the end.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bursa.wallets.claims import Claims
from bursa.wallets.deposits import Deposit
from bursa.wallets.ledger import Asked
from bursa.wallets.withdrawal_progress import WithdrawalProgress
from bursa.wallets.withdrawal_states import WITHDRAWAL_TABLE, WithdrawalState, WithdrawalStep
from tests.doubles.wallet_records import MemorySignings
from tests.simulation.wallet_schedules import run

SEEDS, SEEDS_LONG, SEEDS_OF_MUTANT = 200, 10_000, 400


def test_money_is_neither_made_nor_lost() -> None:
    deposits: Counter[str] = Counter()
    withdrawals: Counter[str] = Counter()
    for seed in range(SEEDS):
        ended = run(seed)
        deposits += ended.deposits
        withdrawals += ended.withdrawals
    # Every end that a schedule can come to is among them.
    assert {"final", "below_minimum", "unpended", "replaced", "reversed"} <= deposits.keys()
    assert withdrawals.keys() == {"final", "failed", "refused"}


@pytest.mark.long
def test_money_is_neither_made_nor_lost_in_ten_thousand_schedules() -> None:
    run_all(SEEDS_LONG)


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert [run(seed) for seed in range(20)] == [run(seed) for seed in range(20)]


def run_all(seeds: int) -> None:
    for seed in range(seeds):
        run(seed)


def unconditional(self: Any, row: Any, key: Any) -> Any:
    self.rows[key] = replace(row, version=row.version + 1)
    return self.rows[key]


def sign_again(patch: pytest.MonkeyPatch) -> None:
    """What was signed is written over by who comes second."""
    patch.setattr(
        MemorySignings, "save", lambda self, one: unconditional(self, one, (one.account, one.name))
    )


def credit_by_version(patch: pytest.MonkeyPatch) -> None:
    """A credit has another name each time that it is asked for."""
    calls = iter(range(10**9))
    name = property(lambda one: Asked(f"{one.id.text}/{next(calls)}", one.asked_at_ms))
    patch.setattr(Deposit, "credit", name)


def fail_what_is_unknown(patch: pytest.MonkeyPatch) -> None:
    """No response to a broadcast is taken for a failure."""
    unknown = WithdrawalState.UNKNOWN
    step = lambda _self, one, _network: one.after(WithdrawalStep.FAIL, reason="lost")  # noqa: E731
    patch.setattr(WithdrawalProgress, "_unknown", step)
    assert WITHDRAWAL_TABLE.allows(unknown, WithdrawalStep.FAIL)


def look_away_when_done(patch: pytest.MonkeyPatch) -> None:
    """What has some confirmations is no longer watched, and lost with its block."""
    patch.setattr(
        WithdrawalProgress, "_done", lambda _self, one, _network: one.after(WithdrawalStep.FINISH)
    )


def give_nonces_twice(patch: pytest.MonkeyPatch) -> None:
    """A withdrawal is given another nonce each time that it asks."""
    nonce, calls = Claims.nonce, iter(range(10**9))

    def again(self: Claims, tenant: Any, chain: str, sender: str, name: str) -> int:
        return nonce(self, tenant, chain, sender, f"{name}/{next(calls)}")

    patch.setattr(Claims, "nonce", again)


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    sign_again,
    credit_by_version,
    fail_what_is_unknown,
    look_away_when_done,
    give_nonces_twice,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_fault_in_the_rules_is_found(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        run_all(SEEDS_OF_MUTANT)
