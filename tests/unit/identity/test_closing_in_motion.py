"""Closing an account while something moves between the user's accounts."""

from types import SimpleNamespace
from typing import Any

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.identity.account_closing import AccountClosing, ClosingTools
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.identity.users import User
from bursa.kernel.errors import Refused
from bursa.kernel.identifiers import AccountId, TenantId
from tests.doubles.factors import AnyCode

MAIN = AccountId(TenantId(1), 3)
ONE, TWO = MAIN.sub_account(1), MAIN.sub_account(2)
CAROL = Principal(MAIN, "carol", USER_SCOPES, SignInMethod.USER_POOL, 1 << 40, 1)


class World:
    """A user with two closed sub-accounts, and a transfer that lands after some reads."""

    def __init__(self, sender: AccountId, receiver: AccountId, lands_after: int) -> None:
        self.has = {MAIN: 0, ONE: 0, TWO: 0} | {sender: 7}
        self.sender, self.receiver, self.lands_after = sender, receiver, lands_after
        self.reads = 0
        self.closed_at_ms = 0

    def all(self, account: AccountId) -> Any:
        found = [SimpleNamespace(asset="BTC", available=self.has[account], held=0)]
        self.reads += 1
        if self.reads == self.lands_after:
            self.land()
        return found

    def land(self) -> None:
        self.has[self.receiver] += self.has[self.sender]
        self.has[self.sender] = 0

    def read(self, _owner: AccountId) -> SubAccountList:
        return SubAccountList({one.seat: SubAccount(one, "x", 1, 2) for one in (ONE, TWO)}, 1)

    def known_user(self, _tenant: TenantId, _subject: str) -> User:
        return User(str(MAIN), closed_at_ms=self.closed_at_ms)

    def close_user(self, _tenant: TenantId, _subject: str, at_ms: int) -> None:
        self.closed_at_ms = at_ms

    def close(self) -> int:
        world: Any = self
        unused: Any = SimpleNamespace(
            of=lambda _: (),
            record=lambda _: None,
            close_connections=lambda *_: 0,
            empty=lambda *_: None,
        )
        tools = ClosingTools(world, world, world, AnyCode(), unused, unused, unused, unused)
        return AccountClosing(tools, SimpleNamespace(now_ms=lambda: 9))(CAROL, "123456", "")


@pytest.mark.parametrize("lands_after", range(1, 7))
@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(MAIN, ONE), (MAIN, TWO), (ONE, MAIN), (TWO, MAIN), (ONE, TWO), (TWO, ONE)],
    ids=str,
)
def test_what_moves_meanwhile_is_seen(
    sender: AccountId, receiver: AccountId, lands_after: int
) -> None:
    world = World(sender, receiver, lands_after)
    with pytest.raises(Refused) as refused:
        world.close()
    assert refused.value.code in {"balances_left", "sub_accounts_left"}
    assert not world.closed_at_ms


def test_with_nothing_anywhere_it_is_closed() -> None:
    world = World(MAIN, ONE, 0)
    world.has = dict.fromkeys(world.has, 0)
    assert world.close() == 9
