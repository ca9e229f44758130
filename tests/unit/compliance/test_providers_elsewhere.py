"""Sumsub and Onfido, played on a port of this machine: what they are sent, and what they answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bursa.compliance.countries import three_letters
from bursa.compliance.levels import Requirement
from bursa.compliance.onfido import BASE_URLS, Onfido
from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.provider_calls import Part, multipart
from bursa.compliance.provider_calls_https import HttpsProvider
from bursa.compliance.providers import Application, Provider, Reference, SentFile
from bursa.compliance.steps import Outcome
from bursa.compliance.sumsub import BASE_URL, Sumsub
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId
from tests.doubles.providers import (
    API_TOKEN,
    APP_TOKEN,
    SECRET_KEY,
    Answer,
    PlayedOnfido,
    PlayedProvider,
    PlayedSumsub,
)
from tests.unit.compliance.test_personal_data import ANNA

NOW = 1_790_000_000_000
REFERENCE = Reference(TenantId(7), "anna-1", 2)
DATA = parse_personal_data(ANNA, NOW)
FILES = (
    SentFile(Requirement.IDENTITY_DOCUMENT, b"\xff\xd8passport", "image/jpeg"),
    SentFile(Requirement.SELFIE, b"\x89PNGselfie", "image/png"),
)
NEEDS = frozenset({Requirement.PERSONAL_DATA, Requirement.IDENTITY_DOCUMENT, Requirement.SELFIE})
APPLICATION = Application(REFERENCE, DATA, 2, NEEDS, FILES)
WITH_ADDRESS = APPLICATION._replace(needs=NEEDS | {Requirement.PROOF_OF_ADDRESS})
LEVELS = {2: "basic kyc+level"}
SECRETS = ("Lindqvist", "1990", "passport", "selfie")


@pytest.fixture
def sumsub() -> Iterator[PlayedSumsub]:
    played = PlayedSumsub()
    with played.serving():
        yield played


@pytest.fixture
def onfido() -> Iterator[PlayedOnfido]:
    played = PlayedOnfido()
    with played.serving():
        yield played


def connection(played: PlayedProvider) -> HttpsProvider:
    return HttpsProvider(played.url, lambda _: None, (1.0, 1.0))


def with_sumsub(played: PlayedProvider, key: str = SECRET_KEY) -> Sumsub:
    return Sumsub(connection(played), APP_TOKEN, key.encode(), LEVELS.get)


def with_onfido(played: PlayedProvider, token: str = API_TOKEN) -> Onfido:
    return Onfido(connection(played), token, LEVELS.get)


def test_addresses_are_the_providers_own() -> None:
    assert BASE_URL == "https://api.sumsub.com"
    assert BASE_URLS["us"] == "https://api.us.onfido.com"
    assert all(url.startswith("https://api.") for url in BASE_URLS.values())


def test_sumsub_is_sent_an_applicant_its_files_and_then_asked(sumsub: PlayedSumsub) -> None:
    provider = with_sumsub(sumsub)
    assert provider.begin(APPLICATION, NOW) is None
    assert sumsub.calls() == [
        "GET /resources/applicants/-;externalUserId=t7.anna-1.2/one",
        "POST /resources/applicants",
        "POST /resources/applicants/applicant1/info/idDoc",
        "POST /resources/applicants/applicant1/info/idDoc",
        "POST /resources/applicants/applicant1/status/pending",
    ]
    applicant = sumsub.applicants[str(REFERENCE)]
    assert applicant["levelName"] == "basic kyc+level"
    # Nothing that the level does not need.
    assert applicant["fixedInfo"] == {
        "firstName": DATA.given_names,
        "lastName": DATA.family_name,
        "dob": DATA.born,
        "nationality": three_letters(DATA.nationality),
        "country": three_letters(DATA.residence),
    }
    passport, selfie = (one.parts() for one in sumsub.sent[2:4])
    assert json.loads(passport["metadata"])["idDocType"] == "PASSPORT"
    assert json.loads(selfie["metadata"])["idDocType"] == "SELFIE"
    assert (passport["content"], selfie["content"]) == (FILES[0].content, FILES[1].content)
    assert provider.ask(REFERENCE, NOW) is None


def test_a_task_that_comes_again_sends_nothing_twice(
    sumsub: PlayedSumsub, onfido: PlayedOnfido
) -> None:
    for provider, played in ((with_sumsub(sumsub), sumsub), (with_onfido(onfido), onfido)):
        provider.begin(APPLICATION, NOW)
        sent = len(played.sent)
        assert provider.begin(APPLICATION, NOW) is None
        assert [one.method for one in played.sent[sent:]] == ["GET"]
    assert (len(sumsub.applicants), len(onfido.runs)) == (1, 1)


def test_a_task_that_broke_off_goes_on(sumsub: PlayedSumsub) -> None:
    provider = with_sumsub(sumsub)
    sumsub.applicants["t7.anna-1.2"] = {"id": "applicant1", "externalUserId": "t7.anna-1.2"}
    assert provider.begin(APPLICATION, NOW) is None
    assert "POST /resources/applicants" not in sumsub.calls()
    assert sumsub.calls()[-1].endswith("/status/pending")
    # Another one has made it between the look and the call.
    sumsub.next = [Answer(404)]
    assert provider.begin(APPLICATION, NOW) is None
    assert len(sumsub.applicants) == 1


SUMSUB_SAYS = {
    "green": ("completed", {"reviewAnswer": "GREEN"}, Outcome.APPROVE, "GREEN"),
    "once more": (
        "completed",
        {"reviewAnswer": "RED", "reviewRejectType": "RETRY", "rejectLabels": ["BAD_SELFIE"]},
        Outcome.RESUBMIT,
        "RED RETRY BAD_SELFIE",
    ),
    "for good": (
        "completed",
        {
            "reviewAnswer": "RED",
            "reviewRejectType": "FINAL",
            "rejectLabels": ["FORGERY", "was born elsewhere"],
            "clientComment": "Anna was born elsewhere",
        },
        Outcome.REJECT,
        "RED FINAL FORGERY",
    ),
    "red alone": ("completed", {"reviewAnswer": "RED"}, Outcome.REVIEW, "RED"),
    "on hold": ("onHold", {}, Outcome.REVIEW, "on hold"),
    "pending": ("pending", {}, None, ""),
    "queued": ("queued", {"reviewAnswer": "GREEN"}, None, ""),
    "not begun": ("init", {}, None, ""),
}


@pytest.mark.parametrize(
    ("status", "result", "outcome", "reason"), SUMSUB_SAYS.values(), ids=SUMSUB_SAYS
)
def test_what_sumsub_has_found(
    sumsub: PlayedSumsub, status: str, result: dict[str, Any], outcome: Outcome | None, reason: str
) -> None:
    provider = with_sumsub(sumsub)
    provider.begin(APPLICATION, NOW)
    sumsub.review(str(REFERENCE), status, **result)
    report = provider.ask(REFERENCE, NOW)
    if outcome is None:
        assert report is None
        return
    assert report is not None
    assert (report.outcome, report.reason, report.attempt) == (outcome, reason, 2)
    assert "Anna" not in str(report)
    # The same finding is the same step, whenever it is asked for and by whom.
    assert provider.ask(REFERENCE, NOW + 1) == report
    assert provider.begin(APPLICATION, NOW + 2) == report


def test_another_finding_is_another_step(sumsub: PlayedSumsub) -> None:
    provider = with_sumsub(sumsub)
    provider.begin(APPLICATION, NOW)
    ids = set()
    for answer in ("GREEN", "RED", "GREEN"):
        sumsub.review(str(REFERENCE), "completed", reviewAnswer=answer)
        report = provider.ask(REFERENCE, NOW)
        ids.add(report and report.id)
    assert len(ids) == 2


def test_onfido_is_sent_an_applicant_its_files_and_a_run(onfido: PlayedOnfido) -> None:
    provider = with_onfido(onfido)
    assert provider.begin(APPLICATION, NOW) is None
    assert onfido.calls() == [
        "GET /v3.6/workflow_runs",
        "POST /v3.6/applicants",
        "POST /v3.6/documents",
        "POST /v3.6/live_photos",
        "POST /v3.6/workflow_runs",
    ]
    assert json.loads(onfido.sent[1].body) == {
        "first_name": DATA.given_names,
        "last_name": DATA.family_name,
        "dob": DATA.born,
    }
    document = onfido.sent[2].parts()
    assert document["applicant_id"] == b"applicants-2"
    assert (document["type"], document["file"]) == (b"passport", FILES[0].content)
    (run,) = onfido.runs
    assert run["customer_user_id"] == str(REFERENCE)
    assert run["workflow_id"] == LEVELS[2]
    assert run["custom_data"] == {
        "document_ids": [{"id": "documents-3"}],
        "live_photo_ids": [{"id": "live_photos-4"}],
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("approved", Outcome.APPROVE),
        ("declined", Outcome.REJECT),
        ("review", Outcome.REVIEW),
        ("abandoned", Outcome.RESUBMIT),
        ("error", Outcome.REVIEW),
        ("processing", None),
        ("awaiting_input", None),
        ("awaiting_client_input", None),
    ],
)
def test_what_onfido_has_found(onfido: PlayedOnfido, status: str, outcome: Outcome | None) -> None:
    provider = with_onfido(onfido)
    assert provider.ask(REFERENCE, NOW) is None
    provider.begin(APPLICATION, NOW)
    onfido.runs[0] |= {"status": status, "reasons": ["document_expired", "Anna is older"]}
    report = provider.ask(REFERENCE, NOW)
    assert (report and report.outcome) == outcome
    if report is not None:
        assert report.reason == f"{status} document_expired"
        assert provider.ask(REFERENCE, NOW + 1) == report


def test_an_address_is_sent_where_the_level_needs_it(
    sumsub: PlayedSumsub, onfido: PlayedOnfido
) -> None:
    with_sumsub(sumsub).begin(WITH_ADDRESS, NOW)
    assert sumsub.applicants[str(REFERENCE)]["fixedInfo"]["addresses"][0]["town"] == DATA.city
    with_onfido(onfido).begin(WITH_ADDRESS, NOW)
    assert json.loads(onfido.sent[1].body)["address"]["postcode"] == DATA.postal_code


OTHERS = {"id": "applicant9", "externalUserId": "t7.other.1", "review": {}}
BAD_FOR_SUMSUB: dict[str, tuple[list[Answer | bytes | float], str, int]] = {
    "no answer": ([0.0] * 3, "provider_unavailable", 3),
    "too many requests": ([Answer(429)] * 3, "provider_unavailable", 3),
    "a fault": ([Answer(500), Answer(502), Answer(503)], "provider_unavailable", 3),
    "a fault, once": ([Answer(500), Answer(404)], "", 2),
    "wrong credentials": ([Answer(401)], "provider_refuses_credentials", 1),
    "not allowed": ([Answer(403)], "provider_refuses_credentials", 1),
    "a refusal": ([Answer(400, {"description": "Anna Lindqvist"})], "provider_refused", 1),
    "a redirect": ([Answer(302)], "provider_refused", 1),
    "no JSON": ([b"<html>Anna Lindqvist"], "provider_not_understood", 1),
    "a list": ([b"[]"], "provider_not_understood", 1),
    "deep": ([b"[" * 60_000], "provider_not_understood", 1),
    "too much": ([b" " * ((1 << 20) + 1)], "provider_not_understood", 1),
    "another applicant's": ([Answer(200, OTHERS)], "provider_not_understood", 1),
    "no id": (
        [Answer(200, {"externalUserId": str(REFERENCE), "review": {"reviewStatus": "onHold"}})],
        "provider_not_understood",
        1,
    ),
    "a review that is none": (
        [Answer(200, {"id": "a", "externalUserId": str(REFERENCE), "review": [1]})],
        "provider_not_understood",
        1,
    ),
    "a colour that there is not": (
        [
            Answer(
                200,
                {
                    "id": "a",
                    "externalUserId": str(REFERENCE),
                    "review": {
                        "reviewStatus": "completed",
                        "reviewResult": {"reviewAnswer": "BLUE"},
                    },
                },
            )
        ],
        "provider_not_understood",
        1,
    ),
}
RUN = {"id": "run1", "customer_user_id": str(REFERENCE), "status": "approved"}
BAD_FOR_ONFIDO: dict[str, tuple[list[Answer | bytes | float], str, int]] = {
    "a fault": ([Answer(500)] * 3, "provider_unavailable", 3),
    "wrong credentials": ([Answer(401)], "provider_refuses_credentials", 1),
    "an object": ([b"{}"], "provider_not_understood", 1),
    "numbers": ([b"[1]"], "provider_not_understood", 1),
    "another one's run among them": (
        [Answer(200, [RUN, RUN | {"customer_user_id": "t7.other.1"}])],
        "provider_not_understood",
        1,
    ),
    "no id": ([Answer(200, [RUN | {"id": 7}])], "provider_not_understood", 1),
    "reasons that are none": ([Answer(200, [RUN | {"reasons": 7}])], "provider_not_understood", 1),
}


def refused(
    played: PlayedProvider,
    open_: Callable[[PlayedProvider], Provider],
    bad: tuple[list[Answer | bytes | float], str, int],
) -> None:
    answers, code, calls = bad
    played.next = list(answers)
    if not code:
        assert open_(played).ask(REFERENCE, NOW) is None
    else:
        with pytest.raises(BursaError) as caught:
            open_(played).ask(REFERENCE, NOW)
        assert caught.value.code == code
        # What a provider says may be about the person, and is in no log.
        assert not any(one in caught.value.detail for one in SECRETS)
    assert len(played.sent) == calls


@pytest.mark.parametrize("bad", BAD_FOR_SUMSUB.values(), ids=BAD_FOR_SUMSUB)
def test_a_bad_answer_of_sumsub_approves_nobody(sumsub: PlayedSumsub, bad: Any) -> None:
    refused(sumsub, with_sumsub, bad)


@pytest.mark.parametrize("bad", BAD_FOR_ONFIDO.values(), ids=BAD_FOR_ONFIDO)
def test_a_bad_answer_of_onfido_approves_nobody(onfido: PlayedOnfido, bad: Any) -> None:
    refused(onfido, with_onfido, bad)


def test_a_wrong_key_or_token_is_found_out_by_both(
    sumsub: PlayedSumsub, onfido: PlayedOnfido
) -> None:
    for provider in (with_sumsub(sumsub, "another"), with_onfido(onfido, "another")):
        with pytest.raises(BursaError) as caught:
            provider.begin(APPLICATION, NOW)
        assert caught.value.code == "provider_refuses_credentials"


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"level": 3}, "no_provider_level"), ({"data": None}, "unknown_country")],
    ids=["a level without a name", "a country that is none"],
)
def test_what_can_not_be_asked_is_no_call_that_creates(
    sumsub: PlayedSumsub, changed: dict[str, Any], code: str
) -> None:
    if code == "unknown_country":
        changed = {"data": parse_personal_data(ANNA | {"nationality": "XX"}, NOW)}
    with pytest.raises(BursaError) as caught:
        with_sumsub(sumsub).begin(APPLICATION._replace(**changed), NOW)
    assert caught.value.code == code
    assert not sumsub.applicants


def test_a_form_is_the_same_bytes_each_time() -> None:
    parts = [Part("metadata", b"{}"), Part("content", b"\r\n--x", "image/png", "selfie")]
    assert multipart(parts) == multipart(parts)


@pytest.mark.parametrize(
    ("two", "three"), [("DE", "DEU"), ("GB", "GBR"), ("XX", None), ("de", None), ("", None)]
)
def test_a_country_has_three_letters(two: str, three: str | None) -> None:
    assert three_letters(two) == three
