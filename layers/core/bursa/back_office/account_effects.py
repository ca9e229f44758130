"""Changes of accounts: frozen or not, credits and debits, roles; and how much takes two people.

What the engine has of an account is in no table, so the state that was set last lies in the audit
table beside the entry that says so, and so does a tenant's amount of an asset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent, Note
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import USER, Markets, Notes, Tools, WithoutNotes
from bursa.back_office.roles import Action, Role, group_of, role_of
from bursa.back_office.staff import TERM_SHELF, last_term_ms, term_name
from bursa.back_office.user_accounts import account_named
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import format_units, parse_units
from bursa.kernel.errors import Conflict, InvalidInput, NotFound, Refused
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from bursa.kernel.markets import Asset
from wire import codec
from wire import layout as w

ASSET: Final = "asset:"
STATES: Final = "account-state"
AMOUNTS: Final = "four-eyes"
TERM_MS_MAX: Final = 92 * 86_400_000
_ACTIVE: Final = "active"
_FROZEN: Final = "frozen"


def _latest(notes: Notes, tenant: TenantId, shelf: str, about: str) -> Mapping[str, Any]:
    """Return what was kept last of something; nothing for nothing."""
    found = notes.notes(tenant, shelf, f"{about}/", 1)
    return found[0][1] if found else {}


def _kept(shelf: str, about: str, intent: Intent, content: Facts) -> Note:
    """Return what is kept of something from now on; the request makes its name one of its own."""
    return Note(shelf, f"{about}/{intent.at_ms:015d}-{intent.deed.request}", content)


def is_frozen(notes: Notes, account: AccountId) -> bool:
    """Return whether an account was frozen, and not unfrozen since. Raises `Unavailable`."""
    return bool(_latest(notes, account.tenant, STATES, str(account)).get("state") == _FROZEN)


@dataclass(frozen=True, slots=True)
class StateOfAccount:
    """Freezes an account, which closes its orders, or lets it trade again; its sub-accounts too."""

    tools: Tools
    tenant: TenantId
    subject: str
    state: str

    def before(self) -> Facts:
        """Return its state; raises `NotFound` ``unknown_user``, ``no_account``."""
        account = self.tools.users.account(self.tenant, self.subject)
        return {"state": _FROZEN if is_frozen(self.tools.notes, account) else _ACTIVE}

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine set it."""
        account = self.tools.users.account(self.tenant, self.subject)
        frozen = self.state == _FROZEN
        state = w.ACCOUNT_STATE_FROZEN if frozen else w.ACCOUNT_STATE_ACTIVE
        done: set[AccountId] = set()
        # Whoever is being frozen may open another one meanwhile, and move what is there.
        while left := [one for one in self._all_of(account) if one not in done]:
            for one in left:
                kept = w.SETTING_KEPT
                command = _command(w.COMMAND_SET_ACCOUNT, one, kept, kept, state)
                self.tools.commands.submit(intent, one, [command])
            done.update(left)
        return {"state": self.state}

    def _all_of(self, account: AccountId) -> list[AccountId]:
        sub_accounts = self.tools.sub_accounts.read(account.owner).by_seat.values()
        return [account, *(each.account for each in sub_accounts)]

    def notes(self, intent: Intent) -> Sequence[Note]:
        """Return the state, for who asks next."""
        account = self.tools.users.account(self.tenant, self.subject)
        return [_kept(STATES, str(account), intent, {"state": self.state})]


