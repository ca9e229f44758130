"""The routes of a tenant's back office: who is let in, what is read, what is changed."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

from bursa.accounts.sub_accounts import SubAccount, SubAccountRecords
from bursa.back_office.audit_entry import Facts, StoredEntry, parsed
from bursa.back_office.desk import Envelope
from bursa.back_office.effects import API_KEY, MARKET, USER
from bursa.back_office.roles import Action, Role, may
from bursa.back_office.staff import Staff
from bursa.back_office.users import FoundUser
from bursa.dialects.native.admin_parameters import read_subject, require_key
from bursa.dialects.native.admin_requests import MarketStateRequest, ReasonRequest
from bursa.dialects.native.admin_responses import (
    AuditEntryState,
    AuditPage,
    KeyRevoked,
    MarketStateSet,
    OwnRole,
    SessionsEnded,
    StaffApiKeyList,
    StaffMarket,
    StaffMarketList,
    StaffSubAccount,
    StaffUser,
    StaffUserList,
)
from bursa.dialects.native.key_presentation import key_state
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.request_bodies import read_body
from bursa.identity.api_keys import ApiKey
from bursa.identity.principal import Principal
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market

_PAGE: Final = 50
_PAGE_MAX: Final = 100
_CURSOR: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
# Of an address, and of what a path names: no more of it is ever looked up or kept.
_NAME_LENGTH_MAX: Final = 254
_Change = TypeVar("_Change", bound=ReasonRequest | MarketStateRequest)


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""

    def term_until_ms(self, principal: Principal) -> int:
        """Return until when a regulator may read."""


class Desk(Protocol):
    """Makes changes and logs reads; see `bursa.back_office.desk.Desk`."""

    def change(
        self, staff: Staff, action: Action, about: str, asked: Facts, envelope: Envelope
    ) -> Facts:
        """Make a change and return what is there now."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class Users(Protocol):
    """Finds users of a tenant."""

    def find(self, tenant: TenantId, name: str) -> FoundUser | None:
        """Return the user with an e-mail address or a subject; None when there is none."""

    def account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account; raises `NotFound`."""


class Keys(Protocol):
    """API keys of accounts."""

    def of_account(self, account: AccountId) -> Sequence[ApiKey]:
        """Return all keys of an account that are kept."""


class Markets(Protocol):
    """A tenant's markets."""

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """List the markets by name."""


class AuditRecords(Protocol):
    """The entries of audit logs."""

    def latest(self, tenant: TenantId, before: int, limit: int) -> Sequence[StoredEntry]:
        """Return so many entries before a number, the newest first; 0 for the end of the log."""


