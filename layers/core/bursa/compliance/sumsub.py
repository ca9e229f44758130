"""Sumsub: an applicant for each attempt of a case, named by the attempt's reference.

    GET  /resources/applicants/-;externalUserId={reference}/one    the applicant, and its review
    POST /resources/applicants?levelName={level}                   another one
    POST /resources/applicants/{id}/info/idDoc                     a document, as a form
    POST /resources/applicants/{id}/status/pending                 have it checked

Each call is signed: ``X-App-Access-Sig`` is the HMAC-SHA256, in hexadecimal, of the time in
seconds, the method, the path with its query, and the body; ``X-App-Access-Ts`` and ``X-App-Token``
go with it. Sources: docs.sumsub.com, "Authentication", "Create applicant", "Add verification
documents", "Get applicant data by externalUserId", "Request applicant check", "Receive results via
API"; the signature also after github.com/SumSubstance/AppTokenUsageExamples. Read in November
2026, and not tried with Sumsub itself.

A task that is tried again finds the applicant by its reference, and sends nothing once it is being
checked; documents of a task that broke off are sent again, which Sumsub keeps beside each other.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from bursa.compliance.countries import three_letters
from bursa.compliance.levels import Requirement
from bursa.compliance.provider_calls import (
    Part,
    ProviderCall,
    ProviderConnection,
    ProviderResponse,
    as_json,
    multipart,
    not_understood,
    read_object,
    require_success,
)
from bursa.compliance.provider_reports import codes_of, outcome_of_sumsub, report_of, text_of
from bursa.compliance.providers import Application, Reference
from bursa.compliance.steps import Outcome, ProviderReported
from bursa.kernel.errors import InvalidInput

BASE_URL: Final = "https://api.sumsub.com"
# What a document is, where our users say no more than what it shows.
_TYPES: Final = {
    Requirement.IDENTITY_DOCUMENT: "PASSPORT",
    Requirement.SELFIE: "SELFIE",
    Requirement.PROOF_OF_ADDRESS: "UTILITY_BILL",
    Requirement.SOURCE_OF_FUNDS: "INCOME_SOURCE",
}
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
# Of a review that has not begun.
_NOT_ASKED: Final = "init"


class Sumsub:
    """A tenant's account with Sumsub.

    Parameters
    ----------
    app_token, secret_key
        The tenant's own.
    level_of
        Returns Sumsub's name of the level that one of ours is checked by; None for none.

    """

    def __init__(
        self,
        connection: ProviderConnection,
        app_token: str,
        secret_key: bytes,
        level_of: Callable[[int], str | None],
    ) -> None:
        self._connection = connection
        self._app_token = app_token
        self._secret_key = secret_key
        self._level_of = level_of

    def begin(self, application: Application, now_ms: int) -> ProviderReported | None:
        """Have an attempt checked; return the report if there is one already."""
        applicant = self._find(application.reference, now_ms)
        if applicant is None:
            applicant = self._create(application, now_ms)
        if _review(applicant).get("reviewStatus", _NOT_ASKED) == _NOT_ASKED:
            path = f"/resources/applicants/{quote(_id(applicant), safe='')}"
            for file in application.files:
                metadata = as_json(
                    {"idDocType": _TYPES[file.shows], "country": _country(application)}
                )
                form = multipart(
                    [
                        Part("metadata", metadata),
                        Part("content", file.content, file.kind, file.shows.value),
                    ]
                )
                require_success(self._call("POST", f"{path}/info/idDoc", now_ms, form))
            require_success(self._call("POST", f"{path}/status/pending", now_ms))
            return None
        return _report(applicant, application.reference)

    def ask(self, reference: Reference, now_ms: int) -> ProviderReported | None:
        """Return what Sumsub has found of an attempt; None while it has not."""
        applicant = self._find(reference, now_ms)
        return None if applicant is None else _report(applicant, reference)

    def _find(self, reference: Reference, now_ms: int) -> Any:  # noqa: ANN401 - JSON
        named = quote(str(reference), safe="")
        response = self._call("GET", f"/resources/applicants/-;externalUserId={named}/one", now_ms)
        if response.status == _NOT_FOUND:
            return None
        applicant = read_object(response)
        if not isinstance(applicant, Mapping) or applicant.get("externalUserId") != str(reference):
            raise not_understood()
        return applicant

    def _create(self, application: Application, now_ms: int) -> Any:  # noqa: ANN401 - JSON
        level = self._level_of(application.level)
        if level is None:
            raise InvalidInput(
                "no_provider_level", "Name the provider's level in kyc.", field="kyc"
            )
        body = {
            "externalUserId": str(application.reference),
            "type": "individual",
            "fixedInfo": _fixed_info(application),
        }
        target = f"/resources/applicants?levelName={quote(level, safe='')}"
        form = ("application/json", as_json(body))
        response = self._call("POST", target, now_ms, form)
        if response.status == _CONFLICT:
            # The same task has been here at the same moment.
            return self._find(application.reference, now_ms)
        return read_object(response)

    def _call(
        self, method: str, target: str, now_ms: int, form: tuple[str, bytes] = ("", b"")
    ) -> ProviderResponse:
        content_type, body = form
        at = str(now_ms // 1_000)
        signed = f"{at}{method}{target}".encode() + body
        headers = {
            "X-App-Token": self._app_token,
            "X-App-Access-Ts": at,
            "X-App-Access-Sig": hmac.new(self._secret_key, signed, hashlib.sha256).hexdigest(),
            "Accept": "application/json",
        }
        if content_type:
            headers["Content-Type"] = content_type
        return self._connection(ProviderCall(method, target, headers, body))


def _fixed_info(application: Application) -> dict[str, object]:
    """Return what a person says of themself, no more than the level needs."""
    data = application.data
    info: dict[str, object] = {
        "firstName": data.given_names,
        "lastName": data.family_name,
        "dob": data.born,
        "nationality": _country(application),
        "country": three_letters(data.residence),
    }
    if Requirement.PROOF_OF_ADDRESS in application.needs:
        info["addresses"] = [
            {
                "country": three_letters(data.residence),
                "street": data.street,
                "town": data.city,
                "postCode": data.postal_code,
            }
        ]
    return info


def _country(application: Application) -> str:
    country = three_letters(application.data.nationality)
    if country is None:
        raise InvalidInput("unknown_country", "The nationality is no country of ISO 3166-1.")
    return country


def _report(applicant: Any, reference: Reference) -> ProviderReported | None:  # noqa: ANN401
    review = _review(applicant)
    status, result = review.get("reviewStatus"), review.get("reviewResult") or {}
    try:
        if status == "onHold":
            outcome, reason = Outcome.REVIEW, "on hold"
        elif status == "completed":
            colour, reject = result["reviewAnswer"], result.get("reviewRejectType") or ""
            outcome = outcome_of_sumsub(colour, reject)
            reason = codes_of([colour, reject, *(result.get("rejectLabels") or ())])
        else:
            return None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise not_understood() from error
    round_ = f"{_id(applicant)}\n{review.get('reviewId', '')}\n{review.get('attemptCnt', '')}"
    return report_of("sumsub", reference, round_, outcome, reason)


def _review(applicant: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    review = applicant.get("review") or {} if isinstance(applicant, Mapping) else None
    if not isinstance(review, Mapping):
        raise not_understood()
    return review


def _id(applicant: Any) -> str:  # noqa: ANN401 - JSON
    try:
        return text_of(applicant["id"])
    except (KeyError, TypeError) as error:
        raise not_understood() from error
