"""The file that describes a tenant, and every fault in it before anything is sent.

It holds what the operator decides: names, markets, limits, who is invited. It never holds a
password, and what it leaves out has the default of `bursa.tenants`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bursa.compliance.calendar_time import DAY_MS
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS, LEVELS_MAX, levels_as_stored, levels_from
from bursa.compliance.steps import Rules
from bursa.compliance.tenant_rules import require_countable
from bursa.kernel.amounts import SCALE_MAX, parse_units
from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate
from bursa.tenants.branding import Branding, Colours, faults
from bursa.tenants.limits import DEFAULT_LIMITS, LIMIT_NAMES, TenantLimits, check_limits
from bursa.tenants.onboarding import (
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
from scripts.onboard.lines import Path, YamlError, read_yaml
from wire.layout import COLLAR_PPM_MAX, FEE_PPM_MAX

BYTES_MAX = 1 << 20
_SYMBOL_CHARACTERS_MAX = 16
_INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file: the line, the field by its path, and what to do."""

    line: int
    field: str
    message: str


class TenantFileError(Exception):
    """Raised with every fault of a file."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        super().__init__(
            "\n".join(f"{name}:{one.line}: {one.field}: {one.message}" for one in faults)
        )
        self.name = name
        self.faults = tuple(faults)


def _decimal(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(f'write the number in quotes ("{value}"), so that no digit of it is lost')  # noqa: TRY004 - pydantic takes a ValueError
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


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
Days = Annotated[int, Field(ge=1, le=30)]
Ppm = Annotated[int, Field(ge=0, le=COLLAR_PPM_MAX)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AssetPart(_Part):
    """An asset; one unit of its ledger is ``10 ** -scale``."""

    scale: Annotated[int, Field(ge=0, le=SCALE_MAX)]


class FeesPart(_Part):
    """Fees of who has no tier of its own, in parts per million; a maker's may be negative."""

    maker_ppm: Annotated[int, Field(ge=-FEE_PPM_MAX, le=FEE_PPM_MAX)]
    taker_ppm: Annotated[int, Field(ge=0, le=FEE_PPM_MAX)]


class ProtectionPart(_Part):
    """See `bursa.tenants.onboarding.PriceProtection`; 0 for no such limit."""

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
    """See `bursa.tenants.onboarding.OpenLimits`."""

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


class KycPart(_Part):
    """How a tenant learns who its users are; see docs/compliance.md."""

    provider: Literal["manual", "sandbox", "sumsub", "onfido"]
    four_eyes: bool = False
    provider_days: Days = DEFAULT_POLICY.provider_ms_max // DAY_MS
    resubmission_days: Days = DEFAULT_POLICY.resubmission_ms_max // DAY_MS
    pause_days: Days = DEFAULT_POLICY.pause_ms // DAY_MS
    # As `bursa.compliance.levels.levels_from` reads them; its own errors are about them.
    levels: dict[str, Any] = Field(default_factory=lambda: levels_as_stored(DEFAULT_LEVELS))

    def rules(self) -> Rules:
        """Return them as they are kept; raises `InvalidInput` ``invalid_levels``."""
        levels = levels_from(self.levels)
        require_countable(levels)
        policy = replace(
            DEFAULT_POLICY,
            four_eyes=self.four_eyes,
            provider_ms_max=self.provider_days * DAY_MS,
            resubmission_ms_max=self.resubmission_days * DAY_MS,
            pause_ms=self.pause_days * DAY_MS,
        )
        return Rules(levels, policy, self.provider)