class AdminRoutes:
    """What `functions/admin_api` serves."""

    def __init__(  # noqa: PLR0917 - one for each thing that is asked
        self,
        admission: Admission,
        desk: Desk,
        users: Users,
        keys: Keys,
        sub_accounts: SubAccountRecords,
        markets: Markets,
        records: AuditRecords,
        clock: WallClock,
        is_frozen: Callable[[AccountId | None], bool],
    ) -> None:
        self._is_frozen = is_frozen
        self._admit = admission
        self._desk = desk
        self._users = users
        self._keys = keys
        self._sub_accounts = sub_accounts
        self._markets = markets
        self._records = records
        self._clock = clock

    def own_role(self, principal: Principal, envelope: Envelope) -> OwnRole:
        """Return what the caller is; raises as `Admission` does."""
        staff = self._reader(principal, Action.SEE_OWN_ROLE, USER + principal.user, envelope)
        until_ms = self._admit.term_until_ms(principal) if staff.role is Role.REGULATOR else None
        return OwnRole(
            user_id=staff.name,
            role=staff.role.value,
            actions=[action.value for action in Action if may(staff.role, action)],
            until_ms=until_ms,
        )

    def users(
        self, principal: Principal, email: str | None, user_id: str | None, envelope: Envelope
    ) -> StaffUserList:
        """Return the user with an address or an id, or none."""
        staff = self._admit(principal, Action.READ_USERS)
        name = _user_name(email, user_id)
        self._desk.read(staff, Action.READ_USERS, _searched(email, name), envelope)
        found = self._users.find(staff.tenant, name)
        # A pool takes either for a name: who asked for one does not mean the other.
        is_meant = found is not None and (email is not None or found.entry.subject == user_id)
        items = []
        if found is not None and is_meant:
            is_frozen, account = self._is_frozen(found.account), found.account
            seats = {} if account is None else self._sub_accounts.read(account).by_seat
            items.append(_user(found, is_frozen, [seats[seat] for seat in sorted(seats)]))
        return StaffUserList(items=items, next_cursor=None)

    def end_sessions(
        self, principal: Principal, user_id: str, body: str | None, envelope: Envelope
    ) -> SessionsEnded:
        """End all sessions of a user."""
        staff = self._admit(principal, Action.END_SESSIONS)
        about = USER + read_subject(user_id)
        after = self._change(staff, Action.END_SESSIONS, about, body, ReasonRequest, envelope)
        return cast("SessionsEnded", after)

    def api_keys(self, principal: Principal, user_id: str, envelope: Envelope) -> StaffApiKeyList:
        """Return the API keys of a user's account."""
        staff = self._admit(principal, Action.READ_API_KEYS)
        subject = read_subject(user_id)
        self._desk.read(staff, Action.READ_API_KEYS, USER + subject, envelope)
        keys = self._keys.of_account(self._users.account(staff.tenant, subject))
        newest = sorted(keys, key=lambda key: (key.created_at_ms, key.name), reverse=True)
        now_ms = self._clock.now_ms()
        return StaffApiKeyList(items=[key_state(key, now_ms) for key in newest], next_cursor=None)

    def revoke_key(
        self, principal: Principal, key_id: str, body: str | None, envelope: Envelope
    ) -> KeyRevoked:
        """Revoke an API key of a user."""
        action = Action.REVOKE_API_KEYS
        staff = self._admit(principal, action)
        about = API_KEY + key_id[:_NAME_LENGTH_MAX]
        return cast("KeyRevoked", self._change(staff, action, about, body, ReasonRequest, envelope))

    def markets(self, principal: Principal, envelope: Envelope) -> StaffMarketList:
        """Return all markets."""
        staff = self._reader(principal, Action.READ_MARKETS, "markets", envelope)
        items = [_market(market) for market in self._markets.all(staff.tenant)]
        return StaffMarketList(items=items, next_cursor=None)

    def set_market_state(
        self, principal: Principal, symbol: str, body: str | None, envelope: Envelope
    ) -> MarketStateSet:
        """Set which orders a market takes."""
        action = Action.SET_MARKET_STATE
        staff = self._admit(principal, action)
        about = MARKET + symbol[:_NAME_LENGTH_MAX]
        after = self._change(staff, action, about, body, MarketStateRequest, envelope)
        return cast("MarketStateSet", after)

    def audit(
        self, principal: Principal, limit: str | None, cursor: str | None, envelope: Envelope
    ) -> AuditPage:
        """Return entries of the audit log, the newest first."""
        staff = self._admit(principal, Action.READ_AUDIT_LOG)
        most = read_number(limit, "limit", default=_PAGE, most=_PAGE_MAX)
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput(
                "invalid_cursor", "Send the next_cursor of the page before.", field="cursor"
            )
        self._desk.read(staff, Action.READ_AUDIT_LOG, "audit-log", envelope)
        entries = self._records.latest(staff.tenant, int(cursor or 0), most)
        is_last = len(entries) < most or entries[-1].number == 1
        return AuditPage(
            items=[_entry(entry) for entry in entries],
            next_cursor=None if is_last else str(entries[-1].number),
        )

    def _reader(
        self, principal: Principal, action: Action, about: str, envelope: Envelope
    ) -> Staff:
        """Return who asks to read, once that is logged if it must be."""
        staff = self._admit(principal, action)
        self._desk.read(staff, action, about, envelope)
        return staff

    def _change(  # noqa: PLR0917 - who, what, and the request's parts
        self,
        staff: Staff,
        action: Action,
        about: str,
        body: str | None,
        shape: type[_Change],
        envelope: Envelope,
    ) -> Mapping[str, Any]:
        """Make a change that a body asks for."""
        require_key(envelope.key)
        asked = read_body(body, shape).model_dump()
        reason = asked.pop("reason")
        return self._desk.change(staff, action, about, asked, envelope._replace(reason=reason))


def _user_name(email: str | None, user_id: str | None) -> str:
    if (email is None) == (user_id is None):
        raise InvalidInput("email_or_user_id", "Send email or user_id, one of the two.")
    if user_id is not None:
        return read_subject(user_id)
    address = email or ""
    if "@" not in address or len(address) > _NAME_LENGTH_MAX or not address.isprintable():
        raise InvalidInput("invalid_email", "Send email as a whole address.", field="email")
    return address


def _searched(email: str | None, name: str) -> str:
    """Return what the log says of a search: an address is a person's own, so it does not stay."""
    return USER + name if email is None else "users-by-email"


def _user(found: FoundUser, is_frozen: bool, own: Sequence[SubAccount]) -> StaffUser:  # noqa: FBT001 - private
    entry = found.entry
    return StaffUser(
        user_id=entry.subject,
        email=entry.email,
        email_verified=entry.is_email_verified,
        state=entry.state,
        enabled=entry.is_enabled and not found.is_disabled,
        account=None if found.account is None else str(found.account),
        sub_accounts=[
            StaffSubAccount(account=str(one.account), label=one.label, open=one.is_open)
            for one in own
        ],
        created_at_ms=entry.created_at_ms,
        signed_out_at_ms=found.signed_out_at * 1_000 or None,
        role=found.role.value if found.role else None,
        frozen=is_frozen,
    )


def _market(market: Market) -> StaffMarket:
    return StaffMarket(
        market=market.symbol,
        state=market.state.value,
        maker_ppm=market.maker_ppm,
        taker_ppm=market.taker_ppm,
        collar_ppm=market.collar_ppm,
        market_collar_ppm=market.market_collar_ppm,
        breaker_ppm=market.breaker_ppm,
        auction_ms=market.auction_ms,
    )


def _entry(entry: StoredEntry) -> AuditEntryState:
    fields = parsed(entry.line)
    del fields["tenant"]
    return cast("AuditEntryState", {**fields, "hash": entry.hash})
