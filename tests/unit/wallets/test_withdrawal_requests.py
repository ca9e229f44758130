"""What a request for a withdrawal is refused for, and that a repeat is the same withdrawal."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bursa.identity.security_events import SecurityEventKind, WithdrawalPause
from bursa.kernel.errors import BursaError, Conflict
from bursa.wallets.address_book import COOLING_OFF_MS_MIN, AddressBook
from bursa.wallets.policy import Policy, Rule, Strictness
from bursa.wallets.stops import ANY, Flow, Stop
from bursa.wallets.travel_rule import Beneficiary
from bursa.wallets.withdrawal_requests import (
    NetworkFee,
    Requester,
    TenantPolicy,
    WithdrawalRequest,
)
from bursa.wallets.withdrawal_states import WithdrawalState
from tests.doubles.wallet_chain import CHAIN
from tests.simulation.wallet_world import ASSET, FEE_UNITS, NETWORK, USERS, World

ANNA, BENO = USERS
BY_FACTOR = Requester(ANNA, "anna", 1, has_shown_factor=True)
BY_KEY = Requester(ANNA, "anna", 1, has_shown_factor=False, by_key=True)
REQUEST = WithdrawalRequest("one", ASSET, CHAIN, "0xAAA", 300_000)
CONTRACT = "0xtoken"
Change = Callable[[World], object]


@pytest.fixture
def world() -> World:
    return World(1)


def refused(world: World, requester: Requester, request: WithdrawalRequest) -> str:
    with pytest.raises(BursaError) as error:
        world.requests.request(requester, request)
    assert not world.withdrawals.rows
    return error.value.code


@pytest.mark.parametrize(
    ("code", "requester", "changes"),
    [
        ("missing_idempotency_key", BY_FACTOR, {"key": ""}),
        ("invalid_idempotency_key", BY_FACTOR, {"key": "a b"}),
        ("invalid_idempotency_key", BY_FACTOR, {"key": "a" * 65}),
        ("second_factor_required", BY_FACTOR._replace(has_shown_factor=False), {}),
        ("unknown_network", BY_FACTOR, {"chain": "bitcoin"}),
        ("unknown_network", BY_FACTOR, {"asset": "BTC"}),
        ("invalid_address", BY_FACTOR, {"address": "bc1q"}),
        ("own_address", BY_FACTOR, {"address": "0xdeposit1"}),
        ("address_is_token", BY_FACTOR, {"address": CONTRACT}),
        ("address_not_listed", BY_KEY, {}),
        ("amount_below_minimum", BY_FACTOR, {"units": 99}),
        ("amount_below_minimum", BY_FACTOR, {"units": -300_000}),
        ("fee_above_amount", BY_FACTOR, {"units": FEE_UNITS + 6}),
    ],
)
def test_what_is_wrong_with_the_request_itself(
    world: World, code: str, requester: Requester, changes: dict[str, Any]
) -> None:
    world.networks.networks.append(replace(NETWORK, asset="USDT", token=CONTRACT))
    assert refused(world, requester, REQUEST._replace(**changes)) == code


def pause(world: World) -> None:
    until = WithdrawalPause(world.clock.now_ms() + 1, SecurityEventKind.PASSWORD_CHANGED)
    world.pauses.pauses[ANNA] = until


def stop(world: World) -> None:
    world.stops.set(Stop(Flow.WITHDRAWALS, "t1", ANY, ASSET, "person"))


def cooling(world: World) -> None:
    now_ms = world.clock.now_ms()
    book = AddressBook(ANNA).with_address(CHAIN, "0xaaa", "mine", now_ms, COOLING_OFF_MS_MIN)
    world.books.save(book)


def listed_only(world: World) -> None:
    world.books.save(AddressBook(ANNA).listed_only())


def policy(world: World, *rules: Rule, travel_rule_from: int | None = None) -> None:
    world.policies.policies[2] = TenantPolicy(Policy(rules, 2), travel_rule_from)


def dear(world: World) -> None:
    world.fees.fee = NetworkFee(REQUEST.units, 1)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("withdrawals_paused", pause),
        ("withdrawals_stopped", stop),
        ("address_cooling_off", cooling),
        ("address_not_listed", listed_only),
        ("fee_above_amount", dear),
        ("no_reference_price", lambda world: setattr(world, "value", lambda _: None)),
        ("policy_refused", lambda world: policy(world, Rule("never", Strictness.REFUSE))),
        ("beneficiary_required", lambda world: policy(world, travel_rule_from=300_000)),
    ],
)
def test_what_stands_against_it(world: World, code: str, change: Change) -> None:
    change(world)
    assert refused(world, BY_FACTOR, REQUEST) == code


def much_later(world: World, change: Change) -> None:
    change(world)
    world.clock.time_ms += 1_000 * 86_400_000


def run_again(world: World) -> None:
    stop(world)
    world.stops.stops.clear()


@pytest.mark.parametrize(
    "change",
    [
        lambda world: policy(world, travel_rule_from=300_001),
        lambda world: policy(world, Rule("large", Strictness.REFUSE, value_from=300_001)),
        lambda world: much_later(world, cooling),
        lambda world: much_later(world, pause),
        run_again,
    ],
    ids=["below the travel rule", "below the rule", "cooled off", "paused no more", "running"],
)
def test_what_does_not_stand_against_it(world: World, change: Change) -> None:
    change(world)
    assert world.requests.request(BY_FACTOR, REQUEST).state is WithdrawalState.REQUESTED


def test_a_repeat_is_the_same_withdrawal_and_another_request_a_conflict(world: World) -> None:
    first = world.requests.request(BY_FACTOR, REQUEST)
    # Also without a fresh code, which the first one came with.
    again = BY_FACTOR._replace(has_shown_factor=False)
    assert world.requests.request(again, REQUEST) == first
    for other in (REQUEST._replace(units=300_001), REQUEST._replace(address="0xbbb")):
        with pytest.raises(Conflict) as error:
            world.requests.request(BY_FACTOR, other)
        assert error.value.code == "idempotency_key_reused"
    # A key is an account's own.
    beno = world.requests.request(BY_FACTOR._replace(account=BENO), REQUEST)
    assert beno.id != first.id
    assert len(world.withdrawals.rows) == 2


def test_a_quote_says_what_it_costs_and_records_nothing(world: World) -> None:
    policy(world, Rule("large", Strictness.APPROVALS, approvals=2, value_from=300_000))
    quote = world.requests.quote(BY_FACTOR, REQUEST)
    assert quote[:4] == (FEE_UNITS, 7, 300_007 + FEE_UNITS, False)
    assert quote.verdict == (Strictness.APPROVALS, 2, ("large",))
    internal = world.requests.quote(BY_FACTOR, REQUEST._replace(address="0xdeposit2"))
    assert internal[:4] == (0, 0, 300_000, True)
    assert not world.withdrawals.rows


def test_another_tenants_address_is_paid_on_the_chain(world: World) -> None:
    address = "0xelsewhere"
    other = replace(BENO, tenant=replace(BENO.tenant, number=2))
    world.addresses.owners = {**world.addresses.owners, (CHAIN, address): other}
    made = world.requests.request(BY_FACTOR, REQUEST._replace(address=address))
    assert made.receiver is None


def test_who_is_paid_is_kept_where_the_rule_asks_for_it(world: World) -> None:
    policy(world, travel_rule_from=1)
    sari = Beneficiary("Sari")
    made = world.requests.request(BY_FACTOR, REQUEST._replace(beneficiary=sari))
    assert made.beneficiary == sari


def test_a_key_withdraws_to_the_book(world: World) -> None:
    cooling(world)
    world.clock.time_ms += COOLING_OFF_MS_MIN
    assert world.requests.request(BY_KEY, REQUEST).facts.is_unlisted is False