@dataclass(frozen=True, slots=True)
class MoneyMovement(WithoutNotes):
    """Credits an account, or debits it; the request's name is the transfer's reference.

    `name` is of one of the user's sub-accounts, or empty: whichever it is, it counts as the user's.
    """

    tools: Tools
    tenant: TenantId
    subject: str
    kind: int
    symbol: str
    amount: str
    name: str = ""

    def before(self) -> Facts:
        """Return nothing.

        Raises `NotFound` ``unknown_user``, ``no_account``, ``unknown_account``,
        ``unknown_asset``; `InvalidInput` for an amount that is none; `Refused` ``account_closed``
        for a credit that nobody could use.
        """
        self._account()
        if (
            self.kind == w.COMMAND_CREDIT
            and self.tools.users.get(self.tenant, self.subject).is_closed
        ):
            raise Refused("account_closed", "The user has closed the account: credit another one.")
        units_of(self.tools.markets, self.tenant, self.symbol, self.amount)
        return {}

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine move it."""
        account = self._account()
        asset = asset_named(self.tools.markets, self.tenant, self.symbol)
        units = _units(asset, self.amount)
        reference = CommandId.from_hex(intent.deed.request)
        command = _command(
            self.kind, account, asset.number, units, 0, reference.high, reference.low
        )
        self.tools.commands.submit(intent, account, [command])
        amount = format_units(units, asset.scale)
        after = {"asset": asset.symbol, "amount": amount, "reference": intent.deed.request}
        return after | ({"account": self.name} if self.name else {})

    def _account(self) -> AccountId:
        main = self.tools.users.account(self.tenant, self.subject)
        return account_named(main, self.name, self.tools.sub_accounts)


@dataclass(frozen=True, slots=True)
class RoleOfUser:
    """Sets or ends the role of a user; its sessions end, so that it counts at once."""

    tools: Tools
    tenant: TenantId
    subject: str
    role: str
    until_ms: int

    def before(self) -> Facts:
        """Return its role.

        Raises `NotFound` ``unknown_user``, ``no_account``; `InvalidInput` ``invalid_until_ms``: a
        regulator has a term, nobody else has.
        """
        if (self.role == Role.REGULATOR) != bool(self.until_ms):
            raise InvalidInput(
                "invalid_until_ms",
                "Send until_ms for a regulator, and only then.",
                field="until_ms",
            )
        self.tools.users.account(self.tenant, self.subject)
        role = role_of(self.tools.users.get(self.tenant, self.subject).entry.groups)
        return {"role": str(role) if role else None}

    def carry_out(self, intent: Intent) -> Facts:
        """Change the groups of the pool, and end the sessions that had the old ones.

        Raises `Conflict` ``overtaken``: what broke off long ago must not undo what came later.
        """
        if last_term_ms(self.tools.notes, self.tenant, self.subject) > intent.at_ms:
            raise Conflict("overtaken", "The role was set again since: ask anew.")
        if self.until_ms > intent.at_ms + TERM_MS_MAX or (
            self.until_ms and self.until_ms <= intent.at_ms
        ):
            raise InvalidInput(
                "invalid_until_ms", "Send until_ms as a time in the next 92 days.", field="until_ms"
            )
        profile = self.tools.profiles.public_profile(self.tenant)
        if profile is None:
            raise NotFound("unknown_user", "Find the user by its e-mail address first.")
        groups = [group_of(role) for role in Role if role != self.role]
        has = self.tools.users.get(self.tenant, self.subject).entry.groups
        join = group_of(Role(self.role)) if self.role else ""
        leave = [group for group in groups if group in has]
        self.tools.pools.set_groups(profile.issuer, self.subject, leave, join)
        account = self.tools.users.account(self.tenant, self.subject)
        # Up to now, not to when it was asked: a session of between had the old role.
        self.tools.sessions.end(account, self.subject, self.tools.clock.now_ms())
        return {"role": self.role or None, "until_ms": self.until_ms or None}

    def notes(self, intent: Intent) -> Sequence[Note]:
        """Return the term, which is over for everybody but a regulator."""
        # The request makes it a name of its own: two may be of one millisecond.
        name = f"{term_name(self.subject, intent.at_ms)}-{intent.deed.request}"
        return [Note(TERM_SHELF, name, {"until_ms": self.until_ms})]


@dataclass(frozen=True, slots=True)
class DefaultFees(WithoutNotes):
    """Sets the fees that accounts have by default, in parts per million."""

    tools: Tools
    tenant: TenantId
    maker_ppm: int
    taker_ppm: int

    def before(self) -> Facts:
        """Return those that are in force; raises `NotFound` ``unknown_market``: there are none."""
        markets = self.tools.markets.all(self.tenant)
        if not markets:
            raise NotFound("unknown_market", "List a market first.")
        return {"maker_ppm": markets[0].maker_ppm, "taker_ppm": markets[0].taker_ppm}

    def carry_out(self, intent: Intent) -> Facts:
        """Have the engine set them; it refuses a rebate that the taker's fee does not cover."""
        number, maker, taker = self.tenant.number, self.maker_ppm, self.taker_ppm

        def build(header: CommandHeader) -> bytes:
            body = (number, 0, maker, taker)
            return codec.encode(w.COMMAND_SET_FEE_TIER, 0, *body, **header.words())

        self.tools.commands.submit(intent, self.tenant.fee_account, [build])
        return {"maker_ppm": maker, "taker_ppm": taker}


