"""Opening a tenant by its file: what is planned, what is done, and what a repeat does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bursa.compliance.steps import Rules
from bursa.dialects.operator.tenant_file import TenantFile
from bursa.fees.schedule import FeeSchedule
from bursa.identity.pool_user import PoolUser
from bursa.intake.once import CommandBuilder
from bursa.kernel.errors import BursaError, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.branding import Branding, Colours
from bursa.tenants.limits import TenantLimits
from bursa.tenants.lister import Lister
from bursa.tenants.listings import SentListing
from bursa.tenants.onboarding import Onboarding
from bursa.tenants.opening import Opened, Opening
from bursa.tenants.place import Deployment, Place, Pool, find_place
from bursa.tenants.plan import KEEP, Plan, Planner
from bursa.tenants.profile import SignUp, TenantProfile
from bursa.tenants.stacks import NONE_CHOSEN, StackKind, StackState
from scripts.onboard.passwords import GeneratedPasswords, Invitations, generated
from scripts.onboard.tenant_file import parse
from tests.unit.onboard.test_tenant_file import PLAIN

TENANT = TenantId(1)
STACKS_POOL = Pool("https://cognito/pool_deployments", frozenset({"web"}))
DEPLOYMENT = Deployment(STACKS_POOL, (0, 1))


@dataclass
class Directory:
    profiles: dict[str, TenantProfile] = field(default_factory=dict)
    hosts: dict[str, TenantId] = field(default_factory=dict)
    accounts: dict[str, AccountId] = field(default_factory=dict)
    vouched: dict[str, int] = field(default_factory=dict)
    names: dict[str, TenantId] = field(default_factory=dict)
    pauses: dict[TenantId, int | None] = field(default_factory=dict)
    scales: dict[str, int] = field(default_factory=dict)
    listers: dict[str, Lister] = field(default_factory=dict)

    def tenant_named(self, name: str) -> TenantId | None:
        return self.names.get(name)

    def claim_name(self, name: str, tenant: TenantId | None) -> TenantId:
        number = tenant or TenantId(len(self.names) + 1)
        return self.names.setdefault(name, number)

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        return self.profiles.get(issuer)

    def open_tenant(
        self,
        name: str,
        issuer: str,
        client_ids: frozenset[str],
        shard: int,
        limits: TenantLimits,
        *,
        origins: frozenset[str],
        sign_up: SignUp,
    ) -> TenantProfile:
        tenant = self.names[name]
        self.profiles[issuer] = TenantProfile(
            tenant, shard, name, issuer, client_ids, limits, origins=origins, sign_up=sign_up
        )
        return self.profiles[issuer]

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        return next((one for one in self.profiles.values() if one.tenant == tenant), None)

    def withdrawal_pause_s(self, tenant: TenantId) -> int | None:
        return self.pauses.get(tenant)

    def set_withdrawal_pause(self, tenant: TenantId, seconds: int | None) -> None:
        self.pauses[tenant] = seconds

    def tenant_of_host(self, host: str) -> TenantId | None:
        return self.hosts.get(host)

    def add_host(self, tenant: TenantId, host: str) -> None:
        self.hosts[host] = tenant

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        return self.accounts.get(subject)

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        return self.accounts.setdefault(subject, AccountId(tenant, len(self.accounts) + 1))

    def vouch(self, tenant: TenantId, subject: str, level: int) -> None:
        self.vouched[subject] = level

    def get_or_assign_asset_number(self, tenant: TenantId, symbol: str, scale: int) -> int:
        return 1

    def get_or_assign_market_number(
        self, tenant: TenantId, symbol: str, steps: tuple[int, int]
    ) -> int:
        return 1

    def asset_scale(self, tenant: TenantId, symbol: str) -> int | None:
        return self.scales.get(symbol)

    def market_lister(self, tenant: TenantId, symbol: str) -> Lister | None:
        return self.listers.get(symbol)


@dataclass
class Stacks:
    """Remembers what was made, by tenant and kind; the digest is that of its template."""

    made: dict[tuple[TenantId, StackKind], str] = field(default_factory=dict)
    template: str = "1"

    def state(
        self, tenant: TenantId, kind: StackKind, choices: Mapping[str, str] = NONE_CHOSEN
    ) -> StackState:
        found = self.made.get((tenant, kind))
        if found is None:
            return StackState.ABSENT
        is_current = found == self._from(choices)
        return StackState.CURRENT if is_current else StackState.OUTDATED

    def _from(self, choices: Mapping[str, str]) -> str:
        return self.template + "".join(f" {name}={choices[name]}" for name in choices)

    def ensure(
        self,
        tenant: TenantId,
        kind: StackKind,
        name: str,
        choices: Mapping[str, str] = NONE_CHOSEN,
    ) -> Mapping[str, str]:
        self.made[tenant, kind] = self._from(choices)
        issuer = f"https://cognito/pool_{tenant}"
        return {"Issuer": issuer, "UserPoolClientId": f"web-of-{tenant}"}


@dataclass
class Users:
    claimed: dict[str, bool] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    invited: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)

    def join(self, email: str, group: str) -> bool:
        self.groups[email] = group
        return True

    def add_user(self, email: str, *, is_invited: bool) -> PoolUser:
        if email not in self.claimed:
            self.claimed[email] = False
            self.invited += [email] * is_invited
        return PoolUser(email, is_claimed=self.claimed[email])

    def find_user(self, email: str) -> PoolUser | None:
        if email not in self.claimed:
            return None
        return PoolUser(email, is_claimed=self.claimed[email])

    def set_password(self, email: str, password: str) -> None:
        self.claimed[email] = True
        self.passwords[email] = password


@dataclass
class Listings:
    sent: SentListing | None = None

    def last(self, tenant: TenantId) -> SentListing | None:
        return self.sent

    def write(self, tenant: TenantId, listing: SentListing) -> None:
        self.sent = listing


@dataclass
class Brandings:
    known: dict[TenantId, Branding] = field(default_factory=dict)

    def find(self, tenant: TenantId) -> Branding | None:
        return self.known.get(tenant)

    def write(self, tenant: TenantId, branding: Branding) -> None:
        self.known[tenant] = branding


@dataclass
class Checks:
    known: dict[TenantId, Rules] = field(default_factory=dict)

    def find(self, tenant: TenantId) -> Rules | None:
        return self.known.get(tenant)

    def write(self, tenant: TenantId, rules: Rules) -> None:
        self.known[tenant] = rules


@dataclass
class Fees:
    known: dict[TenantId, FeeSchedule] = field(default_factory=dict)

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        return self.known.get(tenant)

    def write_schedule(self, tenant: TenantId, schedule: FeeSchedule) -> None:
        self.known[tenant] = schedule


@dataclass
class Intake:
    """Remembers what was sent once; may break off before some kind of request."""

    sent: list[tuple[str, str, int]] = field(default_factory=list)
    done: set[tuple[AccountId, str, str]] = field(default_factory=set)
    breaks_before: str = ""

    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        if kind == self.breaks_before:
            raise Unavailable("no_answer", "The sequencer does not answer.")
        if (account, kind, key) not in self.done:
            self.done.add((account, kind, key))
            self.sent.append((kind, key, len(commands)))


@dataclass
class World:
    directory: Directory = field(default_factory=Directory)
    users: Users = field(default_factory=Users)
    listings: Listings = field(default_factory=Listings)
    brandings: Brandings = field(default_factory=Brandings)
    checks: Checks = field(default_factory=Checks)
    fees: Fees = field(default_factory=Fees)
    intake: Intake = field(default_factory=Intake)

    stacks: Stacks = field(default_factory=Stacks)

    def place(self, tenant: TenantFile) -> Place:
        return find_place(tenant, DEPLOYMENT, self.directory, self.stacks)

    def plan(self, tenant: TenantFile) -> Plan:
        kept = (self.listings, self.brandings, self.checks, self.fees)
        planner = Planner(self.directory, self.users, *kept, self.stacks)
        return planner.plan(tenant, self.place(tenant))

    def open(self, text: str = PLAIN, passwords: Any = None) -> Opened:
        tenant = parse(text, "brand.yaml")
        opening = Opening(
            self.directory,
            self.stacks,
            lambda _: Onboarding(self.directory, self.users, self.intake),
            lambda _: self.users,
            self.listings,
            self.brandings,
            self.checks,
            self.fees,
            passwords or Invitations(),
        )
        return opening.carry_out(tenant, self.place(tenant), self.plan(tenant))


def test_a_new_tenant_is_all_new_and_looking_changes_nothing() -> None:
    world = World()
    plan = world.plan(parse(PLAIN, "brand.yaml"))
    # The pool of the deployment's own stack, which nobody has yet.
    assert {step.thing for step in plan.steps if step.action != "add"} == {"user pool"}
    things = [step.thing for step in plan.steps]
    assert things[:4] == ["tenant brand", "keys", "user pool", "host api.brand.example"]
    assert things[-2:] == ["admin admin@brand.example", "user second@brand.example"]
    assert world == World()


def test_opening_twice_changes_nothing_the_second_time() -> None:
    world = World()
    first = world.open()
    sent = list(world.intake.sent)
    plan = world.plan(parse(PLAIN, "brand.yaml"))
    assert {step.action for step in plan.steps} == {KEEP}
    assert plan.listing is None
    assert world.open() == first
    assert world.intake.sent == sent
    assert world.users.invited == ["admin@brand.example", "second@brand.example"]
    assert world.users.passwords == {}


def test_the_pause_of_withdrawals_is_that_of_the_file_or_of_nobody() -> None:
    world = World()
    tenant = world.open().profile.tenant
    assert world.directory.pauses == {tenant: None}
    text = PLAIN.replace("assets:", "withdrawal_pause_s: 3600\nassets:")
    steps = world.plan(parse(text, "brand.yaml")).steps
    [step] = [one for one in steps if one.thing == "withdrawal pause"]
    assert (step.action, step.before, step.after) == ("change", "as the deployment", "3600 s")
    world.open(text)
    assert world.directory.pauses == {tenant: 3_600}


def test_the_sign_up_is_that_of_the_file() -> None:
    world = World()
    assert world.open().profile.sign_up is SignUp.CLOSED
    text = PLAIN.replace("assets:", "sign_up: open\nassets:")
    step = next(step for step in world.plan(parse(text, "x")).steps if step.thing == "sign-up")
    assert (step.before, step.after) == ("closed", "open")
    assert world.open(text).profile.sign_up is SignUp.OPEN


def test_the_origins_are_those_of_the_file() -> None:
    world = World()
    text = PLAIN.replace("assets:", "origins: [https://brand.example]\nassets:")
    assert "origins" in {step.thing for step in world.plan(parse(text, "x")).steps}
    assert world.open(text).profile.origins == {"https://brand.example"}
    assert world.plan(parse(text, "x")).changes == ()
    assert world.open().profile.origins == frozenset()


@pytest.mark.parametrize("before", ["listing", "opening", "credit"])
def test_what_broke_off_is_taken_up_again(before: str) -> None:
    text = PLAIN.replace("admin: {", 'play_money: true\nadmin: { credits: { BTC: "1" },')
    world = World(intake=Intake(breaks_before=before))
    with pytest.raises(Unavailable):
        world.open(text)
    world.intake.breaks_before = ""
    world.open(text)
    assert [(kind, key) for kind, key, _ in world.intake.sent] == [
        ("listing", "1"),
        ("opening", "BTC-USDT"),
        ("credit", "opening"),
    ]


def test_what_was_and_is_wanted_again_is_sent_again() -> None:
    """Under another number, or it would be taken for the first time."""
    world = World()
    for taker in ("2000", "3000", "2000"):
        world.open(PLAIN.replace("taker_ppm: 2000", f"taker_ppm: {taker}"))
    assert [(kind, key) for kind, key, _ in world.intake.sent] == [
        ("listing", "1"),
        ("opening", "BTC-USDT"),
        ("listing", "2"),
        ("listing", "3"),
    ]


def test_a_market_that_was_listed_without_an_opening_price_gets_one() -> None:
    world = World()
    unprotected = "collar_ppm: 0, market_collar_ppm: 0, breaker_ppm: 0"
    world.open(PLAIN.replace('opening_price: "60000"', f"protection: {{ {unprotected} }}"))
    changes = {(one.thing, one.before, one.after) for one in world.plan(parse(PLAIN, "x")).changes}
    assert ("market BTC-USDT opening_price", "", "60000") in changes
    world.open()
    assert [kind for kind, _, _ in world.intake.sent] == ["listing", "listing", "opening"]


def test_a_change_is_shown_with_what_was_before() -> None:
    world = World()
    world.open()
    text = PLAIN.replace("taker_ppm: 2000", "taker_ppm: 2500").replace("burst: 100", "burst: 200")
    text = text.replace("min_notional: 5", "min_notional: 6")
    text = text.replace("assets:", "origins: [https://brand.example]\nassets:")
    changes = {(one.thing, one.before, one.after) for one in world.plan(parse(text, "x")).changes}
    assert changes == {
        ("origins", "", "https://brand.example"),
        ("limit account_commands", "10/s, 100 at once", "10/s, 200 at once"),
        ("fee taker_ppm", "2000", "2500"),
        ("market BTC-USDT min_notional", "5", "6"),
    }


FIXED = {
    "another scale": ("scale: 8", "scale: 9", "asset_fixed"),
    "another tick": ('tick_size: "0.01"', 'tick_size: "0.1"', "market_fixed"),
    "another lot": ('lot_size: "0.00000001"', 'lot_size: "0.0000001"', "market_fixed"),
    "another opening price": ('"60000"', '"70000"', "market_fixed"),
    "a market less": ("  BTC-USDT:", "  USDT-BTC:", "not_unlisted"),
    "an asset less": ("  BTC: {", "  ETH: {", "not_unlisted"),
}


@pytest.mark.parametrize(("old", "new", "code"), FIXED.values(), ids=FIXED)
def test_what_can_not_change_is_refused_before_anything_is_sent(
    old: str, new: str, code: str
) -> None:
    world = World()
    world.open()
    text = PLAIN.replace(old, new, 1)
    if code == "not_unlisted" and "ETH" in new:
        text = text.replace("  BTC-USDT:", "  ETH-USDT:")
    text = text.replace('lot_size: "0.00000001"', 'lot_size: "1"') if "USDT-BTC" in new else text
    with pytest.raises(BursaError) as refused:
        world.plan(parse(text, "brand.yaml"))
    assert refused.value.code == code


def test_a_tenant_stays_on_its_shard() -> None:
    world = World()
    world.open()
    with pytest.raises(BursaError) as refused:
        world.plan(parse(f"shard: 1\n{PLAIN}", "brand.yaml"))
    assert refused.value.code == "other_shard"


def test_a_host_of_another_tenant_is_refused() -> None:
    world = World(Directory(hosts={"api.brand.example": TenantId(7)}))
    with pytest.raises(BursaError) as refused:
        world.plan(parse(PLAIN, "brand.yaml"))
    assert refused.value.code == "host_taken"


def test_a_user_that_somebody_else_made_is_refused_unless_confirmed() -> None:
    world = World(users=Users({"admin@brand.example": True}))
    with pytest.raises(BursaError) as refused:
        world.plan(parse(PLAIN, "brand.yaml"))
    assert refused.value.code == "user_not_ours"
    confirmed = PLAIN.replace("admin: {", "admin: { confirmed_subject: admin@brand.example,")
    assert world.open(confirmed).accounts["admin@brand.example"] == AccountId(TENANT, 1)


def test_passwords_for_play_are_kept_before_they_are_used_and_then_stay() -> None:
    kept: list[dict[str, str]] = []
    passwords = GeneratedPasswords({}, lambda known: kept.append(dict(known)))
    world = World()
    world.open(passwords=passwords)
    world.open(passwords=passwords)
    assert world.users.passwords == kept[-1] == passwords.known
    assert len(kept) == len(set(kept[-1].values())) == 2
    assert world.users.invited == []


def test_a_generated_password_is_what_the_pools_ask_for() -> None:
    for _ in range(50):
        password = generated()
        assert len(password) >= 12
        assert any(one.islower() for one in password)
        assert any(one.isupper() for one in password)
        assert any(one.isdigit() for one in password)


BRANDED = (
    PLAIN
    + """\
