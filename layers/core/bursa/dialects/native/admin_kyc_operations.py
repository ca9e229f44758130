"""The routes of compliance about users' cases, each with what it does in the table of rights.

They are the back office's, and served by the function that has the rights to personal data anyway
(docs/adr/0070): behind a path of the gateway of their own, ``/admin/kyc/{proxy+}``.
"""

from typing import Any, Final, Literal

from bursa.back_office.roles import Action
from bursa.dialects.native import admin_kyc_bodies as bodies
from bursa.dialects.native.admin_operations import AdminOperation
from bursa.dialects.native.operation import Json, Parameter
from bursa.identity.principal import Scope
from bursa.kernel.identifiers import CLIENT_ORDER_ID

PATH: Final = "/admin/kyc/{proxy+}"
_TEXT: Final[Json] = {"type": "string"}
_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "Your name for this request; a repeat under it gets the first one's response",
    {"type": "string", "pattern": CLIENT_ORDER_ID},
    required=True,
)
_REASON: Final = Parameter(
    "reason", "query", "Why, in one line; it is kept in the audit log", _TEXT, required=True
)
_LIST: Final = (
    Parameter(
        "state",
        "query",
        "What the cases wait for; deciding is a person of compliance",
        {
            "type": "string",
            "enum": [
                "submitted",
                "screening",
                "at_provider",
                "deciding",
                "approved",
                "rejected",
                "resubmission",
                "expired",
            ],
            "default": "deciding",
        },
    ),
    Parameter(
        "limit",
        "query",
        "Most items on a page",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
    ),
    Parameter("cursor", "query", "The next_cursor of the page before", _TEXT),
)
_CASE: Final = "/admin/kyc/cases/{user_id}"


def _operation(  # noqa: PLR0917 - the columns of a table
    method: Literal["get", "post"],
    path: str,
    name: str,
    summary: str,
    response: Any,  # noqa: ANN401 - a type
    action: Action,
    body: Any = None,  # noqa: ANN401 - a type
    parameters: tuple[Parameter, ...] = (),
) -> AdminOperation:
    return AdminOperation(
        method,
        path,
        name,
        summary,
        response,
        body=body,
        parameters=parameters,
        scope=Scope.ACCOUNT,
        action=action,
    )


ADMIN_KYC_OPERATIONS: Final[tuple[AdminOperation, ...]] = (
    _operation(
        "get",
        "/admin/kyc/cases",
        "listCases",
        "Cases of users by what they wait for, those that have waited longest first",
        bodies.CaseList,
        Action.READ_CASES,
        parameters=_LIST,
    ),
    _operation(
        "get",
        _CASE,
        "getCase",
        "A user's case with its hits and its history",
        bodies.CaseDetails,
        Action.READ_CASES,
    ),
    _operation(
        "get",
        f"{_CASE}/personal-data",
        "readPersonalData",
        "Who a user says they are; each read is logged before it is answered",
        bodies.CasePerson,
        Action.READ_PERSONAL_DATA,
        parameters=(_REASON,),
    ),
    _operation(
        "get",
        f"{_CASE}/documents/{{document}}",
        "readDocument",
        "Where a document of the attempt is read for a minute; logged like personal data",
        bodies.CaseDocumentLink,
        Action.READ_PERSONAL_DATA,
        parameters=(_REASON,),
    ),
    _operation(
        "post",
        f"{_CASE}/decision",
        "decideCase",
        "Decide about an attempt; takes two where the exchange wants it",
        bodies.CaseChanged,
        Action.DECIDE_CASES,
        bodies.CaseDecisionRequest,
        (_KEY,),
    ),
    _operation(
        "post",
        f"{_CASE}/lower",
        "lowerLevel",
        "Take a level away from a user",
        bodies.CaseChanged,
        Action.LOWER_LEVELS,
        bodies.LowerLevelRequest,
        (_KEY,),
    ),
    _operation(
        "post",
        f"{_CASE}/reopen",
        "reopenCase",
        "Let a rejected user apply again",
        bodies.CaseChanged,
        Action.REOPEN_CASES,
        bodies.ReopenRequest,
        (_KEY,),
    ),
    _operation(
        "post",
        f"{_CASE}/erasure",
        "eraseUser",
        "Erase who a user is and their documents, as soon as the law allows it",
        bodies.CaseChanged,
        Action.ERASE_USERS,
        bodies.EraseRequest,
        (_KEY,),
    ),
)
