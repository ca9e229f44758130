"""Changes of fee tiers: which there are, from which volume, at which rates; and whose is pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bursa.back_office.account_effects import asset_named
from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import USER, Tools, WithoutNotes
from bursa.back_office.roles import Action
from bursa.fees.commands import tier_command
from bursa.fees.schedule import (
    DEFAULT_TIER,
    FeeSchedule,
    Rates,
    check_schedule,
    rate_changes,
)
from bursa.fees.user_fees import UserFees
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import format_units, parse_units
from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from wire import codec
from wire import layout as w

FEE_TIERS: Final = "fee-tiers"


class FeeRecords(Protocol):
    """Fee schedules, and what is kept of users; see `bursa.fees.records_dynamodb.FeeRecords`."""

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        """Return a tenant's schedule; None for one whose users all have the same tier."""

    def write_schedule(self, tenant: TenantId, schedule: FeeSchedule) -> None:
        """Replace a tenant's schedule; raises `Conflict` ``overtaken``."""

    def user(self, owner: AccountId) -> UserFees:
        """Return what is kept of a user, the latest."""

    def pin(self, owner: AccountId, tier: int | None, at_ms: int) -> None:
        """Write which tier a user has whatever it trades, or that its volume says it.

        ``at_ms`` is when that was asked for. Raises `Conflict` ``overtaken``.
        """


@dataclass(frozen=True, slots=True)
class TiersOfTenant(WithoutNotes):
    """Sets all fee tiers together: what is approved is what holds, whatever was there before."""

    tools: Tools
    records: FeeRecords
    tenant: TenantId
    asked: Facts

    def before(self) -> Facts:
        """Return the tiers that there are, and the rates of all that the engine has.

        Raises `NotFound` ``unknown_asset``, and `InvalidInput` for what are no tiers.
        """
        self._wanted(0)
        rates = self.tools.markets.fee_rates(self.tenant)
        return {
            "rates": {str(tier): list(one) for tier, one in sorted(rates.items())},
            **shown_tiers(self.records.schedule(self.tenant), rates),
        }

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine set the rates, then keep the volumes, which the next run goes by.

        Raises `Conflict` ``overtaken``.
        """
        schedule, rates = self._wanted(intent.at_ms)
        before = {int(tier): Rates(*one) for tier, one in intent.before["rates"].items()}
        self._require_unchanged(before, rates)
        commands = [
            _rates_command(self.tenant, tier, one) for tier, one in rate_changes(before, rates)
        ]
        if commands:
            self.tools.commands.submit(intent, self.tenant.fee_account, commands)
        self.records.write_schedule(self.tenant, schedule)
        return shown_tiers(schedule, dict(enumerate(rates)))

    def _require_unchanged(self, before: Mapping[int, Rates], wanted: Sequence[Rates]) -> None:
        """Refuse where somebody else has set a rate since; what this change has set may be there.

        Its commands follow from what was there before, so that a repeat has the same.
        """
        steps = {*before.items(), *rate_changes(before, wanted)}
        if not self.tools.markets.fee_rates(self.tenant).items() <= steps:
            raise Conflict("overtaken", "The rates were set again since: ask anew.")

    def _wanted(self, since_ms: int) -> tuple[FeeSchedule, list[Rates]]:
        asset = asset_named(self.tools.markets, self.tenant, self.asked["currency"])
        tiers: Sequence[Mapping[str, Any]] = self.asked["tiers"]
        volumes = [parse_units(one["volume"], asset.scale, "volume") for one in tiers]
        rates = [Rates(one["maker_ppm"], one["taker_ppm"]) for one in tiers]
        check_schedule(volumes, rates)
        return FeeSchedule(asset.symbol, asset.scale, tuple(volumes[1:]), since_ms), rates


@dataclass(frozen=True, slots=True)
class TierOfUser(WithoutNotes):
    """Pins the fee tier of a user, whatever it trades; or lets its volume say it again."""

    tools: Tools
    records: FeeRecords
    tenant: TenantId
    subject: str
    tier: int | None

    def before(self) -> Facts:
        """Return the tier that is pinned.

        Raises `NotFound` ``unknown_user``, ``no_account``; `InvalidInput` ``unknown_tier``.
        """
        if self.tier is not None and self.tier not in self.tools.markets.fee_rates(self.tenant):
            raise InvalidInput(
                "unknown_tier", "Choose one of GET /v1/admin/fee-tiers.", field="tier"
            )
        account = self.tools.users.account(self.tenant, self.subject)
        return {"tier": self.records.user(account).pinned_tier}

    def carry_out(self, intent: Intent) -> Facts:
        """Keep it first, so that a run which sets tiers meanwhile finds it; then have it set.

        Raises `Conflict` ``overtaken``: what broke off long ago must not undo what came later.
        """
        account = self.tools.users.account(self.tenant, self.subject)
        self.records.pin(account, self.tier, intent.at_ms)
        tier = self._by_volume(account) if self.tier is None else self.tier
        own = self.tools.sub_accounts.read(account).by_seat
        for one in (account, *(own[seat].account for seat in sorted(own))):
            self.tools.commands.submit(intent, one, [tier_command(one, tier)])
        return {"tier": self.tier}

    def _by_volume(self, account: AccountId) -> int:
        schedule = self.records.schedule(self.tenant)
        if schedule is None:
            return DEFAULT_TIER
        return schedule.tier_for(self.records.user(account).volume_in(schedule.currency))


def shown_tiers(schedule: FeeSchedule | None, rates: Mapping[int, Rates]) -> dict[str, Any]:
    """Return tiers with their least volumes and rates, as they are shown and logged."""
    if schedule is None:
        # Nobody is moved between tiers: what counts is everybody's.
        schedule, currency = FeeSchedule("", 0, ()), None
    else:
        currency = schedule.currency
    tiers = [
        {
            "tier": tier,
            "volume": format_units(schedule.least(tier), schedule.scale),
            **rates.get(tier, rates[DEFAULT_TIER])._asdict(),
        }
        for tier in schedule.tiers
    ]
    return {"currency": currency, "tiers": tiers}


def _rates_command(tenant: TenantId, tier: int, rates: Rates) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        body = (tenant.number, tier, *rates)
        return codec.encode(w.COMMAND_SET_FEE_TIER, 0, *body, **header.words())

    return build


def fee_effects(tools: Tools, records: FeeRecords) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""
    return {
        Action.SET_FEE_TIERS: lambda tenant, _, asked: TiersOfTenant(tools, records, tenant, asked),
        Action.PIN_FEE_TIERS: lambda tenant, about, asked: TierOfUser(
            tools, records, tenant, about.removeprefix(USER), asked["tier"]
        ),
    }