branding:
  display_name: Brand Exchange
  colours: { primary: "#0a5c36" }
  languages: [en, de]
  legal: { en: { terms: "https://brand.example/terms" } }
"""
)


def test_a_branding_is_kept_shown_and_left_alone_by_a_file_without_one() -> None:
    world = World()
    things = {step.thing for step in world.plan(parse(BRANDED, "x")).changes}
    assert "branding display_name" in things
    world.open(BRANDED)
    kept = Branding(
        "Brand Exchange",
        colours=Colours(primary="#0a5c36"),
        languages=("en", "de"),
        legal={"en": {"terms": "https://brand.example/terms"}},
    )
    assert world.brandings.known == {TENANT: kept}
    assert not world.plan(parse(BRANDED, "x")).changes
    changed = BRANDED.replace("[en, de]", "[en]")
    assert [
        (step.action, step.thing, step.before, step.after)
        for step in world.plan(parse(changed, "x")).changes
    ] == [("change", "branding languages", "('en', 'de')", "('en',)")]
    world.open(PLAIN)
    assert world.brandings.known == {TENANT: kept}


KYC = PLAIN.replace("admin: {", "admin: { level: 2,").rstrip() + "\nkyc: { provider: manual }\n"


def test_a_tenant_learns_who_its_users_are_and_a_file_without_that_changes_nothing() -> None:
    world = World()
    opened = world.open(KYC)
    tenant = opened.profile.tenant
    assert world.checks.known[tenant].provider == "manual"
    assert set(world.directory.vouched.values()) == {2}
    steps = {step.thing: step.action for step in world.plan(parse(KYC, "x")).steps}
    assert steps["kyc"] == KEEP
    changed = KYC.replace("manual", "onfido, provider_levels: { 1: a, 2: b, 3: c }")
    (step,) = world.plan(parse(changed, "x")).changes
    assert (step.thing, step.before[:7], step.after[:7]) == ("kyc", "manual:", "onfido:")
    assert "kyc" not in {step.thing for step in world.plan(parse(PLAIN, "x")).steps}
    world.open(PLAIN)
    assert world.checks.known[tenant].provider == "manual"
