"""A deposit on its way: seen, pending, confirmed, credited once; and back by a reorganisation."""

from collections import Counter
from dataclasses import replace

import pytest

from bursa.kernel.errors import BursaError, InternalError
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import NATIVE, NonceClaim
from bursa.wallets.deposit_states import DepositState, DepositStep
from bursa.wallets.deposit_watch import BLOCKS_A_LOOK, BLOCKS_KEPT
from bursa.wallets.deposits import Deposit, DepositDecisions
from bursa.wallets.stops import ANY, Flow, Stop
from tests.doubles.wallet_chain import CHAIN
from tests.simulation.wallet_world import (
    FUNDED_UNITS,
    NETWORK,
    TENANT,
    UNIT,
    USERS,
    World,
)

ANNA, BENO = USERS
S = DepositState
OF_ANOTHER_TOKEN = replace(NETWORK, token="0xother")  # noqa: S106 - a contract's address
TO_ANNA, TO_BENO = "0xdeposit1", "0xdeposit2"


@pytest.fixture
def world() -> World:
    return World(1)


def mine(world: World, blocks: int = 1) -> None:
    for _ in range(blocks):
        world.chain.mine()
        world.look()


def states(world: World) -> Counter[str]:
    return Counter(one.state for one in world.deposits.rows.values())


def the_one(world: World) -> Deposit:
    (one,) = world.deposits.rows.values()
    return one


def units(world: World) -> tuple[int, int]:
    return tuple(world.intake.units(one)[0] - FUNDED_UNITS for one in USERS)  # type: ignore[return-value]


def test_each_output_is_credited_once_to_whom_it_pays(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT), (TO_BENO, 700 * UNIT), (TO_ANNA, 600 * UNIT))
    world.look()
    assert states(world) == {S.SEEN: 3}
    mine(world)
    assert states(world) == {S.PENDING: 3}
    assert units(world) == (0, 0)
    mine(world)
    assert states(world) == {S.CREDITED: 3}
    mine(world, 10)
    assert states(world) == {S.FINAL: 3}
    assert units(world) == (1_100, 700)


def test_more_blocks_for_more(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 10_000_000 * UNIT))
    mine(world, 3)
    assert states(world) == {S.PENDING: 1}
    mine(world)
    assert units(world) == (10_000_000, 0)


def test_what_is_small_is_shown_and_never_credited(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 50 * UNIT - 1))
    world.chain.pay("0xext", (TO_BENO, 50 * UNIT + 1))
    mine(world, 12)
    assert states(world) == {S.BELOW_MINIMUM: 1, S.FINAL: 1}
    assert units(world) == (0, 50)


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.networks.networks.clear(),
        lambda world: world.networks.networks.__setitem__(0, OF_ANOTHER_TOKEN),
    ],
    ids=["no network", "another token"],
)
def test_what_is_not_listed_is_nothing(world: World, change: object) -> None:
    change(world)  # type: ignore[operator]
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT), ("0xnobody", 500 * UNIT), (TO_ANNA, 0))
    mine(world, 3)
    assert not world.deposits.rows


def test_a_block_replaced_before_the_threshold_unpends_and_again_credits_once(
    world: World,
) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world)
    world.chain.reorganise(1)
    world.look()
    assert states(world) == {S.UNPENDED: 1}
    mine(world, 2)
    assert units(world) == (500, 0)
    assert the_one(world).round == 1


def test_a_double_spent_one_is_replaced_and_never_credited(world: World) -> None:
    name = world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    world.look()
    seen = world.chain.mempool.pop(name)
    other = replace(seen, id="other", outputs=(("0xelse", 500 * UNIT),))
    world.chain.mempool["other"] = other
    assert the_one(world).claim == NonceClaim("0xext", 0)
    mine(world, 3)
    assert states(world) == {S.REPLACED: 1}


def test_a_reorganisation_after_the_credit_takes_it_back_and_stops_withdrawals(
    world: World,
) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 2)
    assert units(world) == (500, 0)
    world.chain.reorganise(3, lambda _: False)
    world.look()
    assert states(world) == {S.REVERSED: 1}
    assert units(world) == (0, 0)
    assert world.told.told == ["reorganised"]
    assert world.stops.on(TENANT) == [Stop(Flow.WITHDRAWALS, ANY, CHAIN, ANY, "reorganisation")]
    mine(world, 2)
    assert units(world) == (500, 0)
    assert the_one(world).round == 2


