"""A user's own limits: what is kept of them, what is in force, and which nobody may have."""

from typing import Any

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import (
    NO_OWN_LIMITS,
    AccountLimits,
    account_limits_as_text,
    account_limits_from,
    check_account_limits,
    limits_with_own,
)
from bursa.tenants.limits import DEFAULT_LIMITS

MARKET_MAKER = AccountLimits(
    commands=Rate(500, 2_000),
    cancels=Rate(900, 4_000),
    reads=Rate(100, 1_000),
    connections=50,
    subscriptions=2_000,
)


@pytest.mark.parametrize(
    "own",
    [
        NO_OWN_LIMITS,
        MARKET_MAKER,
        AccountLimits(commands=Rate(1, 50)),
        AccountLimits(subscriptions=1),
    ],
)
def test_what_is_kept_is_read_again(own: AccountLimits) -> None:
    assert account_limits_from(account_limits_as_text(own)) == own


def test_none_is_kept_as_nothing_and_a_name_of_a_later_version_is_left_out() -> None:
    assert not account_limits_as_text(NO_OWN_LIMITS)
    assert account_limits_from('{"connections":3,"of_later":[1]}') == AccountLimits(connections=3)


def test_what_is_not_set_is_the_tenants() -> None:
    assert limits_with_own(DEFAULT_LIMITS, NO_OWN_LIMITS) == DEFAULT_LIMITS
    found = limits_with_own(DEFAULT_LIMITS, AccountLimits(reads=Rate(1, 60), connections=2))
    expected = DEFAULT_LIMITS._replace(account_reads=Rate(1, 60), account_connections=2)
    assert found == expected


def test_all_are_in_force_and_the_tenants_own_totals_stay() -> None:
    found = limits_with_own(DEFAULT_LIMITS, MARKET_MAKER)._asdict()
    assert {name: found.pop(f"account_{name}") for name in AccountLimits._fields} == (
        MARKET_MAKER._asdict()
    )
    assert found.items() <= DEFAULT_LIMITS._asdict().items()


def test_no_account_may_use_more_than_its_tenant_has_by_now() -> None:
    smaller = DEFAULT_LIMITS._replace(
        tenant_commands=Rate(80, 5_000), tenant_cancels=Rate(2_000, 100), tenant_connections=7
    )
    found = limits_with_own(smaller, MARKET_MAKER)
    assert found.account_commands == Rate(80, 2_000)
    assert found.account_cancels == Rate(900, 100)
    assert found.account_connections == 7
    assert found.account_reads == Rate(100, 1_000)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"commands": Rate(0, 100)}, "invalid_limits", "commands"),
        ({"cancels": Rate(5, 49)}, "invalid_limits", "cancels"),
        ({"connections": 0}, "invalid_limits", "connections"),
        ({"subscriptions": 100_001}, "invalid_limits", "subscriptions"),
        ({"commands": Rate(1_001, 100)}, "limits_above_tenants", "commands"),
        ({"cancels": Rate(10, 10_001)}, "limits_above_tenants", "cancels"),
        ({"reads": Rate(2_001, 60)}, "limits_above_tenants", "reads"),
        ({"connections": 5_001}, "limits_above_tenants", "connections"),
    ],
    ids=str,
)
def test_limits_that_nobody_may_have(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_account_limits(MARKET_MAKER._replace(**change), DEFAULT_LIMITS)
    assert (error.value.code, error.value.field) == (code, field)
    assert not error.value.detail.startswith("account_")


def test_as_much_as_the_tenant_has_is_taken() -> None:
    check_account_limits(MARKET_MAKER, DEFAULT_LIMITS)
    whole = AccountLimits(
        DEFAULT_LIMITS.tenant_commands, DEFAULT_LIMITS.tenant_cancels, DEFAULT_LIMITS.tenant_reads
    )
    check_account_limits(whole, DEFAULT_LIMITS)
    check_account_limits(NO_OWN_LIMITS, DEFAULT_LIMITS)
