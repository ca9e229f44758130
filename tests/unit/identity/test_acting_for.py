"""Which account a request is about: one of the caller's own, and none with an API key."""

from dataclasses import replace

import pytest

from bursa.identity.principal import Principal, Scope, SignInMethod, acting_for
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId

MAIN = AccountId.parse("t1-7")
ALICE = Principal(
    MAIN, "alice", frozenset(Scope), SignInMethod.USER_POOL, 4_102_444_800, 1_795_291_100, level=2
)
SUB = "t1-16777223"


@pytest.mark.parametrize("named", [SUB, "t1-335544327", "t1-7"])
def test_a_user_acts_for_its_own_accounts(named: str) -> None:
    acting = acting_for(ALICE, named)
    assert acting == replace(ALICE, account=AccountId.parse(named))
    # From one of them to any other: what a WebSocket's ticket was for changes nothing.
    assert acting_for(acting, str(MAIN)) == ALICE


def test_without_a_name_it_is_the_credentials_account() -> None:
    assert acting_for(ALICE, None) is ALICE
    key = replace(ALICE, account=AccountId.parse(SUB), key=f"{SUB}.abc")
    assert acting_for(key, None) is key


@pytest.mark.parametrize(
    "named",
    [
        *("t1-8", "t1-16777224", "t2-7", "t2-16777223", "t1-0", "t1-16777216", "t1-352321543"),
        *(
            "",
            "t1-07",
            "t1-7 ",
            "T1-7",
            "t1-\uff17",
            "t1",
            "7",
            "t1-7,t1-8",
            "t1-99999999999",
            "x" * 500,
        ),
    ],
)
def test_anything_else_is_unknown(named: str) -> None:
    with pytest.raises(BursaError) as refused:
        acting_for(ALICE, named)
    assert refused.value.code == "unknown_account"
    assert named[:20] not in refused.value.detail or not named


@pytest.mark.parametrize("named", [SUB, "t1-7", "t2-7", ""])
def test_a_key_is_for_one_account(named: str) -> None:
    with pytest.raises(BursaError) as refused:
        acting_for(replace(ALICE, key="t1-7.abc"), named)
    assert refused.value.code == "account_of_key"
