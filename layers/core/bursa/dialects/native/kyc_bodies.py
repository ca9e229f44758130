"""What clients send and get about who they are: the shapes of requests and responses under /kyc."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Requirement = Literal[
    "email",
    "personal_data",
    "identity_document",
    "selfie",
    "proof_of_address",
    "source_of_funds",
]
Document = Literal["identity_document", "selfie", "proof_of_address", "source_of_funds"]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PersonalDataRequest(_Request):
    """Who you are, as your document has it."""

    given_names: Annotated[str, Field(description="As in the document's machine-readable lines")]
    family_name: Annotated[str, Field(description="As in the document's machine-readable lines")]
    born: Annotated[str, Field(description="Your date of birth", examples=["1990-02-28"])]
    nationality: Annotated[str, Field(description="ISO 3166-1, two letters", examples=["DE"])]
    residence: Annotated[str, Field(description="ISO 3166-1, two letters", examples=["DE"])]
    native_name: Annotated[str, Field(description="Your whole name in your own script")] = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""


class DocumentRequest(_Request):
    """A file that you want to upload."""

    document: Annotated[Document, Field(description="What it shows")]
    content_type: Annotated[
        Literal["image/jpeg", "image/png", "application/pdf"],
        Field(description="Its kind; a selfie is a picture"),
    ]


class ApplicationRequest(_Request):
    """An application for a level."""

    level: Annotated[int, Field(description="The level that you apply for")]
    documents: Annotated[
        list[str],
        Field(max_length=4, description="The document_id of each file that you have uploaded"),
    ] = []


class Allowance(TypedDict):
    """How much a level allows, in the currency's smallest unit; null for any amount, 0 for none."""

    per_day: int | None
    per_month: int | None


class KycLevel(TypedDict):
    """A level of the exchange: what it needs of you, and what it allows."""

    level: int
    name: str
    needs: list[Requirement]
    deposit: Allowance
    trade: Allowance
    withdraw: Allowance


class Traded(TypedDict):
    """What you have traded with all your accounts, in the currency's smallest unit.

    It counts against trade of your level: this_day and this_month (UTC) with in_open_orders, which
    is what your open orders may trade yet.
    """

    this_day: int
    this_month: int
    in_open_orders: int
    day_ends_at_ms: int
    month_ends_at_ms: int


class Kyc(TypedDict):
    """Where you stand, and what comes next.

    missing is what the next level needs beyond what yours needs; next_level is null when there is
    none. message says what was wrong with what you have sent; null for nothing. personal_data_given
    is whether there is any; it is never shown again. renew_by_ms is until when what the level rests
    on is good, and level_ends_at_ms when the level falls unless it is renewed; null for never.
    """

    state: Literal["nothing_sent", "in_review", "more_needed", "approved", "rejected", "expired"]
    level: int
    next_level: int | None
    missing: list[Requirement]
    message: str | None
    personal_data_given: bool
    applied_for: int | None
    renew_by_ms: int | None
    level_ends_at_ms: int | None
    currency: str
    scale: int
    levels: list[KycLevel]
    traded: Traded


class UploadForm(TypedDict):
    """Where to post a file: all fields first, then the file as the last one, named file.

    The address takes one file of this kind, of at most bytes_max, until expires_at_ms.
    """

    document_id: str
    url: str
    fields: dict[str, str]
    bytes_max: int
    expires_at_ms: int


class ReceivedCallback(TypedDict):
    """An event was taken, or had nothing to say."""

    received: bool
