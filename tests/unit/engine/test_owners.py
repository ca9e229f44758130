"""Accounts of one owner, which their numbers say, are one group for self-trade prevention."""

from typing import Any

import pytest

from tests.unit.engine.desk import ALICE, BASE, BOB, BUY, QUOTE, SELL, TENANT, Desk
from wire import layout as w
from wire.codec import encode_set_account

FIRST, SECOND = (w.account_number(TENANT, place << 24 | 1) for place in (1, 2))
PREVENTS: dict[str, Any] = {"stp": w.STP_CANCEL_TAKER, "stp_by_group": True}


def transfer(desk: Desk, sender: int, receiver: int, asset: int = QUOTE) -> None:
    accepted = desk.funds(w.COMMAND_TRANSFER, sender, asset, 10_000, to_account=receiver)
    assert accepted == "accepted"


def trades(desk: Desk, maker: int, taker: int, **flags: Any) -> bool:
    """Return whether the two trade; nothing is left of it."""
    resting = desk.place(maker, SELL, 100, 1)
    desk.place(taker, BUY, 100, 1, **flags)
    traded = bool(desk.trades)
    desk.cancel(maker, resting)
    return traded


PAIRS = {
    "the main account and a sub-account": (ALICE, FIRST),
    "a sub-account and the main account": (FIRST, ALICE),
    "two sub-accounts": (FIRST, SECOND),
}


@pytest.fixture
def family(desk: Desk) -> Desk:
    """Return a desk at which Alice has funded two sub-accounts."""
    for receiver in (FIRST, SECOND):
        for asset in (BASE, QUOTE):
            transfer(desk, ALICE, receiver, asset)
    return desk


@pytest.mark.parametrize("pair", PAIRS)
def test_they_do_not_trade_with_each_other(family: Desk, pair: str) -> None:
    maker, taker = PAIRS[pair]
    assert not trades(family, maker, taker, **PREVENTS)
    assert trades(family, BOB, taker, **PREVENTS)
    # Prevention is the order's own choice, as it is within one account.
    assert trades(family, maker, taker, stp=w.STP_CANCEL_TAKER)
    assert trades(family, maker, taker)


def test_only_a_transfer_between_them_makes_them_one(desk: Desk) -> None:
    transfer(desk, ALICE, BOB)
    desk.funds(w.COMMAND_CREDIT, FIRST, QUOTE, 30_000)
    assert trades(desk, ALICE, FIRST, **PREVENTS)
    assert trades(desk, ALICE, BOB, **PREVENTS)
    transfer(desk, FIRST, ALICE)
    assert not trades(desk, ALICE, FIRST, **PREVENTS)


@pytest.mark.parametrize("account", [ALICE, FIRST])
def test_freezing_and_letting_go_again_leaves_them_one(family: Desk, account: int) -> None:
    for state in (w.ACCOUNT_STATE_FROZEN, w.ACCOUNT_STATE_ACTIVE):
        family.send(encode_set_account(account, state=state))
    assert not trades(family, ALICE, FIRST, **PREVENTS)
    assert not trades(family, FIRST, ALICE, **PREVENTS)


def test_another_group_is_kept_and_may_be_left(family: Desk) -> None:
    family.send(encode_set_account(FIRST, stp_group=77))
    transfer(family, ALICE, FIRST)
    assert trades(family, ALICE, FIRST, **PREVENTS)
    family.send(encode_set_account(FIRST))
    transfer(family, ALICE, FIRST)
    assert not trades(family, ALICE, FIRST, **PREVENTS)
