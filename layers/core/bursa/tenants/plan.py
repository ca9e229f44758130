"""What opening a tenant would change: its file against what the directory and the pool have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bursa.compliance.steps import Rules
from bursa.fees.schedule import FeeSchedule
from bursa.identity.pool_user import PoolUser
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.branding import Branding
from bursa.tenants.description import TenantDescription, UserDescription
from bursa.tenants.limits import LIMIT_NAMES
from bursa.tenants.lister import Lister
from bursa.tenants.listings import SentListing, as_content
from bursa.tenants.place import Place, Stacks
from bursa.tenants.profile import TenantProfile
from bursa.tenants.stacks import StackKind, StackState

ADD, CHANGE, KEEP = "add", "change", "keep"
_ACTIONS = {StackState.ABSENT: ADD, StackState.OUTDATED: CHANGE, StackState.CURRENT: KEEP}


class Directory(Protocol):
    """The directory, read only."""

    def tenant_of_host(self, host: str) -> TenantId | None:
        """Return the tenant that a host name belongs to."""

    def withdrawal_pause_s(self, tenant: TenantId) -> int | None:
        """Return how long a security event pauses withdrawals; None where nobody said."""

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Return the account of a user."""

    def asset_scale(self, tenant: TenantId, symbol: str) -> int | None:
        """Return the scale of an asset that is there, whoever lists it; None where none is."""

    def market_lister(self, tenant: TenantId, symbol: str) -> Lister | None:
        """Return who lists a market; None for none."""


class Users(Protocol):
    """The user pool, read only."""

    def find_user(self, email: str) -> PoolUser | None:
        """Return the user with an address."""


class Listings(Protocol):
    """What was last listed, read only."""

    def last(self, tenant: TenantId) -> SentListing | None:
        """Return what was last sent."""


class Brandings(Protocol):
    """How tenants look, read only."""

    def find(self, tenant: TenantId) -> Branding | None:
        """Return a tenant's branding; None while it has none."""


class IdentityChecks(Protocol):
    """How tenants learn who their users are, read only."""

    def find(self, tenant: TenantId) -> Rules | None:
        """Return a tenant's rules; None for one that asks nobody."""


