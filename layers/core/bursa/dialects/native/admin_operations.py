"""The routes of a tenant's back office, each with what it does in the table of rights.

They are behind one path of the gateway, ``/admin/{proxy+}``: a back office asks little, and a path
of its own for each would take shares of the throttles from the routes that trade.
"""

from dataclasses import dataclass
from typing import Final

from bursa.back_office.roles import Action
from bursa.dialects.native import (
    account_limit_responses,
    admin_requests,
    admin_responses,
    fee_responses,
    report_responses,
    statement_responses,
)
from bursa.dialects.native.operation import Json, Operation, Parameter
from bursa.identity.principal import Scope
from bursa.kernel.identifiers import CLIENT_ORDER_ID

PATH: Final = "/admin/{proxy+}"
_TEXT: Final[Json] = {"type": "string"}
_TIME: Final[Json] = {"type": "integer", "minimum": 0}
_DATE: Final[Json] = {"type": "string", "format": "date"}
_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Your name for this request; a repeat under it gets the first one's response",
    {"type": "string", "pattern": CLIENT_ORDER_ID},
    required=True,
)
_FORMAT: Final = Parameter("format", "query", "json unless it is csv", {"enum": ["json", "csv"]})


@dataclass(frozen=True, slots=True)
class AdminOperation(Operation):
    """A route of the back office.

    Attributes
    ----------
    action
        What a role must be permitted.

    """

    action: Action = Action.SEE_OWN_ROLE


def _read(path: str, name: str, summary: str, response: object, action: Action) -> AdminOperation:
    return AdminOperation(
        "get", f"/admin{path}", name, summary, response, scope=Scope.ACCOUNT, action=action
    )


def _change(  # noqa: PLR0917 - the columns of a table
    path: str, name: str, summary: str, body: object, response: object, action: Action
) -> AdminOperation:
    return AdminOperation(
        "post",
        f"/admin{path}",
        name,
        summary,
        response,
        body=body,
        parameters=(_KEY,),
        scope=Scope.ACCOUNT,
        action=action,
    )


def _decision(path: str, name: str, summary: str, body: object, response: object) -> AdminOperation:
    """Return the route of a decision, which a proposal's own id makes one."""
    return AdminOperation(
        "post",
        f"/admin{path}",
        name,
        summary,
        response,
        body=body,
        scope=Scope.ACCOUNT,
        action=Action.DECIDE_PROPOSALS,
    )


def _listed(operation: AdminOperation, *parameters: Parameter) -> AdminOperation:
    return AdminOperation(
        operation.method,
        operation.path,
        operation.name,
        operation.summary,
        operation.response,
        parameters=parameters,
        scope=operation.scope,
        action=operation.action,
        has_table=_FORMAT in parameters,
    )


