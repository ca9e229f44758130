"""Callbacks of providers: who may send one, and about which attempt it says to ask."""

import hmac
import json
from typing import Any

import pytest

from bursa.compliance.provider_callbacks import (
    AGE_MS_MAX,
    BODY_BYTES_MAX,
    EARLY_MS_MAX,
    Callback,
    read_callback,
)
from bursa.compliance.providers import Reference, parse_reference
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId

T7 = TenantId(7)
SECRET, OTHER = b"s" * 32, b"o" * 32
NOW = 1_790_000_000_000  # 2026-09-21 14:13:20
REFERENCE = Reference(T7, "anna-1", 2)
SUMSUB = {
    "applicantId": "5cb56e8e0a975a35f333cb83",
    "inspectionId": "5cb56e8e0a975a35f333cb84",
    "externalUserId": str(REFERENCE),
    "type": "applicantReviewed",
    "reviewStatus": "completed",
    "createdAtMs": "2026-09-21 14:13:19.321",
    "reviewResult": {"reviewAnswer": "GREEN"},
}
RED = {"reviewAnswer": "RED", "clientComment": "Anna was born elsewhere"}
ONFIDO = {
    "payload": {
        "resource_type": "workflow_run",
        "action": "workflow_run.completed",
        "object": {
            "id": "wr-1",
            "status": "approved",
            "completed_at_iso8601": "2026-09-21T14:13:19Z",
        },
        "resource": {"customer_user_id": str(REFERENCE), "reasons": []},
    }
}


def sumsub(body: object = SUMSUB, secret: bytes = SECRET, hash_name: str = "sha256") -> Callback:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Callback(
        {
            "x-payload-digest": hmac.digest(secret, data, hash_name).hex(),
            "x-payload-digest-alg": f"HMAC_{hash_name.upper()}_HEX",
        },
        data,
    )


def onfido(body: object = ONFIDO, secret: bytes = SECRET) -> Callback:
    data = json.dumps(body).encode()
    return Callback({"x-sha2-signature": hmac.digest(secret, data, "sha256").hex()}, data)


def read(
    callback: Callback, provider: str = "sumsub", tenant: TenantId = T7, now_ms: int = NOW
) -> Reference | None:
    return read_callback(provider, tenant, [SECRET], callback, now_ms)


def with_run(**changed: Any) -> dict[str, Any]:
    payload = ONFIDO["payload"]
    return {"payload": payload | {"object": payload["object"] | changed}}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("provider", "callback"),
    [
        ("sumsub", sumsub()),
        ("sumsub", sumsub(SUMSUB | {"type": "applicantOnHold"})),
        # What it says of the outcome is nobody's to believe.
        ("sumsub", sumsub(SUMSUB | {"reviewResult": RED})),
        ("sumsub", sumsub(SUMSUB | {"reviewResult": "?"})),
        ("onfido", onfido()),
        ("onfido", onfido(with_run(status="declined"))),
    ],
    ids=["reviewed", "on hold", "red", "nonsense", "completed", "declined"],
)
def test_a_callback_names_the_attempt_to_ask_about(provider: str, callback: Callback) -> None:
    assert read(callback, provider) == REFERENCE


@pytest.mark.parametrize(
    ("provider", "callback"),
    [
        ("sumsub", sumsub(SUMSUB | {"type": "applicantCreated"})),
        ("sumsub", sumsub(SUMSUB | {"type": "applicantPending", "reviewStatus": "pending"})),
        ("sumsub", sumsub(SUMSUB | {"reviewStatus": "pending"})),
        ("sumsub", sumsub(SUMSUB | {"testMode": True})),
        ("sumsub", sumsub(SUMSUB | {"sandboxMode": True})),
        ("onfido", onfido({"payload": {"action": "report.completed"}})),
    ],
    ids=["created", "pending", "not completed", "a test", "their sandbox", "another event"],
)
def test_events_that_report_nothing_are_taken_and_change_nothing(
    provider: str, callback: Callback
) -> None:
    assert read(callback, provider) is None


def test_a_secret_can_be_exchanged_without_a_gap() -> None:
    for secret in (SECRET, OTHER):
        assert read_callback("sumsub", T7, [SECRET, OTHER], sumsub(secret=secret), NOW)


def test_sha512_is_taken() -> None:
    assert read(sumsub(hash_name="sha512"))


def headers(**changed: str) -> Callback:
    callback = sumsub()
    return callback._replace(headers={**callback.headers, **changed})


