"""Which pool a tenant gets, and that opening goes on from wherever it broke off."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bursa.kernel.errors import BursaError, InvalidInput, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.onboarding import Onboarding
from bursa.tenants.opening import Opened, Opening
from bursa.tenants.place import Pool
from bursa.tenants.plan import CHANGE, KEEP, Planner
from bursa.tenants.stacks import StackKind
from scripts.onboard.passwords import GeneratedPasswords
from scripts.onboard.tenant_file import parse
from tests.unit.onboard.test_back_offices_share import with_tiers
from tests.unit.onboard.test_opening import BRANDED, STACKS_POOL, Intake, Users, World
from tests.unit.onboard.test_tenant_file import PLAIN

T1, T2 = TenantId(1), TenantId(2)
OTHER = PLAIN.replace("name: brand", "name: other").replace("api.brand", "api.other")
NAMED = """\
sign_in: { user_pool_id: eu-central-1_abc, client_ids: [phone, web] }
"""
FULL = with_tiers(BRANDED).replace(
    "admin: {",
    'play_money: true\nkyc: { provider: manual }\nadmin: { level: 1, credits: { BTC: "1" },',
)


def issuer_of(opened: Opened) -> str:
    return opened.profile.issuer


def test_the_first_gets_the_deployments_pool_and_the_next_one_of_its_own() -> None:
    world = World()
    first, second = world.open(PLAIN), world.open(OTHER)
    assert (first.profile.tenant, second.profile.tenant) == (T1, T2)
    assert issuer_of(first) == STACKS_POOL.issuer
    assert issuer_of(second) == "https://cognito/pool_t2"
    assert second.profile.client_ids == {"web-of-t2"}
    assert set(world.stacks.made) == {
        (T1, StackKind.KEYS),
        (T2, StackKind.KEYS),
        (T2, StackKind.USERS),
    }
    for text in (PLAIN, OTHER):
        assert {step.action for step in world.plan(parse(text, "x")).steps} == {KEEP}


def test_a_pool_that_a_file_names_is_used_as_it_is() -> None:
    world = World()
    opened = world.open(NAMED + PLAIN)
    assert issuer_of(opened) == "https://cognito/eu-central-1_abc"
    assert opened.profile.client_ids == {"phone", "web"}
    assert set(world.stacks.made) == {(T1, StackKind.KEYS)}
    # Without naming it again: it stays, and no other is made.
    again = world.open(PLAIN)
    assert issuer_of(again) == issuer_of(opened)
    assert set(world.stacks.made) == {(T1, StackKind.KEYS)}


def test_a_tenant_keeps_its_pool() -> None:
    world = World()
    world.open(PLAIN)
    with pytest.raises(BursaError) as refused:
        world.open(NAMED + PLAIN)
    assert refused.value.code == "pool_fixed"


@pytest.mark.parametrize("pool", ["pool_deployments", "pool_t2"])
def test_a_tenants_pool_is_not_taken_by_naming_it(pool: str) -> None:
    """Else a new name would become that tenant, and its admin an owner of it."""
    world = World()
    world.open(PLAIN)
    world.open(OTHER)
    before = dict(world.users.groups)
    third = PLAIN.replace("name: brand", "name: third").replace("api.brand", "api.third")
    sign_in = NAMED.replace("eu-central-1_abc", pool)
    with pytest.raises(BursaError) as refused:
        world.open(sign_in + third)
    assert refused.value.code == "pool_taken"
    assert (world.users.groups, set(world.directory.names)) == (before, {"brand", "other"})


def test_a_tenant_from_before_names_were_kept_is_found_by_its_pool() -> None:
    world = World()
    world.open(PLAIN)
    world.directory.names.clear()
    assert world.open(PLAIN).profile.tenant == T1
    assert world.directory.names == {"brand": T1}


def test_new_settings_of_pools_are_a_change_that_is_shown_and_made() -> None:
    world = World()
    world.open(PLAIN)
    world.open(OTHER)
    world.stacks.template = "2"
    changes = world.plan(parse(OTHER, "x")).changes
    assert [(one.action, one.thing) for one in changes] == [(CHANGE, "keys"), (CHANGE, "user pool")]
    world.open(OTHER)
    assert not world.plan(parse(OTHER, "x")).changes


def test_a_tenant_stays_on_its_shard_when_its_file_names_none() -> None:
    world = World()
    world.open(f"shard: 1\n{PLAIN}")
    assert world.open(PLAIN).profile.shard == 1


def test_a_shard_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no shard 7"):
        World().place(parse(f"shard: 7\n{PLAIN}", "x"))


CHANGES_SOMETHING = frozenset(
    {
        "claim_name",
        "ensure",
        "open_tenant",
        "add_host",
        "write",
        "write_schedule",
        "submit_once",
        "add_user",
        "open_account",
        "set_password",
        "join",
        "vouch",
        "get_or_assign_asset_number",
        "get_or_assign_market_number",
    }
)


@dataclass
class Breaks:
    """Fails one call of all that change something: before it has its effect, or after."""

    at: int
    after: bool
    calls: list[str] = field(default_factory=list)

    def around(self, real: Any) -> Any:
        return _Proxy(real, self)


class _Proxy:
    def __init__(self, real: Any, breaks: Breaks) -> None:
        self._real, self._breaks = real, breaks

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name not in CHANGES_SOMETHING:
            return method

        def call(*values: Any, **named: Any) -> Any:
            breaks = self._breaks
            breaks.calls.append(name)
            is_the_one = len(breaks.calls) == breaks.at
            if is_the_one and not breaks.after:
                raise Unavailable("away", "Try again.")
            result = method(*values, **named)
            if is_the_one:
                raise Unavailable("away", "Try again.")
            return result

        return call


def open_in(world: World, breaks: Breaks, known: dict[str, str]) -> Opened:
    """Open the second tenant, each part of the world failing as `breaks` says."""
    tenant = parse(
        FULL.replace("api.brand", "api.other").replace("name: brand", "name: other"), "x"
    )
    directory, users = breaks.around(world.directory), breaks.around(world.users)
    stacks, listings = breaks.around(world.stacks), breaks.around(world.listings)
    brandings, intake = breaks.around(world.brandings), breaks.around(world.intake)
    place = world.place(tenant)
    checks = breaks.around(world.checks)
    fees = breaks.around(world.fees)
    planner = Planner(directory, users, listings, brandings, checks, fees, stacks)
    plan = planner.plan(tenant, place)

    def onboarding(_: Pool) -> Onboarding:
        return Onboarding(directory, users, intake)

    passwords = GeneratedPasswords(known, lambda _: None)
    opening = Opening(
        directory,
        stacks,
        onboarding,
        lambda _: users,
        listings,
        brandings,
        checks,
        fees,
        passwords,
    )
    return opening.carry_out(tenant, place, plan)


def opened_world() -> World:
    world = World()
    world.open(PLAIN)
    # The second tenant's pool has no users yet, and its listing is its own.
    world.users, world.listings.sent = Users(), None
    world.intake = Intake()
    return world


def calls_of_one_opening() -> list[str]:
    breaks = Breaks(0, after=False)
    open_in(opened_world(), breaks, {})
    return breaks.calls


CALLS = calls_of_one_opening()
KNOWN = {"admin@brand.example": "One", "second@brand.example": "Two"}


def test_the_calls_are_those_of_every_step() -> None:
    assert set(CALLS) == CHANGES_SOMETHING


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(CALLS) + 1))
def test_what_broke_off_at_any_call_is_taken_up_again(at: int, after: bool) -> None:
    """Whether the call had its effect or not, the same again leaves what one opening leaves."""
    world, whole = opened_world(), opened_world()
    expected = open_in(whole, Breaks(0, after=False), dict(KNOWN))
    with pytest.raises(Unavailable):
        open_in(world, Breaks(at, after), dict(KNOWN))
    assert open_in(world, Breaks(0, after=False), dict(KNOWN)) == expected
    assert world == whole