ADMIN_OPERATIONS: Final[tuple[AdminOperation, ...]] = (
    _read(
        "/me",
        "getOwnRole",
        "What you are in the back office, and what you may do there",
        admin_responses.OwnRole,
        Action.SEE_OWN_ROLE,
    ),
    _listed(
        _read(
            "/users",
            "findUsers",
            "The user with an e-mail address or an id; send one of the two",
            admin_responses.StaffUserList,
            Action.READ_USERS,
        ),
        Parameter("email", "query", "An e-mail address, whole", _TEXT),
        Parameter("user_id", "query", "The id of a user", _TEXT),
    ),
    _change(
        "/users/{user_id}/sessions/revoke",
        "endSessions",
        "End all sessions of a user, and close its WebSockets",
        admin_requests.ReasonRequest,
        admin_responses.SessionsEnded,
        Action.END_SESSIONS,
    ),
    _read(
        "/users/{user_id}/api-keys",
        "listApiKeysOfUser",
        "All API keys of a user's account, newest first",
        admin_responses.StaffApiKeyList,
        Action.READ_API_KEYS,
    ),
    _change(
        "/api-keys/{key_id}/revoke",
        "revokeApiKeyOfUser",
        "Revoke an API key of a user, and close its WebSockets",
        admin_requests.ReasonRequest,
        admin_responses.KeyRevoked,
        Action.REVOKE_API_KEYS,
    ),
    *(
        _change(
            f"/users/{{user_id}}/{word}",
            name,
            summary,
            body,
            admin_responses.StaffChange,
            action,
        )
        for word, name, summary, body, action in (
            (
                "freeze",
                "freezeAccount",
                "Freeze a user's account: its orders are closed, it trades and withdraws no more",
                admin_requests.ReasonRequest,
                Action.FREEZE_ACCOUNTS,
            ),
            (
                "unfreeze",
                "unfreezeAccount",
                "Let a frozen account trade again; takes two people",
                admin_requests.ReasonRequest,
                Action.UNFREEZE_ACCOUNTS,
            ),
            (
                "credit",
                "creditAccount",
                "Credit a user's account; above the asset's amount it takes two people",
                admin_requests.MoneyRequest,
                Action.CREDIT,
            ),
            (
                "debit",
                "debitAccount",
                "Debit a user's account, or a sub-account; above the amount it takes two people",
                admin_requests.DebitRequest,
                Action.DEBIT,
            ),
            (
                "role",
                "setRole",
                "Give a user a role in the back office, or take it away; takes two people",
                admin_requests.RoleRequest,
                Action.SET_ROLES,
            ),
            (
                "fee-tier",
                "pinFeeTier",
                "Set the fee tier of a user whatever it trades, or no more; takes two people",
                admin_requests.PinnedTierRequest,
                Action.PIN_FEE_TIERS,
            ),
        )
    ),
    _change(
        "/fees",
        "setFees",
        "Set the fees that accounts have by default; takes two people",
        admin_requests.FeesRequest,
        admin_responses.StaffChange,
        Action.SET_FEES,
    ),
    _read(
        "/fee-tiers",
        "listFeeTiers",
        "The fee tiers: from which volume in thirty days on, and their rates",
        fee_responses.FeeTiers,
        Action.READ_FEE_TIERS,
    ),
    _change(
        "/fee-tiers",
        "setFeeTiers",
        "Set all fee tiers; takes two people",
        admin_requests.FeeTiersRequest,
        admin_responses.StaffChange,
        Action.SET_FEE_TIERS,
    ),
    _read(
        "/users/{user_id}/fees",
        "getFeesOfUser",
        "A user's fee tier, and the volume that led to it",
        fee_responses.OwnFees,
        Action.READ_FEE_TIERS,
    ),
    _change(
        "/four-eyes/{asset}",
        "setFourEyes",
        "Set up to which amount one person may credit and debit alone; takes two people",
        admin_requests.FourEyesRequest,
        admin_responses.StaffChange,
        Action.SET_FOUR_EYES,
    ),
    _listed(
        _read(
            "/users/{user_id}/statement",
            "getStatementOfUser",
            "What a user's account had, what moved and what it has since, in JSON or CSV",
            statement_responses.StatementOfAccount,
            Action.READ_STATEMENTS,
        ),
        Parameter("account", "query", "A sub-account; the main one if it is not sent", _TEXT),
        Parameter("from_ms", "query", "When the period begins, UTC", _TIME, required=True),
        Parameter("to_ms", "query", "Before when it ends, UTC; now if it is not sent", _TIME),
        _FORMAT,
    ),
    _listed(
        _read(
            "/reports/trading",
            "getTradingReport",
            "What traded in each market day by day, and what of it were fees, in JSON or CSV",
            report_responses.TradingReportResponse,
            Action.READ_REPORTS,
        ),
        Parameter("first_day", "query", "The first day, a date of UTC", _DATE, required=True),
        Parameter("last_day", "query", "The last day, which is part of it", _DATE, required=True),
        _FORMAT,
    ),
    _read(
        "/users/{user_id}/limits",
        "getLimitsOfUser",
        "What each account of a user may use, what of it is its own, and what the tenant has",
        account_limit_responses.LimitsOfUser,
        Action.READ_ACCOUNT_LIMITS,
    ),
    _change(
        "/users/{user_id}/limits",
        "setLimitsOfUser",
        "Set all limits of a user's own: requests, WebSockets, channels; takes two people",
        admin_requests.AccountLimitsRequest,
        admin_responses.StaffChange,
        Action.SET_ACCOUNT_LIMITS,
    ),
    _read(
        "/proposals",
        "listProposals",
        "The latest changes that took or take a second person, newest first",
        admin_responses.ProposalList,
        Action.READ_PROPOSALS,
    ),
    _decision(
        "/proposals/{proposal_id}/approve",
        "approveProposal",
        "Approve what another person has asked for, and have it made",
        admin_requests.ApprovalRequest,
        admin_responses.StaffChange,
    ),
    _decision(
        "/proposals/{proposal_id}/reject",
        "rejectProposal",
        "Reject what somebody has asked for",
        admin_requests.ReasonRequest,
        admin_responses.ProposalState,
    ),
    _read(
        "/markets",
        "listStaffMarkets",
        "All markets with their state, fees and price protection",
        admin_responses.StaffMarketList,
        Action.READ_MARKETS,
    ),
    _change(
        "/markets/{market}/state",
        "setMarketState",
        "Halt a market, open it again, or let it take cancels only",
        admin_requests.MarketStateRequest,
        admin_responses.MarketStateSet,
        Action.SET_MARKET_STATE,
    ),
    _change(
        "/markets/{market}/limits",
        "setMarketLimits",
        "Set all limits of a market's orders and prices; takes two people",
        admin_requests.MarketLimitsRequest,
        admin_responses.StaffChange,
        Action.SET_MARKET_LIMITS,
    ),
    _change(
        "/markets/{market}/listing",
        "listMarket",
        "List a new market, and its assets where they are new; takes two people",
        admin_requests.NewMarketRequest,
        admin_responses.StaffChange,
        Action.LIST_MARKETS,
    ),
    _listed(
        _read(
            "/audit",
            "listAuditEntries",
            "The audit log, newest first",
            admin_responses.AuditPage,
            Action.READ_AUDIT_LOG,
        ),
        Parameter(
            "limit",
            "query",
            "Most items on a page",
            {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
        ),
        Parameter("cursor", "query", "The next_cursor of the page before", _TEXT),
    ),
)
