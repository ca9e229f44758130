"""A market that a tenant's back office lists, with assets that are new.

It is defined halted and gets its limits; then it is opened, around its opening price, so that
nobody trades in it without its protection. What is for good is written beside the numbers first:
the engine takes a definition of what it knows for a repeat, whatever it says.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import MARKET, STATES, Tools, WithoutNotes
from bursa.back_office.market_effects import limit_words
from bursa.back_office.roles import Action
from bursa.compliance.levels import Levels
from bursa.compliance.tenant_rules import require_countable
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.errors import Conflict, InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import MarketUnits
from bursa.tenants.life import TenantState
from bursa.tenants.lister import Lister
from bursa.tenants.listing import (
    MarketListing,
    PriceProtection,
    check_opening,
    market_steps,
    opening_ticks,
)
from wire import codec
from wire import layout as w

# Numbers of markets are the deployment's: its operator may list more of them for a tenant.
MARKETS_MAX: Final = 100
_SYMBOL: Final = re.compile(r"([A-Z0-9]{1,10})-([A-Z0-9]{1,10})", re.ASCII)
_SYMBOL_LENGTH_MAX: Final = 16
_OPENING: Final = "opening"


class Numbers(Protocol):
    """The engine's numbers; see `bursa.tenants.listing_numbers_dynamodb.ListingNumbers`."""

    def asset(self, tenant: TenantId, symbol: str, scale: int) -> int:
        """Return the number of an asset, maybe a new one; raises `Conflict` ``asset_fixed``."""

    def market(self, tenant: TenantId, symbol: str, steps: tuple[int, int], lister: Lister) -> int:
        """Return the number of a market, maybe a new one.

        Raises `Conflict` ``market_fixed``, ``market_listed_elsewhere``.
        """


# Returns how much a tenant's users may do by how well they are known; None where all may all.
LevelsOf = Callable[[TenantId], Levels | None]


