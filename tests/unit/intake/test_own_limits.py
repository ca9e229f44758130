"""Budgets of accounts with limits of their own: the callers' sign-ins say them."""

import pytest

from bursa.intake.budgets import Budget, Charge
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits
from tests.unit.intake.test_budgets import ALICE, BOB, CAROL, LIMITS, Fleet

ONE = Charge(Budget.COMMANDS, 1)
FLOOD = 2_000


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(busy={ALICE, BOB, CAROL})


def test_an_account_has_as_many_as_its_own_limit_says_and_others_have_the_tenants(
    fleet: Fleet,
) -> None:
    budgets = fleet.container()
    budgets.know(ALICE, AccountLimits(commands=Rate(100, 700)))
    budgets.know(BOB, NO_OWN_LIMITS)
    budgets.know(CAROL, AccountLimits(commands=Rate(1, 60)))

    admitted = [fleet.admitted(budgets, one, ONE, FLOOD) for one in (ALICE, BOB, CAROL)]
    assert admitted == [700, LIMITS.account_commands.burst, 60]
    assert budgets.state(ALICE, Budget.COMMANDS).limit == 700


def test_a_limit_of_one_kind_changes_no_other(fleet: Fleet) -> None:
    budgets = fleet.container()
    budgets.know(ALICE, AccountLimits(cancels=Rate(1, 60)))
    assert fleet.admitted(budgets, ALICE, ONE, FLOOD) == LIMITS.account_commands.burst


def test_a_limit_that_is_taken_back_is_over_at_the_next_request(fleet: Fleet) -> None:
    budgets = fleet.container()
    budgets.know(ALICE, AccountLimits(commands=Rate(1, 60)))
    assert fleet.admitted(budgets, ALICE, ONE, FLOOD) == 60
    fleet.clock.time_ms += 60_000

    budgets.know(ALICE, NO_OWN_LIMITS)
    assert fleet.admitted(budgets, ALICE, ONE, FLOOD) == LIMITS.account_commands.burst


def test_containers_share_what_the_own_limit_allows(fleet: Fleet) -> None:
    first, second = fleet.container(), fleet.container()
    for budgets in (first, second):
        budgets.know(ALICE, AccountLimits(commands=Rate(100, 700)))
    admitted = fleet.admitted(first, ALICE, ONE, 400) + fleet.admitted(second, ALICE, ONE, FLOOD)
    assert admitted == 700


def test_a_limit_above_the_tenants_goes_as_far_as_that(fleet: Fleet) -> None:
    fleet.limits = LIMITS._replace(tenant_commands=Rate(60, 300))
    budgets = fleet.container()
    budgets.know(ALICE, AccountLimits(commands=Rate(900, 900)))
    assert budgets.state(ALICE, Budget.COMMANDS).limit == 300
