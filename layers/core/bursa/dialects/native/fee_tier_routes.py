"""The fee tiers of a tenant and of its users, as its back office reads them."""

from typing import Protocol, cast

from bursa.back_office.desk import Envelope
from bursa.back_office.effects import USER
from bursa.back_office.fee_effects import FEE_TIERS, shown_tiers
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.dialects.native.admin_parameters import read_subject
from bursa.dialects.native.fee_responses import FeeTiers, OwnFees
from bursa.dialects.native.fee_routes import present_own_fees
from bursa.fees.queries import FeeQueries
from bursa.identity.principal import Principal
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.trading.catalogue import MarketCatalogue


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""


class Desk(Protocol):
    """Logs reads; see `bursa.back_office.desk.Desk`."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class Users(Protocol):
    """Finds users of a tenant."""

    def account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account; raises `NotFound`."""


class FeeTierRoutes:
    """What `functions/admin_api` serves of fee tiers; they are changed by `ProposalRoutes`."""

    def __init__(
        self,
        admission: Admission,
        desk: Desk,
        users: Users,
        fees: FeeQueries,
        catalogue: MarketCatalogue,
    ) -> None:
        self._admit = admission
        self._desk = desk
        self._users = users
        self._fees = fees
        self._catalogue = catalogue

    def tiers(self, principal: Principal, envelope: Envelope) -> FeeTiers:
        """Return the tenant's fee tiers."""
        staff = self._admit(principal, Action.READ_FEE_TIERS)
        self._desk.read(staff, Action.READ_FEE_TIERS, FEE_TIERS, envelope)
        return cast("FeeTiers", shown_tiers(*self._fees.schedule(staff.tenant)))

    def of_user(self, principal: Principal, user_id: str, envelope: Envelope) -> OwnFees:
        """Return the fees of a user's main account, which are those of all its accounts."""
        staff = self._admit(principal, Action.READ_FEE_TIERS)
        subject = read_subject(user_id)
        self._desk.read(staff, Action.READ_FEE_TIERS, USER + subject, envelope)
        account = self._users.account(staff.tenant, subject)
        markets = [one.symbol for one in self._catalogue.all(staff.tenant)]
        return present_own_fees(self._fees.of(account), markets)
