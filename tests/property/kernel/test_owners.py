"""Whose an account is: the same for everybody who reads it from a number, and nobody else's."""

from hypothesis import given
from hypothesis import strategies as st

from bursa.kernel.identifiers import (
    ACCOUNT_INDEX_MAX,
    OWNER_INDEX_MAX,
    SUB_ACCOUNTS_MAX,
    TENANT_NUMBER_MAX,
    AccountId,
    TenantId,
)
from wire import layout as w

tenants = st.builds(TenantId, st.integers(1, TENANT_NUMBER_MAX))
mains = st.builds(AccountId, tenants, st.integers(1, OWNER_INDEX_MAX))
seats = st.integers(1, SUB_ACCOUNTS_MAX)


@given(mains, seats)
def test_a_sub_account_is_its_owners_however_it_is_named(main: AccountId, seat: int) -> None:
    sub = main.sub_account(seat)
    assert (sub.owner, sub.seat, sub.is_users) == (main, seat, True)
    assert (main.owner, main.seat, main.is_users) == (main, 0, True)
    assert sub.sub_account(seat) == sub
    for same in (AccountId.parse(str(sub)), AccountId.from_number(sub.number)):
        assert same.owner == main
    assert sub.number & w.OWNER_INDEX_MAX == main.number & w.OWNER_INDEX_MAX == main.index


@given(mains, seats, mains, seats)
def test_two_owners_share_no_account(
    first: AccountId, seat: int, second: AccountId, other: int
) -> None:
    assert (first.sub_account(seat).owner == second.sub_account(other).owner) == (first == second)
    if first != second:
        assert first.sub_account(seat) != second.sub_account(other)


@given(st.builds(AccountId, tenants, st.integers(0, ACCOUNT_INDEX_MAX)))
def test_every_number_is_a_users_account_or_nobodys(account: AccountId) -> None:
    is_at_a_seat = 0 <= account.seat <= SUB_ACCOUNTS_MAX
    assert account.is_users == (is_at_a_seat and account.owner != account.tenant.fee_account)
    if account.is_users and account.seat:
        assert account.owner.sub_account(account.seat) == account