def test_what_is_spent_meanwhile_freezes_the_account(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 2)
    world.request(ANNA, "one", TO_BENO, FUNDED_UNITS + 500)
    world.stops.clear(Stop(Flow.WITHDRAWALS, ANY, CHAIN, ANY, ""))
    one = next(iter(world.withdrawals.rows.values()))
    world.payer(replace(one, approvals_needed=0))
    assert units(world) == (-FUNDED_UNITS, FUNDED_UNITS + 500)
    world.chain.reorganise(3, lambda _: True)
    world.look()
    assert states(world) == {S.ACCOUNT_HELD: 1}
    assert world.intake.engine.state.accounts[ANNA.number].state == 1


def test_in_another_block_right_away_nothing_is_taken_back(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 2)
    world.chain.reorganise(3)
    world.chain.mine()
    world.look()
    assert states(world) == {S.CREDITED: 1}
    mine(world, 9)
    assert states(world) == {S.FINAL: 1}
    assert units(world) == (500, 0)


def test_a_hit_of_the_screening_waits_for_a_person(world: World) -> None:
    decisions = DepositDecisions(world.deposits)
    world.told.found = "sanctioned"
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 4)
    assert (the_one(world).state, the_one(world).reason) == (S.HELD, "sanctioned")
    decisions.accept(the_one(world), "ben")
    world.look()
    assert units(world) == (500, 0)
    world.chain.pay("0xext", (TO_BENO, 500 * UNIT))
    mine(world, 4)
    (held,) = [one for one in world.deposits.rows.values() if one.state is S.HELD]
    rejected = decisions.reject(held, "sanctioned")
    mine(world, 12)
    assert world.deposits.find(BENO, held.id) == rejected
    assert units(world) == (500, 0)
    with pytest.raises(BursaError) as error:
        decisions.accept(rejected, "ben")
    assert error.value.code == "wrong_state"


def test_an_accepted_one_is_credited_only_if_the_chain_still_has_it(world: World) -> None:
    world.told.found = "sanctioned"
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 4)
    DepositDecisions(world.deposits).accept(the_one(world), "ben")
    world.chain.reorganise(5, lambda _: True)
    world.look()
    assert states(world) == {S.UNPENDED: 1}


def test_what_the_ledger_cannot_count_waits_for_a_person(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, (1 << 63) * UNIT))
    world.chain.pay("0xext", (TO_BENO, 500 * UNIT))
    mine(world, 5)
    assert states(world) == {S.HELD: 1, S.CREDITED: 1}
    (held,) = [one for one in world.deposits.rows.values() if one.state is S.HELD]
    assert held.reason == "amount_out_of_range"


def test_credits_wait_while_a_switch_is_on(world: World) -> None:
    stop = Stop(Flow.CREDITS, ANY, CHAIN, ANY, "person")
    world.stops.set(stop)
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world, 4)
    assert states(world) == {S.CONFIRMED: 1}
    world.stops.clear(stop)
    world.look()
    assert states(world) == {S.CREDITED: 1}


def test_a_miners_reward_waits_for_a_hundred_blocks(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    mine(world)
    key = (ANNA, the_one(world).id)
    world.deposits.rows[key] = replace(the_one(world), is_coinbase=True)
    mine(world, 98)
    assert states(world) == {S.PENDING: 1}
    mine(world)
    assert units(world) == (500, 0)


def test_a_watcher_that_was_away_reads_in_steps_and_misses_nothing(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    for _ in range(BLOCKS_A_LOOK + 5):
        world.chain.mine()
    world.chain.pay("0xext", (TO_ANNA, 600 * UNIT))
    for _ in range(3):
        world.chain.mine()
    world.look()
    assert units(world) == (500, 0)
    world.look()
    assert units(world) == (1_100, 0)


def test_a_reorganisation_deeper_than_the_memory_takes_a_person(world: World) -> None:
    mine(world, BLOCKS_KEPT + 2)
    world.chain.reorganise(BLOCKS_KEPT + 1)
    with pytest.raises(InternalError) as error:
        world.look()
    assert error.value.code == "reorganisation_too_deep"


def test_a_step_that_the_table_does_not_have_changes_nothing(world: World) -> None:
    world.chain.pay("0xext", (TO_ANNA, 500 * UNIT))
    world.look()
    with pytest.raises(BursaError):
        the_one(world).after(DepositStep.STATE_CREDIT)


def test_btc_amounts_are_whole_satoshi() -> None:
    bitcoin = replace(NETWORK, asset="BTC", decimals=8, scale=8, token=NATIVE)
    assert bitcoin.units_of(ChainUnits(29_000_000)) == 29_000_000
