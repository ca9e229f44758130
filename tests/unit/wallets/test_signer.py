"""What the signer refuses, whoever asks, and that it signs a withdrawal once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bursa.kernel.errors import BursaError
from bursa.wallets.address_book import COOLING_OFF_MS_MIN, AddressBook
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import GasFee
from bursa.wallets.policy import Policy, Rule, Strictness
from bursa.wallets.signer import SigningOrder
from bursa.wallets.stops import ANY, Flow, Stop
from bursa.wallets.withdrawal_requests import TenantPolicy
from bursa.wallets.withdrawal_states import WithdrawalState
from bursa.wallets.withdrawals import Approval, Withdrawal
from tests.doubles.wallet_chain import CHAIN, GAS, GAS_PRICE
from tests.simulation.wallet_world import HOT, NETWORK, TENANT, USERS, World

ANNA, BENO = USERS
FEE = GasFee(ChainUnits(GAS_PRICE), ChainUnits(1))
Change = Callable[[World], object]


@pytest.fixture
def world() -> World:
    """Return a world with a withdrawal that is to be signed, and needs one approval."""
    made = World(1)
    rule = Rule("all", Strictness.APPROVALS, approvals=1)
    made.policies.policies[1] = TenantPolicy(Policy((rule,), 1))
    made.request(ANNA, "one", "0xaaa", 300_000)
    one = the_one(made)
    made.limits.reserve(one.reservation, 0, NETWORK)
    alter(
        made,
        state=WithdrawalState.SIGNING,
        approvals=(Approval("ben", one.intent.digest, 1),),
        approvals_end_ms=made.clock.now_ms() + 1,
    )
    return made


def the_one(world: World) -> Withdrawal:
    return next(iter(world.withdrawals.rows.values()))


def alter(world: World, **changes: object) -> None:
    """Change a stored record, as only who has broken into the table can."""
    one = the_one(world)
    world.withdrawals.rows[ANNA, one.id] = replace(one, **changes)  # type: ignore[arg-type]


def alter_intent(world: World, **changes: object) -> None:
    alter(world, intent=replace(the_one(world).intent, **changes))  # type: ignore[arg-type]


def order(world: World, *, epoch: int = 1, fee: GasFee = FEE) -> SigningOrder:
    return SigningOrder(ANNA, the_one(world).id, epoch, fee, GAS)


def refusal(world: World, **options: object) -> str:
    with pytest.raises(BursaError) as error:
        world.signer.sign(order(world, **options))  # type: ignore[arg-type]
    assert not world.key.digests
    return error.value.code


def with_policy(world: World, rule: Rule | None) -> None:
    world.policies.policies = {} if rule is None else {1: TenantPolicy(Policy((rule,), 1))}


def in_cooling(world: World) -> None:
    now_ms = world.clock.now_ms()
    book = AddressBook(ANNA).with_address(CHAIN, "0xaaa", "mine", now_ms, COOLING_OFF_MS_MIN)
    world.books.save(book)


# What makes a withdrawal void: it will never be signed, also when all is as it was again.
FOR_GOOD: list[tuple[str, Change]] = [
    ("approvals_missing", lambda world: alter(world, approvals=())),
    ("approvals_missing", lambda world: alter_intent(world, destination="0xbbb")),
    ("approvals_missing", lambda world: alter_intent(world, units=300_001)),
    ("approvals_missing", lambda world: alter_intent(world, fee_cap=1 << 60)),
    ("approvals_missing", lambda world: alter(world, user="ben")),
    (
        "approvals_missing",
        lambda world: with_policy(world, Rule("two", Strictness.APPROVALS, approvals=2)),
    ),
    ("approval_expired", lambda world: alter(world, approvals_end_ms=world.clock.now_ms())),
    ("policy_refused", lambda world: with_policy(world, Rule("no", Strictness.REFUSE))),
    ("policy_refused", lambda world: with_policy(world, None)),
    (
        "beneficiary_required",
        lambda world: world.policies.policies.update(
            {1: world.policies.policies[1]._replace(travel_rule_from=1)}
        ),
    ),
    ("not_counted", lambda world: world.counts.rows.clear()),
    ("not_counted", lambda world: alter(world, facts=the_one(world).facts._replace(value=1))),
    ("destination_changed", lambda world: alter(world, receiver=BENO)),
    ("address_not_listed", lambda world: world.books.save(AddressBook(ANNA).listed_only())),
    ("address_cooling_off", in_cooling),
]


@pytest.mark.parametrize(("code", "change"), FOR_GOOD)
def test_what_it_refuses_for_good(world: World, code: str, change: Change) -> None:
    before = dict(world.withdrawals.rows), world.policies.policies.copy()
    change(world)
    assert refusal(world) == code
    world.withdrawals.rows, world.policies.policies = before
    world.books.rows.clear()
    assert refusal(world) == "signing_void"


def test_what_it_refuses_for_now(world: World) -> None:
    stop = Stop(Flow.WITHDRAWALS, "t1", CHAIN, ANY, "person")
    world.stops.set(stop)
    assert refusal(world) == "withdrawals_stopped"
    world.stops.clear(stop)
    dear = GasFee(ChainUnits(3 * GAS_PRICE), ChainUnits(1))
    assert refusal(world, fee=dear) == "fee_above_cap"
    alter(world, state=WithdrawalState.APPROVED)
    assert refusal(world) == "wrong_state"
    alter(world, state=WithdrawalState.SIGNING)
    assert world.signer.sign(order(world)).raw


def test_a_deposed_one_is_refused_and_voids_nothing(world: World) -> None:
    world.epochs.raise_to(CHAIN, 3)
    assert refusal(world, epoch=2) == "signer_deposed"
    assert world.signer.sign(order(world, epoch=3)).raw


def test_it_gives_the_stored_bytes_and_signs_once(world: World) -> None:
    first = world.signer.sign(order(world))
    dear = GasFee(ChainUnits(2 * GAS_PRICE), ChainUnits(1))
    alter(world, state=WithdrawalState.SIGNED)
    assert world.signer.sign(order(world, epoch=2, fee=dear)) == first
    assert len(world.key.digests) == 1


def test_what_was_planned_is_signed_after_a_lost_signature(world: World) -> None:
    signing = world.signer.sign(order(world))
    # The row as it was before the bytes were kept.
    world.signings.rows[ANNA, signing.name] = replace(signing, raw=b"", transaction="", version=1)
    dear = GasFee(ChainUnits(2 * GAS_PRICE), ChainUnits(1))
    again = world.signer.sign(order(world, fee=dear))
    assert again.plan == signing.plan
    assert len(set(world.key.digests)) == 1


def test_bytes_of_another_intent_are_given_to_nobody(world: World) -> None:
    world.signer.sign(order(world))
    alter_intent(world, destination="0xbbb")
    with pytest.raises(BursaError) as error:
        world.signer.sign(order(world))
    assert error.value.code == "destination_changed"


def test_a_plan_that_makes_other_digests_is_not_signed(world: World) -> None:
    signing = world.signer.sign(order(world))
    bad = replace(signing, raw=b"", digests=("00",), version=1)
    world.signings.rows[ANNA, signing.name] = bad
    world.key.digests.clear()
    assert refusal(world) == "destination_changed"


def test_only_a_nonce_that_is_nobodys_is_filled(world: World) -> None:
    world.signer.sign(order(world))
    for gap in (0, 1):
        with pytest.raises(BursaError) as error:
            world.signer.fill_gap(TENANT, CHAIN, gap, 0, FEE)
        assert error.value.code == "no_gap"
    world.claims.forget_nonce(TENANT, CHAIN, HOT, the_one(world).claim_name)
    filled = world.signer.fill_gap(TENANT, CHAIN, 0, 0, FEE)
    assert filled.plan is not None
    assert filled.plan.payments == ()
    assert world.signer.fill_gap(TENANT, CHAIN, 0, 0, FEE) == filled
