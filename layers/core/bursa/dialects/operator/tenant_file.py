"""What describes a tenant, in a file or a request, and every fault in it before anything is sent.

It holds what the operator decides: names, markets, limits, who is invited. It never holds a
password, and what it leaves out has the default of `bursa.tenants`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from numbers import Real
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bursa.compliance.levels import LEVELS_MAX
from bursa.compliance.providers import ELSEWHERE
from bursa.compliance.tenant_rules import require_countable
from bursa.dialects.operator.kyc_part import KycPart
from bursa.fees.schedule import FeeSchedule, FeeTiers, Rates, check_schedule
from bursa.kernel.amounts import SCALE_MAX, parse_units
from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate
from bursa.tenants.branding import Branding, Colours, faults
from bursa.tenants.limits import DEFAULT_LIMITS, LIMIT_NAMES, TenantLimits, check_limits
from bursa.tenants.listing import (
    AssetListing,
    Deposit,
    Listing,
    MarketListing,
    OpenLimits,
    PriceProtection,
    check_opening,
    market_steps,
)
from bursa.tenants.origins import check_origins
from bursa.tenants.stacks import StackKind
from wire.layout import COLLAR_PPM_MAX, FEE_PPM_MAX, TIER_MAX

_SYMBOL_CHARACTERS_MAX = 16
_INT64_MAX = (1 << 63) - 1
# A week: whoever is not a thief wants its money some day.
_PAUSE_S_MAX = 604_800
# Those that tenants/blueprints/identity.yaml has mails in.
MAIL_LANGUAGES = ("de", "en", "es", "fr", "id", "pt")


Path = tuple[str | int, ...]


class DescriptionError(Exception):
    """Raised with every fault: where it is, and a sentence that says what to do."""

    def __init__(self, faults: Sequence[tuple[Path, str]]) -> None:
        super().__init__("; ".join(f"{text_of(at)}: {message}" for at, message in faults))
        self.faults = tuple(faults)


def _decimal(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Real):
        raise ValueError(f'write the number in quotes ("{value}"), so that no digit of it is lost')  # noqa: TRY004 - pydantic takes a ValueError
    return value


def _email(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise ValueError("is no e-mail address")
    return value.lower()


Decimal = Annotated[str, BeforeValidator(_decimal)]
Email = Annotated[str, BeforeValidator(_email)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,10}$")]
Host = Annotated[
    str, Field(pattern=r"^(\*|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$", max_length=253)
]
Whole = Annotated[int, Field(ge=0, le=_INT64_MAX)]
Ppm = Annotated[int, Field(ge=0, le=COLLAR_PPM_MAX)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AssetPart(_Part):
    """An asset; one unit of its ledger is ``10 ** -scale``."""

    scale: Annotated[int, Field(ge=0, le=SCALE_MAX)]


MakerPpm = Annotated[int, Field(ge=-FEE_PPM_MAX, le=FEE_PPM_MAX)]
TakerPpm = Annotated[int, Field(ge=0, le=FEE_PPM_MAX)]


class TierPart(_Part):
    """A fee tier above the default one: from which volume in thirty days on, and its rates."""

    volume: Decimal
    maker_ppm: MakerPpm
    taker_ppm: TakerPpm


class FeesPart(_Part):
    """Fees of who has no tier of its own, and tiers by volume; a maker's may be negative."""

    maker_ppm: MakerPpm
    taker_ppm: TakerPpm
    currency: Symbol | None = None
    tiers: Annotated[list[TierPart], Field(max_length=TIER_MAX)] = []


class ProtectionPart(_Part):
    """See `bursa.tenants.listing.PriceProtection`; 0 for no such limit."""

    collar_ppm: Ppm = PriceProtection().collar_ppm
    market_collar_ppm: Ppm = PriceProtection().market_collar_ppm
    breaker_ppm: Ppm = PriceProtection().breaker_ppm
    reference_interval_ms: Whole = PriceProtection().reference_interval_ms
    least_orders: Whole = PriceProtection().least_orders
    auction_ms: Whole = PriceProtection().auction_ms


class MarketPart(_Part):
    """A market; its key is its two assets, as in BTC-USDT."""

    tick_size: Decimal
    lot_size: Decimal
    min_notional: Decimal
    opening_price: Decimal = ""
    protection: ProtectionPart = ProtectionPart()


class RatePart(_Part):
    """So many a second, and so many at once after a pause."""

    per_s: Whole
    burst: Whole