class FeeSchedules(Protocol):
    """From which volume on users have which fee tier, read only."""

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        """Return a tenant's schedule; None for one tier."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: what becomes of a thing."""

    action: str
    thing: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that opening would do.

    Attributes
    ----------
    steps
        In the order in which they are carried out.
    listing
        What is to be sent, under its number; None when the last one is as wanted.

    """

    steps: tuple[Step, ...]
    listing: SentListing | None

    @property
    def changes(self) -> tuple[Step, ...]:
        """Those steps that change something."""
        return tuple(step for step in self.steps if step.action != KEEP)


@dataclass(frozen=True, slots=True)
class Planner:
    """Compares; changes nothing. A pool that is not made yet has no users."""

    directory: Directory
    users: Users | None
    listings: Listings
    brandings: Brandings
    checks: IdentityChecks
    fees: FeeSchedules
    stacks: Stacks

    def plan(self, tenant: TenantDescription, place: Place) -> Plan:
        """Return what would be done.

        Raises
        ------
        Conflict
            ``other_shard``, ``host_taken``, ``asset_fixed``, ``market_fixed``, ``not_unlisted``,
            ``market_listed_elsewhere``, ``user_not_ours``: it can't be done; says what to do
            instead.

        """
        profile = place.profile
        if profile is not None and profile.shard != place.shard:
            raise Conflict(
                "other_shard",
                f"{profile.name} is on shard {profile.shard} for good: name that one, or none.",
            )
        sent = None if profile is None else self.listings.last(profile.tenant)
        wanted = as_content(tenant.listing())
        if profile is not None:
            self._refuse_of_back_office(wanted, profile.tenant)
        steps = [
            *_of_profile(tenant, place, profile),
            *self._of_stacks(tenant, place),
            *self._of_pause(tenant, profile),
            *self._of_hosts(tenant, profile),
            *self._of_branding(tenant, profile),
            *self._of_checks(tenant, profile),
            *_of_listing(wanted, sent),
            *self._of_tiers(tenant, profile),
            *self._of_users(tenant, profile),
        ]
        return Plan(tuple(steps), _next(wanted, sent))

    def _refuse_of_back_office(self, wanted: Mapping[str, Any], tenant: TenantId) -> None:
        """Refuse what the tenant's back office has listed, or listed with another scale."""
        for asset in wanted["assets"]:
            scale = self.directory.asset_scale(tenant, asset["symbol"])
            if scale not in {None, asset["scale"]}:
                raise _asset_fixed(asset["symbol"], scale)
        for market in wanted["markets"]:
            if self.directory.market_lister(tenant, _symbol(market)) is Lister.BACK_OFFICE:
                raise Conflict(
                    "market_listed_elsewhere",
                    f"The back office lists {_symbol(market)}: leave it out of the file.",
                )

    def _of_stacks(self, tenant: TenantDescription, place: Place) -> Iterator[Step]:
        for kind, thing in ((StackKind.KEYS, "keys"), (StackKind.USERS, "user pool")):
            if kind is StackKind.USERS and not place.has_own_pool:
                yield Step(KEEP, thing, after=place.pool.user_pool_id if place.pool else "")
                continue
            state = StackState.ABSENT
            if place.tenant is not None:
                state = self.stacks.state(place.tenant, kind, tenant.choices(kind))
            yield Step(_ACTIONS[state], thing, after="of its own")

    def _of_pause(self, tenant: TenantDescription, profile: TenantProfile | None) -> Iterator[Step]:
        before = None if profile is None else self.directory.withdrawal_pause_s(profile.tenant)
        after = tenant.withdrawal_pause_s
        if before != after:
            said = ["as the deployment" if one is None else f"{one} s" for one in (before, after)]
            yield Step(CHANGE if profile else ADD, "withdrawal pause", *said)

    def _of_hosts(self, tenant: TenantDescription, profile: TenantProfile | None) -> Iterator[Step]:
        for host in tenant.hosts:
            owner = self.directory.tenant_of_host(host)
            if owner is not None and (profile is None or owner != profile.tenant):
                raise Conflict(
                    "host_taken", f"{host} belongs to {owner}; choose another name, or move it."
                )
            yield Step(ADD if owner is None else KEEP, f"host {host}")

    def _of_branding(
        self, tenant: TenantDescription, profile: TenantProfile | None
    ) -> Iterator[Step]:
        """Yield what is wanted; a file that says nothing leaves a branding as it is."""
        if tenant.branding is None:
            return
        wanted = tenant.branding.branding()
        before = None if profile is None else self.brandings.find(profile.tenant)
        for name, value in asdict(wanted).items():
            old = None if before is None else asdict(before)[name]
            yield _compared(f"branding {name}", old, value, again=False)

    def _of_checks(
        self, tenant: TenantDescription, profile: TenantProfile | None
    ) -> Iterator[Step]:
        """Yield what is wanted; a file that says nothing leaves the checks as they are."""
        if tenant.kyc is None:
            return
        wanted = tenant.kyc.rules()
        before = None if profile is None else self.checks.find(profile.tenant)
        if before == wanted:
            yield Step(KEEP, "kyc", after=wanted.provider)
        elif before is None:
            yield Step(ADD, "kyc", after=_checks(wanted))
        else:
            yield Step(CHANGE, "kyc", _checks(before), _checks(wanted))

    def _of_tiers(self, tenant: TenantDescription, profile: TenantProfile | None) -> Iterator[Step]:
        """Yield the tiers that a tenant begins with; later ones are its back office's."""
        tiers = tenant.fee_tiers()
        if tiers is None:
            return
        known = None if profile is None else self.fees.schedule(profile.tenant)
        if known is None:
            after = f"{len(tiers.rates)}, by volume in {tiers.schedule.currency}"
            yield Step(ADD, "fee tiers", after=after)
        else:
            yield Step(KEEP, "fee tiers", after="as its back office has them")

    def _of_users(self, tenant: TenantDescription, profile: TenantProfile | None) -> Iterator[Step]:
        for user in tenant.everybody():
            thing = f"admin {user.email}" if user is tenant.admin else f"user {user.email}"
            account = self._account(user, profile)
            yield Step(KEEP if account else ADD, thing, after=str(account or ""))

    def _account(self, user: UserDescription, profile: TenantProfile | None) -> AccountId | None:
        found = None if self.users is None else self.users.find_user(user.email)
        if found is None:
            return None
        account = None
        if profile is not None:
            account = self.directory.account_of(profile.tenant, found.subject)
        if account is None and found.is_claimed and user.confirmed_subject != found.subject:
            raise Conflict(
                "user_not_ours",
                f"{user.email} exists in the pool with the subject {found.subject} and has no "
                "account: somebody else has made it. Once you know that it is the owner of the "
                "address, name that subject as confirmed_subject of the user in the file.",
            )
        return account


def _next(wanted: Mapping[str, Any], sent: SentListing | None) -> SentListing | None:
    if sent is None:
        return SentListing(1, wanted, is_done=False)
    if _plain(sent.content) == _plain(wanted):
        return None if sent.is_done else sent
    return SentListing(sent.number + 1, wanted, is_done=False)


