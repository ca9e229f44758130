"""A person is one, whichever account a header names: no request is another one by that."""

from types import SimpleNamespace
from typing import Any

import pytest

from bursa.back_office.desk import deed_of
from bursa.back_office.roles import Action, Role
from bursa.back_office.staff import Admission
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod, acting_for
from bursa.kernel.identifiers import AccountId, TenantId

NOW_S = 1_800_000_000
MAIN = AccountId(TenantId(1), 7)
PERSON = Principal(
    account=MAIN,
    user="anna",
    scopes=USER_SCOPES,
    method=SignInMethod.USER_POOL,
    expires_at=NOW_S + 600,
    signed_in_at=NOW_S,
    role=Role.FINANCE,
)
ENVELOPE: Any = SimpleNamespace(key="k", request_id="r", reason="why", address="198.51.100.7")


def admitted(principal: Principal) -> Any:
    factors: Any = SimpleNamespace(find=lambda *_: SimpleNamespace(since_ms=1))
    nothing: Any = SimpleNamespace()
    clock: Any = SimpleNamespace(now_ms=lambda: NOW_S * 1_000)
    admission: Any = Admission(factors, nothing, clock)
    return admission(principal, Action.CREDIT)


@pytest.mark.parametrize("seat", [1, 2, 20])
def test_a_request_is_the_same_one_whichever_account_it_names(seat: int) -> None:
    """Otherwise an approved credit would be made once for each account that a header can name."""
    other = acting_for(PERSON, str(MAIN.sub_account(seat)))
    assert other.account != MAIN

    deeds = [
        deed_of(admitted(one), Action.CREDIT, "user:x", {}, ENVELOPE) for one in (PERSON, other)
    ]

    assert deeds[0] == deeds[1]
    assert admitted(other) == admitted(PERSON)