class SignInPart(_Part):
    """A user pool of the tenant's own, where it is not the one that the stack has made."""

    user_pool_id: Annotated[str, Field(pattern=r"^[\w-]+_[0-9A-Za-z]+$")]
    client_ids: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


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
    sign_up: Literal["open", "closed"] = "closed"
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
        return {"SignUp": self.sign_up} if kind is StackKind.USERS else {}

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

    def tenant_limits(self) -> TenantLimits:
        """Return the limits; what the file leaves out has its default."""
        named: dict[str, Any] = {
            name: Rate(limit.per_s, limit.burst) if isinstance(limit, RatePart) else limit
            for name, limit in self.limits.items()
        }
        return DEFAULT_LIMITS._replace(**named)

    def deposits(self, user: UserPart) -> tuple[Deposit, ...]:
        """Return what a user is credited with, once."""
        return tuple(Deposit(asset, amount) for asset, amount in user.credits.items())


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


def read_file(path: FilePath) -> TenantFile:
    """Read a tenant.

    Raises
    ------
    TenantFileError
        Names every fault with its line; nothing was sent to anybody.

    """
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        raise TenantFileError(str(path), [Fault(1, "file", f"{error.strerror}.")]) from None
    except UnicodeDecodeError:
        raise TenantFileError(str(path), [Fault(1, "file", "is no text in UTF-8.")]) from None
    if len(content) > BYTES_MAX:
        raise TenantFileError(str(path), [Fault(1, "file", "is larger than a megabyte.")])
    return parse(text, str(path))


def parse(text: str, name: str) -> TenantFile:
    """Read a tenant from YAML; raises as `read_file` does."""
    try:
        content, lines = read_yaml(text)
    except YamlError as fault:
        raise TenantFileError(name, [Fault(fault.line, "file", fault.message)]) from None
    try:
        tenant = TenantFile.model_validate(content)
    except ValidationError as error:
        raise TenantFileError(name, list(_of_form(error, lines))) from None
    faults = [Fault(_line(at, lines), _text(at), message) for at, message in _of_sense(tenant)]
    if faults:
        raise TenantFileError(name, faults)
    return tenant


def _of_form(error: ValidationError, lines: dict[Path, int]) -> Iterator[Fault]:
    for one in error.errors(include_url=False, include_context=False):
        place = tuple(part for part in one["loc"] if part not in {"[key]", "RatePart"})
        at = _known(place, lines)
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            message = "there is no such field: remove it, or see docs/onboarding.md"
        elif one["type"] == "missing":
            message = "is missing"
        yield Fault(_line(at, lines), _text(place) or "file", f"{message}.")


def _of_sense(tenant: TenantFile) -> Iterator[tuple[Path, str]]:
    """Yield what no form shows: things that do not fit together."""
    if tenant.fees.maker_ppm + tenant.fees.taker_ppm < 0:
        yield ("fees", "maker_ppm"), "a rebate may be no more than the taker's fee."
    for symbol, market in tenant.markets.items():
        yield from _of_market(tenant, symbol, market)
    yield from _of_limits(tenant)
    yield from _caught(("origins",), check_origins, frozenset(tenant.origins))
    if tenant.branding is not None:
        for at, message in faults(tenant.branding.branding()):
            yield ("branding", *at), message
    if tenant.kyc is not None:
        yield from _caught(("kyc", "levels"), tenant.kyc.rules)
    seen = set()
    for place, user in _users(tenant):
        if user.email in seen:
            yield (*place, "email"), f"{user.email} is there twice: keep one."
        seen.add(user.email)
        if user.level and (tenant.kyc is None or user.level not in _levels(tenant.kyc)):
            yield (*place, "level"), "is no level of this tenant: see kyc, or remove it."
        yield from _of_credits(tenant, place, user)


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


def _known(path: Path, lines: dict[Path, int]) -> Path:
    """Return the longest part of a path that is in the file."""
    while path and path not in lines:
        path = path[:-1]
    return path


def _line(path: Path, lines: dict[Path, int]) -> int:
    return lines.get(_known(path, lines), 1)


def _text(path: Path) -> str:
    return ".".join(str(part) for part in path)


def as_content(listing: Listing) -> dict[str, Any]:
    """Return a listing as plain values, to be kept and compared."""
    content: dict[str, Any] = asdict(listing)
    return content