def _plain(content: Mapping[str, Any]) -> object:
    """Return content in which a tuple and the list that JSON made of it are the same."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in content.items()
    }


def _of_profile(
    tenant: TenantDescription, place: Place, profile: TenantProfile | None
) -> Iterator[Step]:
    limits, origins = tenant.tenant_limits(), frozenset(tenant.origins)
    if profile is None:
        yield Step(ADD, f"tenant {tenant.name}", after=f"shard {place.shard}")
        if origins:
            yield Step(ADD, "origins", after=_listed(origins))
        return
    clients = place.pool.client_ids if place.pool else profile.client_ids
    changed = profile.name != tenant.name or profile.client_ids != clients
    yield Step(
        CHANGE if changed else KEEP,
        f"tenant {tenant.name}",
        f"{profile.tenant} {profile.name}, clients {_listed(profile.client_ids)}"
        if changed
        else "",
        f"clients {_listed(clients)}" if changed else str(profile.tenant),
    )
    if profile.sign_up != tenant.sign_up:
        yield Step(CHANGE, "sign-up", profile.sign_up.value, tenant.sign_up)
    if profile.origins != origins:
        yield Step(CHANGE, "origins", _listed(profile.origins), _listed(origins))
    for name in LIMIT_NAMES:
        before, after = getattr(profile.limits, name), getattr(limits, name)
        if before != after:
            yield Step(CHANGE, f"limit {name}", _short(before), _short(after))


def _of_listing(wanted: Mapping[str, Any], sent: SentListing | None) -> Iterator[Step]:
    before: Mapping[str, Any] = {} if sent is None else sent.content
    # What was not carried out to its end is sent again, so it counts as new.
    lists_again = sent is not None and not sent.is_done
    old_assets = {one["symbol"]: one for one in before.get("assets", ())}
    old_markets = {_symbol(one): one for one in before.get("markets", ())}
    _refuse_unlisted(old_assets, wanted["assets"], "asset", "symbol")
    _refuse_unlisted(old_markets, wanted["markets"], "market", "")
    for asset in wanted["assets"]:
        old = old_assets.get(asset["symbol"])
        if old is not None and old != asset:
            raise _asset_fixed(asset["symbol"], old["scale"])
        action = ADD if old is None or lists_again else KEEP
        yield Step(action, f"asset {asset['symbol']}", after=f"scale {asset['scale']}")
    for name in ("maker_ppm", "taker_ppm"):
        yield _compared(f"fee {name}", before.get(name), wanted[name], again=lists_again)
    for name, value in wanted["open_limits"].items():
        old = before.get("open_limits", {}).get(name)
        yield _compared(f"open {name}", old, value, again=lists_again)
    for market in wanted["markets"]:
        yield from _of_market(old_markets.get(_symbol(market)), market, again=lists_again)


def _asset_fixed(symbol: str, scale: object) -> Conflict:
    return Conflict("asset_fixed", f"{symbol} has the scale {scale} for good: put that back.")


def _of_market(
    old: Mapping[str, Any] | None, market: Mapping[str, Any], *, again: bool
) -> Iterator[Step]:
    symbol = _symbol(market)
    if old is None:
        yield Step(
            ADD, f"market {symbol}", after=f"tick {market['tick_size']}, lot {market['lot_size']}"
        )
        return
    for name in ("tick_size", "lot_size"):
        if old[name] != market[name]:
            raise Conflict(
                "market_fixed", f"{symbol} has the {name} {old[name]} for good: put that back."
            )
    opened_with, price = old.get("opening_price", ""), market["opening_price"]
    if opened_with and opened_with != price:
        raise Conflict(
            "market_fixed",
            f"{symbol} has opened with {opened_with}, which happens once: put that back.",
        )
    yield Step(ADD if again else KEEP, f"market {symbol}")
    if price and not opened_with:
        yield Step(CHANGE, f"market {symbol} opening_price", "", price)
    if old["min_notional"] != market["min_notional"]:
        yield Step(
            CHANGE, f"market {symbol} min_notional", old["min_notional"], market["min_notional"]
        )
    for name, value in market["protection"].items():
        if old["protection"][name] != value:
            yield Step(CHANGE, f"market {symbol} {name}", str(old["protection"][name]), str(value))


def _refuse_unlisted(
    old: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]], kind: str, key: str
) -> None:
    gone = set(old) - {one[key] if key else _symbol(one) for one in wanted}
    if gone:
        raise Conflict(
            "not_unlisted",
            f"The {kind} {min(gone)} is listed, and leaving it out does not unlist it: put it back "
            "into the file.",
        )


def _compared(thing: str, before: object, after: object, *, again: bool) -> Step:
    if before is None:
        return Step(ADD, thing, after=str(after))
    if before == after and not again:
        return Step(KEEP, thing)
    return Step(CHANGE, thing, str(before), str(after))


def _symbol(market: Mapping[str, Any]) -> str:
    return f"{market['base']}-{market['quote']}"


def _checks(rules: Rules) -> str:
    names = ", ".join(level.name for level in rules.levels.levels)
    return f"{rules.provider}: {names}"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _short(limit: object) -> str:
    return f"{limit[0]}/s, {limit[1]} at once" if isinstance(limit, tuple) else str(limit)
