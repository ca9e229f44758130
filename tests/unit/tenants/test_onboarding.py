"""Opening a tenant, against hand-written fakes: what is sent, and that repeating sends it once."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import Submission
from bursa.kernel.errors import InvalidInput, Refused, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.onboarding import (
    AssetListing,
    Deposit,
    Listing,
    MarketListing,
    Onboarding,
    market_steps,
)
from bursa.tenants.profile import TenantProfile, Wish
from wire import layout
from wire.codec import Command, decode_commands
from wire.events import Result

TENANT = TenantId(1)
ALICE = AccountId(TENANT, 1)
LISTING = Listing(
    (AssetListing("BTC", 8), AssetListing("USDT", 10)),
    (MarketListing("BTC", "USDT", "0.01", "0.00000001", "1"),),
    maker_ppm=1_000,
    taker_ppm=2_000,
)


@dataclass
class FakeDirectory:
    accounts: dict[str, AccountId] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)

    def open_tenant(
        self, name: str, issuer: str, client_ids: frozenset[str], shard: int
    ) -> TenantProfile:
        return TenantProfile(TENANT, shard, name, issuer, client_ids)

    def number_of_asset(self, tenant: TenantId, symbol: str) -> int:
        return self.numbers.setdefault(f"{tenant}/asset/{symbol}", len(self.numbers) + 1)

    def number_of_market(self, tenant: TenantId, symbol: str) -> int:
        return self.numbers.setdefault(f"{tenant}/market/{symbol}", len(self.numbers) + 1)

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        return self.accounts.setdefault(subject, AccountId(tenant, len(self.accounts) + 1))

    def write_wish(self, tenant: TenantId, name: str, now_ms: int) -> Wish:
        return self.wishes.setdefault(f"{tenant}/{name}", Wish(now_ms, fulfilled=False))

    def fulfil_wish(self, tenant: TenantId, name: str) -> None:
        wish = self.wishes[f"{tenant}/{name}"]
        self.wishes[f"{tenant}/{name}"] = Wish(wish.wished_ms, fulfilled=True)


class FakeUsers:
    def add_user(self, email: str, password: str) -> str:
        return f"subject of {email}"


@dataclass
class FakeIntake:
    reason: int = layout.REASON_ACCEPTED
    answers: bool = True
    now: int = 1_000
    sent: list[Submission] = field(default_factory=list)

    def now_ms(self) -> int:
        self.now += 1
        return self.now

    def send(self, submission: Submission) -> None:
        self.sent.append(submission)

    def wait(self, submission: Submission) -> list[CommandOutcome] | None:
        if not self.answers:
            return None
        return [outcome(command, self.reason) for command in commands(submission)]


def commands(submission: Submission) -> list[Command]:
    return list(decode_commands(b"".join(submission.commands)))


def outcome(command: Command, reason: int) -> CommandOutcome:
    words: dict[str, Any] = dict.fromkeys(Result._fields, 0)
    return CommandOutcome(Result(**words | {"command_kind": command.kind, "reason": reason}))


def onboarding(intake: FakeIntake, directory: FakeDirectory | None = None) -> Onboarding:
    return Onboarding(directory or FakeDirectory(), FakeUsers(), intake)


def test_a_listing_is_one_message_in_an_order_that_the_engine_accepts() -> None:
    intake = FakeIntake()
    onboarding(intake).list_markets(TENANT, LISTING, "first")
    (submission,) = intake.sent
    assert submission.account == TENANT.fee_account
    assert [command.kind for command in commands(submission)] == [
        layout.COMMAND_DEFINE_ASSET,
        layout.COMMAND_DEFINE_ASSET,
        layout.COMMAND_SET_FEE_TIER,
        layout.COMMAND_DEFINE_MARKET,
        layout.COMMAND_SET_MARKET_LIMITS,
    ]


def test_every_command_has_an_id_of_its_own_and_the_time_of_the_wish() -> None:
    intake = FakeIntake()
    onboarding(intake).list_markets(TENANT, LISTING, "first")
    sent = commands(intake.sent[0])
    assert len({(command.id_high, command.id_low) for command in sent}) == len(sent)
    assert {command.time_ms for command in sent} == {1_001}


def test_money_is_credited_in_ledger_units() -> None:
    intake, directory = FakeIntake(), FakeDirectory()
    setup = onboarding(intake, directory)
    setup.credit(ALICE, LISTING, [Deposit("BTC", "1.5"), Deposit("USDT", "2")], "gift")
    assert [(command.account, command.body[:2]) for command in commands(intake.sent[0])] == [
        (ALICE.number, (1, 150_000_000)),
        (ALICE.number, (2, 20_000_000_000)),
    ]


def test_a_fulfilled_wish_is_not_sent_again() -> None:
    intake, directory = FakeIntake(), FakeDirectory()
    for _ in range(2):
        onboarding(intake, directory).credit(ALICE, LISTING, [Deposit("BTC", "1")], "gift")
    assert len(intake.sent) == 1


def test_an_unanswered_wish_is_repeated_word_for_word() -> None:
    intake, directory = FakeIntake(answers=False), FakeDirectory()
    with pytest.raises(Unavailable, match="worker"):
        onboarding(intake, directory).credit(ALICE, LISTING, [Deposit("BTC", "1")], "gift")
    intake.answers = True
    onboarding(intake, directory).credit(ALICE, LISTING, [Deposit("BTC", "1")], "gift")
    first, second = intake.sent
    assert first == second


def test_another_key_is_another_wish() -> None:
    intake, directory = FakeIntake(), FakeDirectory()
    for key in ("gift", "second gift"):
        onboarding(intake, directory).credit(ALICE, LISTING, [Deposit("BTC", "1")], key)
    ids = {(command.id_high, command.id_low) for sent in intake.sent for command in commands(sent)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    "reason",
    [layout.REASON_ALREADY_DEFINED, layout.REASON_DUPLICATE_COMMAND],
    ids=lambda reason: layout.REASON_NAMES[reason],
)
def test_what_is_there_already_counts_as_done(reason: int) -> None:
    directory = FakeDirectory()
    onboarding(FakeIntake(reason=reason), directory).list_markets(TENANT, LISTING, "first")
    assert all(wish.fulfilled for wish in directory.wishes.values())


@pytest.mark.parametrize(
    "reason",
    [layout.REASON_COMMAND_TOO_OLD, layout.REASON_SUPPLY_LIMIT, layout.REASON_INVALID_SETTING],
    ids=lambda reason: layout.REASON_NAMES[reason],
)
def test_a_refusal_is_told_and_the_wish_stays_open(reason: int) -> None:
    directory = FakeDirectory()
    setup = onboarding(FakeIntake(reason=reason), directory)
    with pytest.raises(Refused) as refused:
        setup.credit(ALICE, LISTING, [Deposit("BTC", "1")], "gift")
    assert refused.value.code == layout.REASON_NAMES[reason]
    assert not any(wish.fulfilled for wish in directory.wishes.values())


def test_a_user_keeps_the_account_it_has() -> None:
    setup = onboarding(FakeIntake())
    first = setup.open_account(TENANT, "alice@example.com", "secret")
    assert setup.open_account(TENANT, "alice@example.com", "secret") == first
    assert setup.open_account(TENANT, "bob@example.com", "secret") != first


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
