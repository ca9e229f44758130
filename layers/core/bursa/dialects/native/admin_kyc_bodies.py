"""What compliance sends and gets of users' cases. Each change says why."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from bursa.dialects.native.admin_requests import Reason

CaseStateName = Literal[
    "submitted",
    "screening",
    "at_provider",
    "deciding",
    "approved",
    "rejected",
    "resubmission",
    "expired",
]


class _CaseRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reason: Reason


class CaseDecisionRequest(_CaseRequest):
    """What is decided about an attempt; documents_end_on is what the documents say, if they do."""

    attempt: Annotated[int, Field(description="The attempt that you have looked at")]
    outcome: Literal["approve", "reject", "resubmit"]
    documents_end_on: Annotated[
        str | None,
        Field(description="The last day on which the documents are valid", examples=["2031-05-01"]),
    ] = None


class LowerLevelRequest(_CaseRequest):
    """The level that is left; it comes back by a decision of compliance alone."""

    level: int


class ReopenRequest(_CaseRequest):
    """A rejected user is to be let apply again."""


class EraseRequest(_CaseRequest):
    """What is known of a user is to be erased, as soon as the law allows it."""

    ended_on: Annotated[
        str | None,
        Field(
            description="When the business with them ended; needed of who had a level or a hit",
            examples=["2026-11-30"],
        ),
    ] = None


class CaseItem(TypedDict):
    """A case in the queue; since_ms is when it changed last, hits is how many are undecided."""

    user_id: str
    state: CaseStateName
    since_ms: int
    attempt: int
    applied_for: int
    level: int
    hits: int
    proposed: str | None


class CaseList(TypedDict):
    """Cases of a state, those that have waited longest first."""

    items: list[CaseItem]
    next_cursor: str | None


class CaseHit(TypedDict):
    """An entry of the list in force that the user is similar to; a score is 850 to 1000."""

    entry: str
    score: int


class CaseDocument(TypedDict):
    """A file of the attempt; checked is whether its content was found good."""

    document: str
    content_type: str
    checked: bool


class CaseEvent(TypedDict):
    """A change of a case: when, to what, by whom and why."""

    at_ms: int
    state: CaseStateName
    by: str
    reason: str


class CaseDetails(TypedDict):
    """A case as compliance sees it; level is what the user has now, granted what was reached."""

    user_id: str
    state: CaseStateName
    attempt: int
    applied_for: int
    level: int
    granted: int
    withheld: bool
    barred: bool
    watched: bool
    given: list[str]
    documents: list[CaseDocument]
    files_checked: bool
    screened: bool
    hits: list[CaseHit]
    proposed: str | None
    proposed_by: str | None
    due_at_ms: int | None
    documents_end_at_ms: int | None
    level_ends_at_ms: int | None
    renew_by_ms: int | None
    erase_at_ms: int | None
    erased_at_ms: int | None
    history: list[CaseEvent]


class CasePerson(TypedDict):
    """Who a user says they are. That you have read it is in the audit log."""

    given_names: str
    family_name: str
    native_name: str
    born: str
    nationality: str
    residence: str
    street: str
    city: str
    postal_code: str


class CaseDocumentLink(TypedDict):
    """Where a document is read until a time; it is saved as a file. It is in the audit log."""

    url: str
    content_type: str
    expires_at_ms: int


class CaseChanged(TypedDict):
    """Where a case is after a change; proposed is a decision that waits for a second person.

    erase_at_ms is when what is known of the user is erased; null unless it is to be.
    """

    attempt: int
    state: CaseStateName
    level: int
    erase_at_ms: int | None
    proposed: str | None
