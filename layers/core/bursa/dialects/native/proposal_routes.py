"""The routes of a back office whose changes may take two people, and what the second one does."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from pydantic import BaseModel

from bursa.back_office.account_effects import ASSET
from bursa.back_office.desk import Envelope, require_other
from bursa.back_office.effects import MARKET, USER
from bursa.back_office.fee_effects import FEE_TIERS
from bursa.back_office.four_eyes import FourEyes, Proposal
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.dialects.native.admin_parameters import read_subject, require_key
from bursa.dialects.native.admin_requests import (
    AccountLimitsRequest,
    ApprovalRequest,
    DebitRequest,
    FeesRequest,
    FeeTiersRequest,
    FourEyesRequest,
    MarketLimitsRequest,
    MoneyRequest,
    NewMarketRequest,
    PinnedTierRequest,
    ReasonRequest,
    RoleRequest,
)
from bursa.dialects.native.admin_responses import ProposalList, ProposalState, StaffChange
from bursa.dialects.native.request_bodies import read_body
from bursa.identity.principal import Principal
from bursa.kernel.clock import WallClock

_NAME_LENGTH_MAX: Final = 254
_SHAPES: Final[Mapping[Action, type[BaseModel]]] = {
    Action.FREEZE_ACCOUNTS: ReasonRequest,
    Action.UNFREEZE_ACCOUNTS: ReasonRequest,
    Action.CREDIT: MoneyRequest,
    Action.DEBIT: DebitRequest,
    Action.SET_ROLES: RoleRequest,
    Action.SET_FEES: FeesRequest,
    Action.SET_FOUR_EYES: FourEyesRequest,
    Action.SET_MARKET_LIMITS: MarketLimitsRequest,
    Action.LIST_MARKETS: NewMarketRequest,
    Action.SET_FEE_TIERS: FeeTiersRequest,
    Action.PIN_FEE_TIERS: PinnedTierRequest,
    Action.SET_ACCOUNT_LIMITS: AccountLimitsRequest,
}


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""


class Desk(Protocol):
    """Logs reads; see `bursa.back_office.desk.Desk`."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class SecondFactor(Protocol):
    """Verifies codes; see `bursa.identity.second_factor.SecondFactor`."""

    def require(self, principal: Principal, code: str) -> None:
        """Return when the caller's second factor has just made this code, once."""


class ProposalRoutes:
    """What `functions/admin_api` serves of changes that may take two people."""

    def __init__(
        self,
        admission: Admission,
        desk: Desk,
        four_eyes: FourEyes,
        factor: SecondFactor,
        clock: WallClock,
    ) -> None:
        self._admit = admission
        self._desk = desk
        self._four_eyes = four_eyes
        self._factor = factor
        self._clock = clock

    def change(
        self, principal: Principal, action: Action, name: str, body: str | None, envelope: Envelope
    ) -> StaffChange:
        """Make a change of what has this name, or propose it where it takes two."""
        staff = self._admit(principal, action)
        named = _about(action, name)
        require_key(envelope.key)
        asked: dict[str, Any] = read_body(body, _SHAPES[action]).model_dump()
        whole = envelope._replace(reason=asked.pop("reason"))
        require_other(staff, action, named)
        made = self._four_eyes.ask(staff, action, named, asked, whole)
        if isinstance(made, Proposal):
            return StaffChange(state="proposed", after={}, proposal=self._present(made))
        return StaffChange(state="done", after=dict(made), proposal=None)

    def proposals(self, principal: Principal, envelope: Envelope) -> ProposalList:
        """Return the latest proposals."""
        staff = self._admit(principal, Action.READ_PROPOSALS)
        self._desk.read(staff, Action.READ_PROPOSALS, "proposals", envelope)
        latest = self._four_eyes.latest(staff.tenant)
        return ProposalList(items=[self._present(one) for one in latest], next_cursor=None)

    def approve(
        self, principal: Principal, proposal_id: str, body: str | None, envelope: Envelope
    ) -> StaffChange:
        """Approve a proposal, and make its change."""
        staff = self._admit(principal, Action.DECIDE_PROPOSALS)
        request = read_body(body, ApprovalRequest)
        whole = envelope._replace(reason=request.reason)
        after = self._four_eyes.approve(
            staff,
            proposal_id,
            request.digest,
            whole,
            lambda: self._factor.require(principal, request.code),
        )
        proposal = self._four_eyes.find(staff.tenant, proposal_id)
        return StaffChange(state="done", after=dict(after), proposal=self._present(proposal))

    def reject(
        self, principal: Principal, proposal_id: str, body: str | None, envelope: Envelope
    ) -> ProposalState:
        """Reject a proposal."""
        staff = self._admit(principal, Action.DECIDE_PROPOSALS)
        reason = read_body(body, ReasonRequest).reason
        whole = envelope._replace(reason=reason)
        return self._present(self._four_eyes.reject(staff, proposal_id, whole))

    def _present(self, proposal: Proposal) -> ProposalState:
        state: Any = proposal.state(self._clock.now_ms())
        return ProposalState(
            proposal_id=proposal.id,
            action=proposal.action,
            about=proposal.about,
            asked=dict(proposal.asked),
            reason=proposal.reason,
            asker=proposal.asker,
            at_ms=proposal.at_ms,
            expires_at_ms=proposal.expires_at_ms,
            digest=proposal.digest,
            state=state,
            decided_by=proposal.decided_by or None,
        )


def _about(action: Action, name: str) -> str:
    """Return what a change is about, as the audit log has it."""
    if action is Action.SET_FEES:
        return "fees"
    if action is Action.SET_FEE_TIERS:
        return FEE_TIERS
    if action in {Action.SET_MARKET_LIMITS, Action.LIST_MARKETS}:
        return MARKET + name[:_NAME_LENGTH_MAX]
    if action is Action.SET_FOUR_EYES:
        return ASSET + name[:_NAME_LENGTH_MAX]
    return USER + read_subject(name)