@dataclass(frozen=True, slots=True)
class AmountForOne:
    """Sets up to which amount of an asset one person may credit and debit alone."""

    tools: Tools
    tenant: TenantId
    symbol: str
    amount: str

    def before(self) -> Facts:
        """Return it; raises as `MoneyMovement.before` does of the asset and the amount."""
        asset = asset_named(self.tools.markets, self.tenant, self.symbol)
        _units(asset, self.amount, least=0)
        units = amount_for_one(self.tools.notes, self.tenant, self.symbol)
        return {"amount": format_units(units, asset.scale)}

    def carry_out(self, _intent: Intent) -> Facts:
        """Do nothing: it is kept with the outcome."""
        return {"amount": self.amount}

    def notes(self, intent: Intent) -> Sequence[Note]:
        """Return the amount, in ledger units."""
        asset = asset_named(self.tools.markets, self.tenant, self.symbol)
        units = _units(asset, self.amount, least=0)
        return [_kept(AMOUNTS, self.symbol, intent, {"units": units})]


def amount_for_one(notes: Notes, tenant: TenantId, symbol: str) -> int:
    """Return up to how many ledger units one person may move alone; 0 unless it was set."""
    return int(_latest(notes, tenant, AMOUNTS, symbol).get("units", 0))


def units_of(markets: Markets, tenant: TenantId, symbol: str, amount: str) -> int:
    """Return an amount in ledger units of its asset.

    Raises `NotFound` ``unknown_asset``, `InvalidInput` for an amount that is none.
    """
    return _units(asset_named(markets, tenant, symbol), amount)


def asset_named(markets: Markets, tenant: TenantId, symbol: str) -> Asset:
    """Return an asset; raises `NotFound` ``unknown_asset``."""
    found = markets.asset(tenant, symbol)
    if found is None:
        raise NotFound("unknown_asset", "Choose one of the exchange's assets.")
    return found


def _units(asset: Asset, amount: str, least: int = 1) -> int:
    units = parse_units(amount, asset.scale, "amount")
    if units < least:
        raise InvalidInput(
            "amount_not_positive", "Send an amount greater than zero.", field="amount"
        )
    return units


def _command(kind: int, account: AccountId, *body: int) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        return codec.encode(kind, account.number, *body, **header.words())

    return build


def account_effects(tools: Tools) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""

    def money(kind: int) -> EffectBuilder:
        return lambda tenant, about, asked: MoneyMovement(
            tools,
            tenant,
            about.removeprefix(USER),
            kind,
            asked["asset"],
            asked["amount"],
            asked.get("account") or "",
        )

    def state(name: str) -> EffectBuilder:
        return lambda tenant, about, _: StateOfAccount(
            tools, tenant, about.removeprefix(USER), name
        )

    return {
        Action.FREEZE_ACCOUNTS: state(_FROZEN),
        Action.UNFREEZE_ACCOUNTS: state(_ACTIVE),
        Action.CREDIT: money(w.COMMAND_CREDIT),
        Action.DEBIT: money(w.COMMAND_DEBIT),
        Action.SET_ROLES: lambda tenant, about, asked: RoleOfUser(
            tools, tenant, about.removeprefix(USER), asked["role"] or "", asked["until_ms"] or 0
        ),
        Action.SET_FEES: lambda tenant, _, asked: DefaultFees(
            tools, tenant, asked["maker_ppm"], asked["taker_ppm"]
        ),
        Action.SET_FOUR_EYES: lambda tenant, about, asked: AmountForOne(
            tools, tenant, about.removeprefix(ASSET), asked["amount"]
        ),
    }
