"""A tenant's limits: bounds, and what is stored of them."""

from typing import Any

import pytest

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate
from bursa.tenants.limits import (
    BURST_MIN,
    DEFAULT_LIMITS,
    check_limits,
    limits_as_stored,
    limits_from,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("account_commands", Rate(0, 100), id="no rate"),
        pytest.param("account_commands", Rate(-5, 100), id="negative"),
        pytest.param("account_commands", Rate(50, BURST_MIN - 1), id="no room for a batch"),
        pytest.param("tenant_cancels", Rate(100_001, 100), id="rate too large"),
        pytest.param("account_reads", Rate(1, 1_000_001), id="burst too large"),
        pytest.param("account_connections", 0, id="no connection"),
        pytest.param("tenant_connections", 100_001, id="too many connections"),
        pytest.param("connection_messages", Rate(1, 0), id="no message"),
        pytest.param("tenant_accounts", 10_000_001, id="too many accounts"),
    ],
)
def test_limits_out_of_bounds_are_refused_and_read_as_the_nearest(field: str, value: Any) -> None:
    wrong = DEFAULT_LIMITS._replace(**{field: value})
    with pytest.raises(InvalidInput) as error:
        check_limits(wrong)
    assert (error.value.code, error.value.field) == ("invalid_limits", field)
    check_limits(limits_from(limits_as_stored(wrong)))


def test_the_defaults_are_within_bounds_and_are_not_stored() -> None:
    check_limits(DEFAULT_LIMITS)
    assert limits_as_stored(DEFAULT_LIMITS) == {}
    assert limits_from({}) == DEFAULT_LIMITS


def test_a_tenant_whose_accounts_are_used_up_can_be_given_more() -> None:
    """Or else who has as many mailboxes as the default closes its sign-up for good."""
    raised = DEFAULT_LIMITS._replace(tenant_accounts=100 * DEFAULT_LIMITS.tenant_accounts)
    check_limits(raised)
    assert limits_from(limits_as_stored(raised)) == raised


def test_what_is_stored_is_read_again() -> None:
    limits = DEFAULT_LIMITS._replace(account_commands=Rate(7, 70), account_connections=3)
    assert limits_from(limits_as_stored(limits)) == limits


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param({"no_such_limit": (1, 2)}, id="unknown name"),
        pytest.param({"account_commands": (5,)}, id="too few numbers"),
        pytest.param({"account_connections": (5, 6)}, id="too many numbers"),
        pytest.param({"account_commands": ()}, id="no number"),
    ],
)
def test_a_damaged_row_has_the_defaults(stored: dict[str, tuple[int, ...]]) -> None:
    assert limits_from(stored) == DEFAULT_LIMITS


def test_the_smallest_budget_has_room_for_the_largest_batch() -> None:
    assert BURST_MIN == COMMANDS_PER_MESSAGE_MAX