class OpenLimitsPart(_Part):
    """See `bursa.tenants.listing.OpenLimits`."""

    orders_per_market: Whole = OpenLimits().orders_per_market
    orders: Whole = OpenLimits().orders
    holds: Whole = OpenLimits().holds


class UserPart(_Part):
    """A user to invite.

    `confirmed_subject` names an existing user of the pool of whom the operator knows that the
    address is its own; `level` is at which it knows who the user is.
    """

    email: Email
    credits: dict[Symbol, Decimal] = {}
    confirmed_subject: str = ""
    level: Annotated[int, Field(ge=0, lt=LEVELS_MAX)] = 0

    def deposits(self) -> tuple[Deposit, ...]:
        """Return what it is credited with, once."""
        return tuple(Deposit(asset, amount) for asset, amount in self.credits.items())


class SignInPart(_Part):
    """A user pool of the tenant's own, where it is not the one that the stack has made."""

    user_pool_id: Annotated[str, Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")]
    client_ids: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class ProviderPart(_Part):
    """An identity provider by OIDC whose users may sign in; its secret is in Secrets Manager."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{2,31}$")]
    issuer: Annotated[str, Field(pattern=r"^https://[^\s?#]{1,200}$")]
    client_id: Annotated[str, Field(pattern=r"^[\w.:~-]{1,200}$")]
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]{1,200}$")]
    sign_in_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    callback_urls: Annotated[
        list[Annotated[str, Field(pattern=r"^(https://[^\s,#]+|http://localhost[^\s,#]*)$")]],
        Field(min_length=1, max_length=20),
    ]


class ColoursPart(_Part):
    """See `bursa.tenants.branding.Colours`."""

    primary: str = Colours().primary
    on_primary: str = Colours().on_primary
    background: str = Colours().background
    text: str = Colours().text


class BrandingPart(_Part):
    """See `bursa.tenants.branding.Branding`, whose checks are those of the values."""

    display_name: str = ""
    logo_url: str = ""
    support_url: str = ""
    colours: ColoursPart = ColoursPart()
    languages: list[str] = ["en"]
    legal: dict[str, dict[str, str]] = {}

    def branding(self) -> Branding:
        """Return it as it is kept."""
        colours = Colours(**self.colours.model_dump())
        plain = self.model_dump(exclude={"colours", "languages"})
        return Branding(**plain, colours=colours, languages=tuple(self.languages))


class TenantFile(_Part):
    """A tenant; see docs/onboarding.md."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    hosts: list[Host] = []
    origins: list[str] = []
    shard: Annotated[int, Field(ge=0)] | None = None
    branding: BrandingPart | None = None
    sign_in: SignInPart | None = None
    provider: ProviderPart | None = None
    passkey_domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    sign_up: Literal["open", "closed"] = "closed"
    withdrawal_pause_s: Annotated[int, Field(ge=0, le=_PAUSE_S_MAX)] | None = None
    assets: Annotated[dict[Symbol, AssetPart], Field(min_length=1)]
    fees: FeesPart
    markets: Annotated[dict[str, MarketPart], Field(min_length=1)]
    limits: dict[str, RatePart | Annotated[int, Field(ge=1)]] = {}
    open_limits: OpenLimitsPart = OpenLimitsPart()
    play_money: bool = False
    kyc: KycPart | None = None
    admin: UserPart
    users: list[UserPart] = []

    def choices(self, kind: StackKind) -> dict[str, str]:
        """Return the parameters that it chooses of a stack of its own."""
        if kind is not StackKind.USERS:
            return {}
        branding, provider = self.branding or BrandingPart(), self.provider
        language = branding.languages[0].partition("-")[0] if branding.languages else ""
        return {
            "SignUp": self.sign_up,
            # It stands in mails, which are pages.
            "BrandName": branding.display_name.replace("<", "").replace(">", ""),
            "Language": language if language in MAIL_LANGUAGES else "en",
            "PasskeyDomain": self.passkey_domain or "",
            "OidcName": provider.name if provider else "",
            "OidcIssuer": provider.issuer if provider else "",
            "OidcClientId": provider.client_id if provider else "",
            "OidcSecret": provider.secret if provider else "",
            "SignInDomain": provider.sign_in_domain if provider else "",
            "CallbackUrls": ",".join(provider.callback_urls) if provider else "",
        }

    def everybody(self) -> Iterator[UserPart]:
        """Yield the admin, then the other users."""
        yield self.admin
        yield from self.users

    def listing(self) -> Listing:
        """Return what the tenant trades; raises `ValueError` for a market's name that is none."""
        return Listing(
            tuple(AssetListing(symbol, asset.scale) for symbol, asset in self.assets.items()),
            tuple(_market(symbol, market) for symbol, market in self.markets.items()),
            self.fees.maker_ppm,
            self.fees.taker_ppm,
            OpenLimits(**self.open_limits.model_dump()),
        )

    def fee_tiers(self) -> FeeTiers | None:
        """Return the tiers that it begins with; raises `InvalidInput` for what are none."""
        fees, volumes = self.fees, [0]
        if fees.currency is None or not fees.tiers:
            return None
        scale = self.assets[fees.currency].scale
        volumes += [parse_units(one.volume, scale, "volume") for one in fees.tiers]
        parts: list[FeesPart | TierPart] = [fees, *fees.tiers]
        rates = tuple(Rates(one.maker_ppm, one.taker_ppm) for one in parts)
        check_schedule(volumes, rates)
        return FeeTiers(FeeSchedule(fees.currency, scale, tuple(volumes[1:])), rates)

    def tenant_limits(self) -> TenantLimits:
        """Return the limits; what the file leaves out has its default."""
        named: dict[str, Any] = {
            name: Rate(limit.per_s, limit.burst) if isinstance(limit, RatePart) else limit
            for name, limit in self.limits.items()
        }
        return DEFAULT_LIMITS._replace(**named)


def _market(symbol: str, market: MarketPart) -> MarketListing:
    base, quote = symbol.split("-")
    protection = PriceProtection(**market.protection.model_dump())
    return MarketListing(
        base,
        quote,
        market.tick_size,
        market.lot_size,
        market.min_notional,
        protection,
        market.opening_price,
    )


def describe(content: object) -> TenantFile:
    """Return what plain values say of a tenant; raises `DescriptionError` with every fault."""
    try:
        tenant = TenantFile.model_validate(content)
    except ValidationError as error:
        raise DescriptionError(list(_of_form(error))) from None
    faults = list(_of_sense(tenant))
    if faults:
        raise DescriptionError(faults)
    return tenant


def _of_form(error: ValidationError) -> Iterator[tuple[Path, str]]:
    for one in error.errors(include_url=False, include_context=False):
        place = tuple(part for part in one["loc"] if part not in {"[key]", "RatePart"})
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            message = "there is no such field: remove it, or see docs/onboarding.md"
        elif one["type"] == "missing":
            message = "is missing"
        yield place, f"{message}."


def _of_sense(tenant: TenantFile) -> Iterator[tuple[Path, str]]:
    """Yield what no form shows: things that do not fit together."""
    if re.fullmatch(r"t[0-9]+", tenant.name, re.ASCII):
        yield ("name",), "looks like a tenant's id: choose another."
    if tenant.fees.maker_ppm + tenant.fees.taker_ppm < 0:
        yield ("fees", "maker_ppm"), "a rebate may be no more than the taker's fee."
    yield from _of_tiers(tenant)
    for symbol, market in tenant.markets.items():
        yield from _of_market(tenant, symbol, market)
    yield from _of_limits(tenant)
    yield from _caught(("origins",), check_origins, frozenset(tenant.origins))
    if tenant.branding is not None:
        for at, message in faults(tenant.branding.branding()):
            yield ("branding", *at), message
    if tenant.kyc is not None:
        yield from _caught(("kyc", "levels"), _check_levels, tenant.kyc, tenant.markets)
        yield from _of_provider(tenant.kyc)
    seen = set()
    for place, user in _users(tenant):
        if user.email in seen:
            yield (*place, "email"), f"{user.email} is there twice: keep one."
        seen.add(user.email)
        if user.level and (tenant.kyc is None or user.level not in _levels(tenant.kyc)):
            yield (*place, "level"), "is no level of this tenant: see kyc, or remove it."
        yield from _of_credits(tenant, place, user)


def _of_tiers(tenant: TenantFile) -> Iterator[tuple[Path, str]]:
    fees = tenant.fees
    if (fees.currency is None) == bool(fees.tiers):
        yield (
            ("fees", "currency"),
            "name it if there are tiers: their volumes are counted in it.",
        )
    elif fees.currency is not None and fees.currency not in tenant.assets:
        yield ("fees", "currency"), f"{fees.currency} is not among the assets: add it there."
    else:
        yield from _caught(("fees", "tiers"), tenant.fee_tiers)


def _check_levels(kyc: KycPart, markets: Collection[str]) -> None:
    pairs = [(base, quote) for base, _, quote in (one.partition("-") for one in markets)]
    require_countable(kyc.rules().levels, pairs)


def _of_provider(kyc: KycPart) -> Iterator[tuple[Path, str]]:
    """Yield levels that a provider elsewhere would be asked about without a name for them."""
    at: Path = ("kyc", "provider_levels")
    if kyc.provider not in ELSEWHERE:
        if kyc.provider_levels:
            yield at, f"{kyc.provider} knows no names: remove it."
        return
    for level in _levels(kyc)[1:]:
        if level not in kyc.provider_levels:
            yield at, f"name how {kyc.provider} checks level {level}."


def _levels(kyc: KycPart) -> range:
    """Return the numbers of a tenant's levels; of levels that are faulty, all."""
    try:
        return range(len(kyc.rules().levels.levels))
    except InvalidInput:
        return range(LEVELS_MAX)


def _of_market(tenant: TenantFile, symbol: str, market: MarketPart) -> Iterator[tuple[Path, str]]:
    at: Path = ("markets", symbol)
    assets = symbol.split("-")
    if len(assets) != 2 or assets[0] == assets[1]:  # noqa: PLR2004 - base and quote
        yield at, "name a market by its two assets, as in BTC-USDT."
        return
    if len(symbol) > _SYMBOL_CHARACTERS_MAX:
        yield at, f"is longer than {_SYMBOL_CHARACTERS_MAX} characters."
    missing = [asset for asset in assets if asset not in tenant.assets]
    if missing:
        yield at, f"{missing[0]} is not among the assets: add it there."
        return
    base_scale, quote_scale = (tenant.assets[asset].scale for asset in assets)
    listing = _market(symbol, market)
    faults = list(_caught(at, market_steps, listing, base_scale, quote_scale))
    yield from faults or _caught((*at, "opening_price"), check_opening, listing)
    least = market.min_notional
    yield from _caught((*at, "min_notional"), parse_units, least, quote_scale, "min_notional")


def _of_limits(tenant: TenantFile) -> Iterator[tuple[Path, str]]:
    for name, limit in tenant.limits.items():
        is_rate = isinstance(getattr(DEFAULT_LIMITS, name, None), Rate)
        if name not in LIMIT_NAMES:
            yield ("limits", name), f"there is no such limit; there are {', '.join(LIMIT_NAMES)}."
        elif is_rate != isinstance(limit, RatePart):
            form = "a rate: { per_s: 50, burst: 250 }" if is_rate else "a whole number"
            yield ("limits", name), f"is {form}."
        else:
            value = Rate(limit.per_s, limit.burst) if isinstance(limit, RatePart) else limit
            limits = DEFAULT_LIMITS._replace(**{name: value})  # type: ignore[arg-type]  # by name
            yield from _caught(("limits", name), check_limits, limits)


def _of_credits(tenant: TenantFile, at: Path, user: UserPart) -> Iterator[tuple[Path, str]]:
    if user.credits and not tenant.play_money:
        yield (
            (*at, "credits"),
            "would be money from nothing: say play_money: true, or remove them.",
        )
    for asset, amount in user.credits.items():
        place: Path = (*at, "credits", asset)
        if asset not in tenant.assets:
            yield place, f"{asset} is not among the assets: add it there."
            continue
        scale = tenant.assets[asset].scale
        yield from _caught(place, parse_units, amount, scale, "amount")


def _users(tenant: TenantFile) -> Iterator[tuple[Path, UserPart]]:
    yield ("admin",), tenant.admin
    for at, user in enumerate(tenant.users):
        yield ("users", at), user


def _caught(at: Path, check: Callable[..., object], *values: object) -> Iterator[tuple[Path, str]]:
    """Yield what a check of `bursa` says; a size of a market is at its own field."""
    try:
        check(*values)
    except InvalidInput as error:
        is_size = error.field in {"tick_size", "lot_size"}
        yield (*at, error.field or "") if is_size else at, error.detail


def text_of(path: Path) -> str:
    """Return where a fault is; ``tenant`` for the whole."""
    return ".".join(str(part) for part in path) or "tenant"
