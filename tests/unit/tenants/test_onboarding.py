"""Opening a tenant, against hand-written fakes: what is to be done once, and in which units."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bursa.identity.pool_user import PoolUser
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import SYSTEM, AccountId, CommandId, TenantId
from bursa.tenants.life import TenantState
from bursa.tenants.limits import TenantLimits
from bursa.tenants.listing import (
    AssetListing,
    Deposit,
    Listing,
    MarketListing,
    OpenLimits,
    PriceProtection,
    market_steps,
)
from bursa.tenants.onboarding import Onboarding
from bursa.tenants.profile import SignUp, TenantProfile
from engine.reference import Engine
from wire import layout
from wire.codec import Command, decode_commands, encode

TENANT = TenantId(1)
ALICE = AccountId(TENANT, 1)
LISTING = Listing(
    (AssetListing("BTC", 8), AssetListing("USDT", 10)),
    (MarketListing("BTC", "USDT", "0.01", "0.00000001", "1", opening_price="60000.01"),),
    maker_ppm=1_000,
    taker_ppm=2_000,
)


@dataclass
class FakeDirectory:
    accounts: dict[str, AccountId] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    vouched: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, TenantId] = field(default_factory=dict)
    state: TenantState = TenantState.ACTIVE

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
        return TenantProfile(
            TENANT, shard, name, issuer, client_ids, limits, origins=origins, sign_up=sign_up
        )

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        return TenantProfile(tenant, 0, "demo", "", frozenset(), state=self.state)

    def add_host(self, tenant: TenantId, host: str) -> None:
        assert self.hosts.setdefault(host, tenant) == tenant

    def get_or_assign_asset_number(self, tenant: TenantId, symbol: str, scale: int) -> int:
        return self.numbers.setdefault(f"{tenant}/asset/{symbol}", len(self.numbers) + 1)

    def get_or_assign_market_number(
        self, tenant: TenantId, symbol: str, steps: tuple[int, int]
    ) -> int:
        return self.numbers.setdefault(f"{tenant}/market/{symbol}", len(self.numbers) + 1)

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        return self.accounts.get(subject)

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        return self.accounts.setdefault(subject, AccountId(tenant, len(self.accounts) + 1))

    def vouch(self, tenant: TenantId, subject: str, level: int) -> None:
        self.vouched[subject] = level


def header(index: int) -> CommandHeader:
    return CommandHeader(CommandId(1, index), 1_001, SYSTEM)


@dataclass
class FakeUsers:
    passwords: dict[str, str] = field(default_factory=dict)
    invited: list[str] = field(default_factory=list)

    def add_user(self, email: str, *, is_invited: bool) -> PoolUser:
        self.invited += [email] * is_invited
        return PoolUser(f"subject of {email}", is_claimed=email in self.passwords)

    def set_password(self, email: str, password: str) -> None:
        self.passwords[email] = password


@dataclass
class FakeIntake:
    """Records requests that happen once, with an id and a time."""

    sent: list[tuple[AccountId, str, str, list[Command]]] = field(default_factory=list)

    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        built = b"".join(build(header(index)) for index, build in enumerate(commands))
        self.sent.append((account, kind, key, list(decode_commands(built))))


def onboarding(intake: FakeIntake, users: FakeUsers | None = None) -> Onboarding:
    return Onboarding(FakeDirectory(), users or FakeUsers(), intake)


def test_a_listing_is_one_message_in_an_order_that_the_engine_accepts() -> None:
    intake = FakeIntake()
    onboarding(intake).list_markets(TENANT, LISTING, "first")
    (account, kind, key, commands), _ = intake.sent
    assert (account, kind, key) == (TENANT.fee_account, "listing", "first")
    assert [command.kind for command in commands] == [
        layout.COMMAND_DEFINE_ASSET,
        layout.COMMAND_DEFINE_ASSET,
        layout.COMMAND_SET_FEE_TIER,
        layout.COMMAND_SET_TENANT_LIMITS,
        layout.COMMAND_DEFINE_MARKET,
        layout.COMMAND_SET_MARKET_LIMITS,
    ]


@pytest.mark.parametrize("state", TenantState)
def test_a_tenant_that_stands_still_lists_nothing(state: TenantState) -> None:
    intake = FakeIntake()
    setup = Onboarding(FakeDirectory(state=state), FakeUsers(), intake)
    if state in {TenantState.OPENING, TenantState.ACTIVE}:
        setup.list_markets(TENANT, LISTING, "first")
        assert intake.sent
        return
    with pytest.raises(Conflict, match="resume it"):
        setup.list_markets(TENANT, LISTING, "first")
    assert not intake.sent


def test_a_market_is_protected_unless_its_listing_says_otherwise() -> None:
    for protection, limits in (
        (PriceProtection(), (200_000, 50_000, 100_000, 60_000, 100 * 10**10, 120_000)),
        (PriceProtection(0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0)),
    ):
        market = replace(LISTING.markets[0], protection=protection)
        intake = FakeIntake()
        listing = replace(LISTING, markets=(market,))
        onboarding(intake).list_markets(TENANT, listing, "first")
        commands = intake.sent[0][3]
        assert commands[-1].body[1:] == (10**10, 0, 0, *limits)
        assert commands[-1].account == TENANT.fee_account.number


def test_a_market_opens_with_the_reference_price_of_its_listing() -> None:
    """So its collar holds from the first order on; until then the market takes none."""
    intake = FakeIntake()
    onboarding(intake).list_markets(TENANT, LISTING, "first")
    (_, _, _, listing), (account, kind, key, (opening,)) = intake.sent
    assert (account, kind, key) == (TENANT.fee_account, "opening", "BTC-USDT")
    assert (opening.kind, opening.account) == (
        layout.COMMAND_SET_MARKET_STATE,
        TENANT.fee_account.number,
    )
    assert opening.body[1:3] == (layout.STATE_OPEN, 6_000_001)
    engine = Engine()
    engine.apply(b"".join(encode(c.kind, c.account, *c.body) for c in listing))
    (market,) = engine.state.markets.values()
    assert market.state == layout.STATE_HALTED
    engine.apply(encode(opening.kind, opening.account, *opening.body))
    assert (market.state, market.reference_price) == (layout.STATE_OPEN, 6_000_001)
    assert market.limits.collar_ppm == 200_000


def test_another_listing_opens_no_market_again() -> None:
    """Its request has a key of its own, so that it is carried out once (`bursa.intake.once`)."""
    intake = FakeIntake()
    for key in ("first", "second"):
        onboarding(intake).list_markets(TENANT, LISTING, key)
    assert [(kind, key) for _, kind, key, _ in intake.sent] == [
        ("listing", "first"),
        ("opening", "BTC-USDT"),
        ("listing", "second"),
        ("opening", "BTC-USDT"),
    ]


@pytest.mark.parametrize("limit", ["collar_ppm", "market_collar_ppm", "breaker_ppm"])
def test_a_protected_market_needs_an_opening_price(limit: str) -> None:
    """Around nothing a collar holds nothing, and whoever trades first would choose the price."""
    none = PriceProtection(0, 0, 0, 0, 0, 0)
    intake = FakeIntake()
    market = replace(LISTING.markets[0], opening_price="", protection=replace(none, **{limit: 1}))
    with pytest.raises(InvalidInput) as refused:
        onboarding(intake).list_markets(TENANT, replace(LISTING, markets=(market,)), "first")
    assert (refused.value.code, refused.value.field) == ("opening_price_missing", "opening_price")
    assert intake.sent == []


def test_a_market_without_protection_needs_none_and_is_open() -> None:
    intake = FakeIntake()
    market = replace(
        LISTING.markets[0], opening_price="", protection=PriceProtection(0, 0, 0, 0, 0, 0)
    )
    onboarding(intake).list_markets(TENANT, replace(LISTING, markets=(market,)), "first")
    ((_, _, _, commands),) = intake.sent
    (define,) = (one for one in commands if one.kind == layout.COMMAND_DEFINE_MARKET)
    state = layout.DEFINE_MARKET_STATE - layout.DEFINE_MARKET_MARKET
    assert define.body[state] == layout.STATE_OPEN


@pytest.mark.parametrize("price", ["0.001", "60000.005", "0", "-1", "1e3", "9" * 20])
def test_an_opening_price_is_a_whole_number_of_ticks(price: str) -> None:
    listing = replace(LISTING, markets=(replace(LISTING.markets[0], opening_price=price),))
    intake = FakeIntake()
    with pytest.raises(InvalidInput) as refused:
        onboarding(intake).list_markets(TENANT, listing, "first")
    assert refused.value.field == "opening_price"
    assert intake.sent == []


@pytest.mark.parametrize(
    ("open_limits", "words"),
    [
        (OpenLimits(), (200, Engine().state.capacity.orders >> 1, 100)),
        (OpenLimits(7, 0, 3), (7, 0, 3)),
    ],
    ids=["unless its listing says otherwise", "as its listing says"],
)
def test_a_tenant_is_limited_in_what_it_has_open(
    open_limits: OpenLimits, words: tuple[int, ...]
) -> None:
    intake = FakeIntake()
    listing = replace(LISTING, open_limits=open_limits)
    onboarding(intake).list_markets(TENANT, listing, "first")
    commands = intake.sent[0][3]
    (limits,) = (one for one in commands if one.kind == layout.COMMAND_SET_TENANT_LIMITS)
    assert limits.account == 0
    assert limits.body[:4] == (TENANT.number, *words)


def test_money_is_credited_in_ledger_units() -> None:
    intake = FakeIntake()
    setup = onboarding(intake)
    setup.credit(ALICE, LISTING, [Deposit("BTC", "1.5"), Deposit("USDT", "2")], "gift")
    ((account, kind, key, commands),) = intake.sent
    assert (account, kind, key) == (ALICE, "credit", "gift")
    assert [(command.account, command.body[:2]) for command in commands] == [
        (ALICE.number, (1, 150_000_000)),
        (ALICE.number, (2, 20_000_000_000)),
    ]


def test_a_user_keeps_the_account_it_has() -> None:
    setup = onboarding(FakeIntake())
    first = setup.open_account(TENANT, "alice@example.com", "secret")
    assert setup.open_account(TENANT, "alice@example.com", "secret") == first
    assert setup.open_account(TENANT, "bob@example.com", "secret") != first


def test_an_invited_user_gets_a_mail_and_no_password_from_us() -> None:
    users = FakeUsers()
    setup = onboarding(FakeIntake(), users)
    setup.open_account(TENANT, "admin@example.com", None)
    assert users.invited == ["admin@example.com"]
    assert users.passwords == {}


def test_a_user_that_somebody_else_made_gets_no_account_unless_it_is_confirmed() -> None:
    users = FakeUsers({"victim@example.com": "chosen by the attacker"})
    setup = onboarding(FakeIntake(), users)
    for confirmed in ("", "subject of alice@example.com"):
        with pytest.raises(Conflict) as refused:
            setup.open_account(TENANT, "victim@example.com", "secret", confirmed_subject=confirmed)
        assert refused.value.code == "user_not_ours"
        assert "subject of victim@example.com" in refused.value.detail

    confirmed = "subject of victim@example.com"
    account = setup.open_account(TENANT, "victim@example.com", "x", confirmed_subject=confirmed)
    assert setup.open_account(TENANT, "victim@example.com", "secret") == account
    assert users.passwords == {"victim@example.com": "chosen by the attacker"}


STEPS = {
    "one unit each": (("0.01", "0.00000001", 8, 10), (1, 1)),
    "coarse": (("1000", "0.00001", 8, 2), (1_000, 1)),
    "whole coins": (("1", "1", 0, 0), (1, 1)),
}


@pytest.mark.parametrize(("market", "steps"), STEPS.values(), ids=STEPS)
def test_sizes_become_whole_units(
    market: tuple[str, str, int, int], steps: tuple[int, int]
) -> None:
    tick, lot, base_scale, quote_scale = market
    listing = MarketListing("A", "B", tick, lot, "1")
    assert market_steps(listing, base_scale, quote_scale) == steps


NO_STEPS = {
    "a lot below one unit": (("1", "0.000000001", 8, 10), "invalid_lot_size"),
    "a tick of a lot below one unit": (("0.01", "0.00000001", 8, 6), "invalid_tick_size"),
    "no number": (("x", "1", 8, 8), "invalid_tick_size"),
    "zero": (("0", "1", 8, 8), "tick_size_not_positive"),
}


@pytest.mark.parametrize(("market", "code"), NO_STEPS.values(), ids=NO_STEPS)
def test_sizes_that_are_no_whole_units_are_refused(
    market: tuple[str, str, int, int], code: str
) -> None:
    tick, lot, base_scale, quote_scale = market
    with pytest.raises(InvalidInput) as refused:
        market_steps(MarketListing("A", "B", tick, lot, "1"), base_scale, quote_scale)
    assert refused.value.code == code


def test_a_market_of_an_unlisted_asset_is_refused_before_anything_is_sent() -> None:
    intake = FakeIntake()
    listing = Listing(LISTING.assets, (MarketListing("BTC", "EUR", "1", "1", "1"),), 0, 0)
    with pytest.raises(InvalidInput, match="EUR"):
        onboarding(intake).list_markets(TENANT, listing, "first")
    assert not intake.sent
