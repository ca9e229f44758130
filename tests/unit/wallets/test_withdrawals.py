"""A withdrawal on its way, state by state, and what people decide of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bursa.kernel.errors import BursaError
from bursa.wallets.chains.ports import Broadcast, Rejection, Sent
from bursa.wallets.stops import ANY, Flow, Stop
from bursa.wallets.withdrawal_decisions import APPROVAL_LIFE_MS
from bursa.wallets.withdrawal_states import WithdrawalState, WithdrawalStep
from bursa.wallets.withdrawals import Withdrawal
from tests.doubles.wallet_chain import CHAIN, Transaction
from tests.simulation.wallet_world import (
    FEE_UNITS,
    FUNDED_UNITS,
    HOT,
    NETWORK,
    TENANT,
    UNIT,
    USERS,
    World,
)

ANNA, BENO = USERS
HELD = 300_000 + FEE_UNITS + 7
S = WithdrawalState
UNSURE = Broadcast(Sent.UNKNOWN)
REJECTED = Broadcast(Sent.REJECTED, Rejection.OTHER)


@pytest.fixture
def world() -> World:
    return World(1)


def asked(world: World, address: str = "0xaaa", units: int = 300_000) -> str:
    world.request(ANNA, "one", address, units)
    return next(iter(world.withdrawals.rows.values())).id


def now(world: World) -> Withdrawal:
    return next(iter(world.withdrawals.rows.values()))


def mine(world: World, blocks: int = 1) -> None:
    for _ in range(blocks):
        world.chain.mine()
        world.pay()


def test_it_is_held_paid_and_captured_and_the_tenant_has_its_fee(world: World) -> None:
    asked(world)
    world.pay()
    assert now(world).state is S.BROADCAST
    assert world.intake.units(ANNA) == (FUNDED_UNITS - HELD, HELD)
    mine(world)
    assert now(world).state is S.CONFIRMING
    mine(world, 3)
    assert now(world).state is S.DONE
    assert world.intake.units(ANNA) == (FUNDED_UNITS - HELD, 0)
    assert world.intake.units(TENANT.fee_account) == (7, 0)
    assert world.chain.balance("0xaaa") == 300_000 * UNIT
    mine(world, 5)
    assert now(world).state is S.FINAL
    assert len(world.key.digests) == 1


def test_to_another_user_it_is_moved_in_the_ledger_alone(world: World) -> None:
    asked(world, "0xdeposit2")
    world.pay()
    assert now(world).state is S.FINAL
    assert world.intake.units(ANNA) == (FUNDED_UNITS - 300_000, 0)
    assert world.intake.units(BENO) == (FUNDED_UNITS + 300_000, 0)
    assert not world.chain.mempool
    assert not world.key.digests


def test_what_the_account_does_not_have_is_refused(world: World) -> None:
    asked(world, units=FUNDED_UNITS)
    world.pay()
    assert (now(world).state, now(world).reason) == (S.REFUSED, "insufficient_balance")
    assert world.limits.used(ANNA, world.clock.now_ms()).used_in_day == 0


def test_a_short_hot_wallet_makes_it_wait_and_rings(world: World) -> None:
    world.chain.funded[HOT] = HELD * UNIT - 1
    asked(world, units=300_000)
    world.request(BENO, "two", "0xbbb", 300_000)
    world.pay()
    states = [one.state for one in world.withdrawals.rows.values()]
    # Two do not fit, though each alone does.
    assert states == [S.BROADCAST, S.APPROVED]
    assert world.told.told == ["short"]
    world.chain.funded[HOT] *= 3
    world.pay()
    assert [one.state for one in world.withdrawals.rows.values()][1] is S.BROADCAST


@pytest.mark.parametrize(
    ("says", "takes"),
    [(UNSURE, False), (UNSURE, True), (REJECTED, False), (REJECTED, True)],
    ids=["lost", "no response", "rejected", "rejected though known"],
)
def test_a_broadcast_without_a_yes_is_unknown_until_it_is_seen_or_sent_again(
    world: World, says: Broadcast, takes: bool
) -> None:
    world.chain.says, world.chain.takes = says, takes
    asked(world)
    world.pay()
    assert now(world).state is (S.BROADCAST if takes else S.UNKNOWN)
    signed = dict(world.signings.rows)
    world.chain.says = None
    world.pay()
    assert now(world).state is S.BROADCAST
    assert world.signings.rows == signed
    mine(world, 9)
    assert world.chain.paid(now(world).id) == 1


def test_what_a_reorganisation_drops_is_sent_again_and_paid_once(world: World) -> None:
    asked(world)
    world.pay()
    mine(world, 2)
    world.chain.reorganise(3, lambda _: True)
    world.pay()
    assert now(world).state is S.BROADCAST
    mine(world, 9)
    assert now(world).state is S.FINAL
    assert world.chain.paid(now(world).id) == 1
    assert len(world.key.digests) == 1


def test_a_reverted_one_gives_the_money_back_once_and_books_the_fee(world: World) -> None:
    world.chain.revert_one_in = 1
    asked(world)
    world.pay()
    mine(world, 8)
    assert now(world).state is S.CONFIRMING
    mine(world)
    assert (now(world).state, now(world).reason) == (S.FAILED, "reverted")
    assert now(world).network_fee_paid == FEE_UNITS * UNIT
    assert world.intake.units(ANNA) == (FUNDED_UNITS, 0)
    assert world.limits.used(ANNA, world.clock.now_ms()).used_in_day == 0


def test_a_switch_stops_signatures_and_broadcasts(world: World) -> None:
    stop = Stop(Flow.WITHDRAWALS, ANY, CHAIN, ANY, "person")
    asked(world)
    world.stops.set(stop)
    world.pay()
    assert now(world).state is S.APPROVED
    world.stops.clear(stop)
    world.chain.says = REJECTED
    world.pay()
    world.stops.set(stop)
    world.chain.says = None
    world.pay()
    assert now(world).state is S.UNKNOWN
    assert not world.chain.mempool
    world.stops.clear(stop)
    world.pay()
    assert now(world).state is S.BROADCAST


# --- approvals ------------------------------------------------------------------------------------


@pytest.fixture
def large(world: World) -> World:
    """Return a world in which a withdrawal waits for two people."""
    world.policies.policies[1] = world.policies.policies[1]._replace(
        policy=replace(
            world.policies.policies[1].policy,
            rules=(replace(world.policies.policies[1].policy.rules[0], value_from=1),),
        )
    )
    asked(world)
    world.pay()
    assert now(world).state is S.SCREENED
    return world


def approve(world: World, person: str, digest: str = "") -> None:
    one = now(world)
    world.decisions.approve(one.account, one.id, person, digest or one.intent.digest)


def test_two_other_people_approve_what_they_saw(large: World) -> None:
    approve(large, "ben")
    approve(large, "ben")
    large.pay()
    assert now(large).state is S.SCREENED
    approve(large, "cid")
    large.pay()
    assert now(large).state is S.BROADCAST


@pytest.mark.parametrize(
    ("code", "decide"),
    [
        ("not_your_own", lambda world: approve(world, "user1")),
        ("approval_for_other_data", lambda world: approve(world, "ben", "0" * 64)),
        ("unknown_withdrawal", lambda world: world.decisions.approve(ANNA, "x", "ben", "y")),
        ("unknown_withdrawal", lambda world: world.decisions.cancel(BENO, now(world).id)),
        ("wrong_state", lambda world: world.decisions.accept(ANNA, now(world).id, "ben")),
        (
            "not_your_own",
            lambda world: world.decisions.reject(ANNA, now(world).id, "user1", "no"),
        ),
    ],
)
def test_decisions_that_are_refused(
    large: World, code: str, decide: Callable[[World], object]
) -> None:
    before = now(large)
    with pytest.raises(BursaError) as error:
        decide(large)
    assert error.value.code == code
    assert now(large) == before


def test_an_approval_expires_and_the_hold_is_released_once(large: World) -> None:
    approve(large, "ben")
    large.clock.time_ms += APPROVAL_LIFE_MS
    with pytest.raises(BursaError) as error:
        approve(large, "cid")
    assert error.value.code == "approval_expired"
    for _ in range(2):
        large.pay()
    assert (now(large).state, now(large).reason) == (S.FAILED, "approval_expired")
    assert large.intake.units(ANNA) == (FUNDED_UNITS, 0)


def test_an_approval_is_void_for_any_other_data(large: World) -> None:
    approve(large, "ben")
    approve(large, "cid")
    intent = now(large).intent
    for changed in (
        replace(intent, destination="0xother"),
        replace(intent, units=intent.units + 1),
        replace(intent, asset="BTC"),
        replace(intent, chain="other"),
        replace(intent, fee_cap=intent.fee_cap + 1),
    ):
        assert not replace(now(large), intent=changed).approvers
    assert now(large).approvers == {"ben", "cid"}


def test_a_user_cancels_until_it_is_signed(world: World, large: World) -> None:
    one = large.decisions.cancel(ANNA, now(large).id)
    assert large.decisions.cancel(ANNA, one.id) == one
    large.pay()
    assert (now(large).state, now(large).reason) == (S.FAILED, "cancelled")
    assert large.decisions.cancel(ANNA, one.id) == now(large)
    late = World(2)
    asked(late)
    late.pay()
    with pytest.raises(BursaError) as error:
        late.decisions.cancel(ANNA, now(late).id)
    assert error.value.code == "too_late_to_cancel"


def test_a_hit_of_the_screening_waits_for_a_person(world: World) -> None:
    world.told.found = "sanctioned"
    asked(world)
    world.pay()
    assert (now(world).state, now(world).reason) == (S.IN_REVIEW, "sanctioned")
    accepted = world.decisions.accept(ANNA, now(world).id, "ben")
    assert accepted.state is S.SCREENED
    world.pay()
    assert now(world).state is S.BROADCAST


# --- nonces ---------------------------------------------------------------------------------------


def test_a_gap_of_a_void_withdrawal_is_filled_and_the_next_one_goes_on(world: World) -> None:
    asked(world)
    name = now(world).claim_name
    world.claims.nonce(TENANT, CHAIN, HOT, name)
    world.withdrawals.rows[ANNA, now(world).id] = replace(now(world), state=S.FAILED)
    world.request(BENO, "two", "0xbbb", 300_000)
    world.pay()
    world.chain.mine()
    # Nonce 0 is missing, so nothing of the sender is mined.
    assert world.chain.nonces(HOT).mined == 0
    world.mend()
    world.mend()
    world.chain.mine()
    assert world.chain.nonces(HOT).mined == 2
    assert len(world.key.digests) == 2


def test_a_displaced_one_is_given_up_by_a_person_when_the_chain_says_so(world: World) -> None:
    asked(world)
    world.chain.says = REJECTED
    world.pay()
    world.chain.says = None
    thief = Transaction("stolen", HOT, 0, (("0xzzz", UNIT),), 0)
    world.chain.mempool["stolen"] = thief
    world.chain.mine()
    world.pay()
    assert world.told.told == ["displaced"]

    def give_up() -> Withdrawal:
        needed = NETWORK.final_confirmations
        return world.decisions.give_up_displaced(ANNA, now(world).id, world.chain, needed)

    with pytest.raises(BursaError) as error:
        give_up()
    assert error.value.code == "not_displaced"
    mine(world, 8)
    assert give_up().state is S.FAILING
    world.pay()
    assert world.intake.units(ANNA) == (FUNDED_UNITS, 0)


def test_a_step_that_the_table_does_not_have_changes_nothing() -> None:
    world = World(1)
    asked(world)
    with pytest.raises(BursaError) as error:
        now(world).after(WithdrawalStep.PAY)
    assert error.value.code == "wrong_state"