UNSIGNED = {
    "no header": Callback({}, sumsub().body),
    "no hash named": Callback({"x-payload-digest": sumsub().headers["x-payload-digest"]}, b"{}"),
    "another secret": sumsub(secret=OTHER),
    "another body": sumsub()._replace(body=sumsub().body + b" "),
    "sha1": sumsub(hash_name="sha1"),
    "not hexadecimal": headers(**{"x-payload-digest": "é" * 64}),
    "empty": headers(**{"x-payload-digest": ""}),
    "shortened": headers(**{"x-payload-digest": sumsub().headers["x-payload-digest"][:-2]}),
    "another hash": headers(**{"x-payload-digest-alg": "HMAC_SHA512_HEX"}),
    "no JSON, unsigned": Callback({}, b"{"),
}


@pytest.mark.parametrize("callback", UNSIGNED.values(), ids=UNSIGNED)
def test_a_callback_without_the_right_signature_is_not_read(callback: Callback) -> None:
    with pytest.raises(BursaError) as caught:
        read(callback)
    assert caught.value.code == "bad_signature"


@pytest.mark.parametrize("secrets", [[], [b""], [b"short"]], ids=["none", "empty", "short"])
def test_without_a_good_secret_nothing_is_signed(secrets: list[bytes]) -> None:
    callback = sumsub(secret=secrets[0] if secrets else b"")
    with pytest.raises(BursaError) as caught:
        read_callback("sumsub", T7, secrets, callback, NOW)
    assert caught.value.code == "bad_signature"


def test_a_provider_nobody_knows_has_no_signature() -> None:
    with pytest.raises(BursaError) as caught:
        read(sumsub(), "veriff")
    assert caught.value.code == "bad_signature"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SUMSUB.items() if key != name}


WRONG = {
    "no JSON": (sumsub(b"{"), "invalid_callback"),
    "a list": (sumsub(b"[]"), "invalid_callback"),
    "deep": (sumsub(b"[" * 60_000), "invalid_callback"),
    "not UTF-8": (sumsub(b"\xff\xfe{"), "invalid_callback"),
    "no type": (sumsub(without("type")), "invalid_callback"),
    "no user": (sumsub(without("externalUserId")), "invalid_callback"),
    "a number as user": (sumsub(SUMSUB | {"externalUserId": 7}), "invalid_callback"),
    "no time": (sumsub(SUMSUB | {"createdAtMs": "yesterday"}), "invalid_callback"),
    "a user of ours alone": (sumsub(SUMSUB | {"externalUserId": "anna"}), "invalid_reference"),
    "another tenant's user": (
        sumsub(SUMSUB | {"externalUserId": "t8.anna-1.2"}),
        "invalid_reference",
    ),
}


@pytest.mark.parametrize(("callback", "code"), WRONG.values(), ids=WRONG)
def test_a_signed_callback_in_another_form_is_refused(callback: Callback, code: str) -> None:
    with pytest.raises(BursaError) as caught:
        read(callback)
    assert caught.value.code == code


@pytest.mark.parametrize("at", ["yesterday", None])
def test_a_run_in_another_form_is_refused(at: object) -> None:
    with pytest.raises(BursaError) as caught:
        read(onfido(with_run(completed_at_iso8601=at)), "onfido")
    assert caught.value.code == "invalid_callback"


CREATED = NOW - 679


@pytest.mark.parametrize(
    ("now_ms", "is_taken"),
    [
        (CREATED + AGE_MS_MAX, True),
        (CREATED + AGE_MS_MAX + 1, False),
        (CREATED - EARLY_MS_MAX, True),
        (CREATED - EARLY_MS_MAX - 1, False),
    ],
)
def test_a_callback_is_taken_as_long_as_it_may_be_a_resend(now_ms: int, is_taken: bool) -> None:
    if is_taken:
        assert read(sumsub(), now_ms=now_ms)
    else:
        with pytest.raises(BursaError) as caught:
            read(sumsub(), now_ms=now_ms)
        assert caught.value.code == "callback_too_old"


def test_a_large_body_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(BursaError) as caught:
        read(Callback({}, b" " * (BODY_BYTES_MAX + 1)))
    assert caught.value.code == "callback_too_large"


@pytest.mark.parametrize(
    "text", ["", "t0.a.1", "t7..1", "t7.a.0", "t7.a", "t7.a.1.1", "t7.a#b.1", "T7.a.1", "t7.a.1\n"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(BursaError) as caught:
        parse_reference(text)
    assert caught.value.code == "invalid_reference"