@dataclass(frozen=True, slots=True)
class NewMarket(WithoutNotes):
    """Lists a market."""

    tools: Tools
    numbers: Numbers
    levels: LevelsOf
    tenant: TenantId
    symbol: str
    asked: Facts

    def before(self) -> Facts:
        """Return which of its assets there are.

        Raises
        ------
        InvalidInput
            ``invalid_market``, ``missing_scale``, ``scale_fixed``, what `market_steps`,
            `check_opening` and `limit_words` raise; ``invalid_levels``: what is traded in it could
            not be counted for how much users may trade.
        Conflict
            ``market_exists``, ``too_many_markets``, ``wrong_tenant_state``.

        """
        base, quote = self._assets()
        profile = self.tools.profiles.public_profile(self.tenant)
        if profile is None or profile.state is not TenantState.ACTIVE:
            raise Conflict("wrong_tenant_state", "Ask the operator to resume the exchange first.")
        there = self.tools.markets.all(self.tenant)
        if any(one.symbol == self.symbol for one in there):
            raise Conflict("market_exists", f"{self.symbol} is listed; change its limits or state.")
        if len(there) >= MARKETS_MAX:
            raise Conflict(
                "too_many_markets", f"There are {MARKETS_MAX} markets: ask the operator for more."
            )
        known = {
            asset: found.scale
            for asset in (base, quote)
            if (found := self.tools.markets.asset(self.tenant, asset)) is not None
        }
        self._require_scale(base, "base_scale", known)
        self._require_scale(quote, "quote_scale", known)
        limit_words(self.asked, self._units())
        check_opening(self._listing())
        levels = self.levels(self.tenant)
        if levels is not None:
            pairs = [(one.units.base, one.units.quote) for one in there]
            require_countable(levels, [*pairs, (base, quote)])
        return {"assets": sorted(known)}

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine define, limit and open it.

        Raises `Conflict` ``asset_fixed``, ``market_fixed``, ``market_listed_elsewhere`` when
        somebody else was faster.
        """
        account, units = self.tenant.fee_account, self._units()
        steps = units.lot_units, units.tick_units
        base = self._number(units.base, units.base_scale)
        quote = self._number(units.quote, units.quote_scale)
        number = self.numbers.market(self.tenant, self.symbol, steps, Lister.BACK_OFFICE)
        words = limit_words(self.asked, units)
        self.tools.commands.submit(
            intent,
            account,
            [
                self._define_asset(units.base, base, units.base_scale),
                self._define_asset(units.quote, quote, units.quote_scale),
                _command(
                    w.COMMAND_DEFINE_MARKET,
                    0,
                    *(number, self.tenant.number, base, quote, *steps, w.STATE_HALTED),
                    *codec.pack_symbol(self.symbol),
                ),
                _command(w.COMMAND_SET_MARKET_LIMITS, account.number, number, *words),
            ],
        )
        # By a message of its own: a market whose limits were refused must not open.
        listing = self._listing()
        reference = opening_ticks(listing) if listing.opening_price else 0
        state = STATES[self.asked["state"]]
        opening = _command(w.COMMAND_SET_MARKET_STATE, account.number, number, state, reference)
        self.tools.commands.submit(intent, account, [opening], step=_OPENING)
        return dict(self.asked)

    def _number(self, asset: str, scale: int) -> int:
        found = self.tools.markets.asset(self.tenant, asset)
        if found is not None:
            return found.number
        return self.numbers.asset(self.tenant, asset, scale)

    def _define_asset(self, symbol: str, number: int, scale: int) -> CommandBuilder:
        words = (number, self.tenant.number, scale, *codec.pack_symbol(symbol))
        return _command(w.COMMAND_DEFINE_ASSET, 0, *words)

    def _assets(self) -> Sequence[str]:
        named = _SYMBOL.fullmatch(self.symbol)
        if named is None or named[1] == named[2] or len(self.symbol) > _SYMBOL_LENGTH_MAX:
            raise InvalidInput(
                "invalid_market",
                "Name the market by its two assets, as in BTC-USDT, with capital letters and "
                f"digits, {_SYMBOL_LENGTH_MAX} characters at most.",
                field="market",
            )
        return named.groups()

    def _require_scale(self, asset: str, field: str, known: Mapping[str, int]) -> None:
        """Refuse another scale than an asset has; and none, or 19, for one that is new."""
        asked = self.asked[field]
        if asset in known and asked not in {None, known[asset]}:
            raise InvalidInput(
                "scale_fixed", f"{asset} has the scale {known[asset]} for good.", field=field
            )
        if asset not in known and asked is None:
            raise InvalidInput(
                "missing_scale", f"{asset} is new: send {field}, its decimal places.", field=field
            )

    def _scale(self, asset: str, field: str) -> int:
        asked: int | None = self.asked[field]
        if asked is not None:
            return asked
        found = self.tools.markets.asset(self.tenant, asset)
        if found is None:
            raise Conflict("market_changed", f"{asset} is not there any more: ask anew.")
        return found.scale

    def _units(self) -> MarketUnits:
        base, quote = self._assets()
        scales = self._scale(base, "base_scale"), self._scale(quote, "quote_scale")
        lot, tick = market_steps(self._listing(), *scales)
        for field, units in (("lot_size", lot), ("tick_size", tick)):
            if units > w.AMOUNT_MAX:
                raise InvalidInput(f"{field}_too_large", f"Send a smaller {field}.", field=field)
        return MarketUnits(self.symbol, base, quote, *scales, lot, tick)

    def _listing(self) -> MarketListing:
        base, quote = self._assets()
        asked = self.asked
        return MarketListing(
            base,
            quote,
            asked["tick_size"],
            asked["lot_size"],
            asked["min_notional"],
            PriceProtection(
                asked["collar_ppm"],
                asked["market_collar_ppm"],
                asked["breaker_ppm"],
                asked["reference_interval_ms"],
                asked["least_orders"],
                asked["auction_ms"],
            ),
            asked["opening_price"] or "",
        )


def _command(kind: int, account: int, *body: int) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        return codec.encode(kind, account, *body, **header.words())

    return build


def new_market_effects(
    tools: Tools, numbers: Numbers, levels: LevelsOf
) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""
    return {
        Action.LIST_MARKETS: lambda tenant, about, asked: NewMarket(
            tools, numbers, levels, tenant, about.removeprefix(MARKET), asked
        )
    }
