"""Onfido: an applicant and a run of the tenant's workflow for each attempt of a case.

    GET  /v3.6/workflow_runs?tags={reference}    the run of an attempt, and how it ended
    POST /v3.6/applicants                        who it is about
    POST /v3.6/documents, /v3.6/live_photos      files, as forms
    POST /v3.6/workflow_runs                     have it checked

Each call has ``Authorization: Token token={api_token}`` and goes to the host of the tenant's
region. A run is named by the attempt's reference twice: as a tag, by which it is found again, and
as ``customer_user_id``, by which it is known to be this one's. The tenant's workflow takes the
files as its inputs ``document_ids`` (a list of objects with an id) and ``live_photo_ids``. Sources:
documentation.onfido.com, API v3.6, by its OpenAPI description
(github.com/onfido/onfido-openapi-spec), read in November 2026; not tried with Onfido itself.

A task that is tried again finds its run. One that broke off before there was a run makes another
applicant, and the first one stays at Onfido without a check.
"""

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
)
from bursa.compliance.provider_reports import ONFIDO_OUTCOMES, codes_of, report_of, text_of
from bursa.compliance.providers import Application, Reference, SentFile
from bursa.compliance.steps import ProviderReported
from bursa.kernel.errors import InvalidInput

BASE_URLS: Final = {region: f"https://api.{region}.onfido.com" for region in ("eu", "us", "ca")}
_TYPES: Final = {
    Requirement.IDENTITY_DOCUMENT: "passport",
    Requirement.PROOF_OF_ADDRESS: "bank_statement",
    Requirement.SOURCE_OF_FUNDS: "bank_statement",
}
_RUNS: Final = "/v3.6/workflow_runs"


class Onfido:
    """A tenant's account with Onfido.

    Parameters
    ----------
    api_token
        The tenant's own.
    workflow_of
        Returns the id of the workflow that one of our levels is checked by; None for none.

    """

    def __init__(
        self,
        connection: ProviderConnection,
        api_token: str,
        workflow_of: Callable[[int], str | None],
    ) -> None:
        self._connection = connection
        self._api_token = api_token
        self._workflow_of = workflow_of

    def begin(self, application: Application, now_ms: int) -> ProviderReported | None:  # noqa: ARG002
        """Have an attempt checked; return the report if there is one already."""
        reference = application.reference
        run = self._find(reference)
        if run is not None:
            return _report(run, reference)
        workflow = self._workflow_of(application.level)
        if workflow is None:
            raise InvalidInput("no_provider_level", "Name the workflow in kyc.", field="kyc")
        applicant = _id(self._post("/v3.6/applicants", _json(_applicant(application))))
        inputs: dict[str, list[dict[str, str]]] = {"document_ids": [], "live_photo_ids": []}
        for file in application.files:
            is_selfie = file.shows is Requirement.SELFIE
            form = _file_form(applicant, file, application)
            target = "/v3.6/live_photos" if is_selfie else "/v3.6/documents"
            name = "live_photo_ids" if is_selfie else "document_ids"
            inputs[name].append({"id": _id(self._post(target, form))})
        self._post(
            _RUNS,
            _json(
                {
                    "workflow_id": workflow,
                    "applicant_id": applicant,
                    "customer_user_id": str(reference),
                    "tags": [str(reference)],
                    "custom_data": {name: ids for name, ids in inputs.items() if ids},
                }
            ),
        )
        return None

    def ask(self, reference: Reference, now_ms: int) -> ProviderReported | None:  # noqa: ARG002
        """Return what Onfido has found of an attempt; None while it has not."""
        run = self._find(reference)
        return None if run is None else _report(run, reference)

    def _find(self, reference: Reference) -> Any:  # noqa: ANN401 - JSON
        """Return the newest run of an attempt; raises when another one's is among them."""
        runs = read_object(self._call("GET", f"{_RUNS}?tags={quote(str(reference), safe='')}"))
        if not isinstance(runs, list) or not all(isinstance(one, Mapping) for one in runs):
            raise not_understood()
        if any(one.get("customer_user_id") != str(reference) for one in runs):
            raise not_understood()
        return max(runs, key=lambda one: str(one.get("created_at", "")), default=None)

    def _post(self, target: str, form: tuple[str, bytes]) -> Any:  # noqa: ANN401 - JSON
        return read_object(self._call("POST", target, form))

    def _call(
        self, method: str, target: str, form: tuple[str, bytes] = ("", b"")
    ) -> ProviderResponse:
        content_type, body = form
        headers = {
            "Authorization": f"Token token={self._api_token}",
            "Accept": "application/json",
        }
        if content_type:
            headers["Content-Type"] = content_type
        return self._connection(ProviderCall(method, target, headers, body))


def _applicant(application: Application) -> dict[str, object]:
    """Return who it is about, no more than the level needs."""
    data = application.data
    body: dict[str, object] = {
        "first_name": data.given_names,
        "last_name": data.family_name,
        "dob": data.born,
    }
    if Requirement.PROOF_OF_ADDRESS in application.needs:
        body["address"] = {
            "country": three_letters(data.residence),
            "line1": data.street,
            "town": data.city,
            "postcode": data.postal_code,
        }
    return body


def _file_form(applicant: str, file: SentFile, application: Application) -> tuple[str, bytes]:
    parts = [Part("applicant_id", applicant.encode())]
    if file.shows is not Requirement.SELFIE:
        parts.append(Part("type", _TYPES[file.shows].encode()))
        country = three_letters(application.data.nationality)
        if country is not None and file.shows is Requirement.IDENTITY_DOCUMENT:
            parts.append(Part("issuing_country", country.encode()))
    return multipart([*parts, Part("file", file.content, file.kind, file.shows.value)])


def _json(body: object) -> tuple[str, bytes]:
    return "application/json", as_json(body)


def _report(run: Any, reference: Reference) -> ProviderReported | None:  # noqa: ANN401 - JSON
    outcome = ONFIDO_OUTCOMES.get(run.get("status"))
    if outcome is None:
        return None
    try:
        reasons = list(run.get("reasons") or ())
    except TypeError as error:
        raise not_understood() from error
    return report_of("onfido", reference, _id(run), outcome, codes_of([run["status"], *reasons]))


def _id(found: Any) -> str:  # noqa: ANN401 - JSON
    try:
        return text_of(found["id"])
    except (KeyError, TypeError) as error:
        raise not_understood() from error
