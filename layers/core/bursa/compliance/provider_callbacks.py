"""What providers call back with: signed, bounded, and the same when it is sent again.

    sumsub   ``X-Payload-Digest`` is the HMAC of the raw body, ``X-Payload-Digest-Alg`` names the
             hash. Sent again after 5 minutes, 1, 5 and 18 hours (docs.sumsub.com, "Webhook
             manager", "Receive results via API"). SHA-1 is refused, though it may be configured.
    onfido   ``X-SHA2-Signature`` is the HMAC-SHA256 of the raw body, in hexadecimal; a run of a
             workflow says how it ended (Onfido's API reference 3.6, "Webhooks"; the names of its
             fields are from memory and were not tried with Onfido).

The order is: size, signature, form, tenant, age. Nothing of a body is looked at before its
signature was found to be right. The secret is a tenant's own, and a report is taken for users of
that tenant alone: one tenant's provider can say nothing about another's users. A resend has the
same step id, which a case takes once (`bursa.compliance.steps`).

Only codes of a report are kept, never a provider's comments, which may be about the person.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bursa.compliance.calendar_time import parse_time_ms
from bursa.compliance.providers import Reference, parse_reference
from bursa.compliance.steps import Outcome, ProviderReported
from bursa.kernel.errors import InvalidInput, TooLarge, Unauthenticated
from bursa.kernel.identifiers import TenantId

BODY_BYTES_MAX: Final = 64 << 10
# The last resend comes 24 hours and 5 minutes after the first.
AGE_MS_MAX: Final = 26 * 3_600_000
EARLY_MS_MAX: Final = 300_000
SECRET_BYTES_MIN: Final = 16
_HEX: Final = re.compile(r"[0-9a-f]{64,128}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,60}", re.ASCII)
_CODES_MAX: Final = 10


class Callback(NamedTuple):
    """A request of a provider: header names in lower case, and the body as it was received."""

    headers: Mapping[str, str]
    body: bytes


class CallbackReport(NamedTuple):
    """A report, and about whom."""

    reference: Reference
    report: ProviderReported


class _Said(NamedTuple):
    """What a body says, in no provider's words."""

    event: str
    reference: str
    at: str
    outcome: Outcome
    reason: str


def read_callback(
    provider: str, tenant: TenantId, secrets: Sequence[bytes], callback: Callback, now_ms: int
) -> CallbackReport | None:
    """Return what a provider of a tenant reports; None for events that report nothing.

    ``secrets`` are the tenant's own of this provider: one, or two while it is exchanged.

    Raises
    ------
    TooLarge
        ``callback_too_large``
    Unauthenticated
        ``bad_signature``: also for a provider that nobody knows, and an old hash
    InvalidInput
        ``invalid_callback``; ``callback_too_old``: it can't be a resend any more;
        ``invalid_reference``: also for users of another tenant.

    """
    if len(callback.body) > BODY_BYTES_MAX:
        raise TooLarge("callback_too_large", f"Send at most {BODY_BYTES_MAX} bytes.")
    shape = _SHAPES.get(provider)
    if shape is None or not _is_signed(shape, secrets, callback):
        raise Unauthenticated("bad_signature", "Sign the raw body with the secret of this hook.")
    try:
        body = json.loads(callback.body)
        said = shape.read(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _invalid() from error
    if said is None:
        return None
    reference = parse_reference(said.reference)
    if reference.tenant != tenant:
        raise InvalidInput("invalid_reference", "Send the reference as it was given.")
    at_ms = parse_time_ms(said.at)
    if at_ms is None:
        raise _invalid()
    if not now_ms - AGE_MS_MAX <= at_ms <= now_ms + EARLY_MS_MAX:
        raise InvalidInput("callback_too_old", "Send events of the last day.")
    event = hashlib.sha256(f"{said.event}\n{said.at}\n{said.outcome}".encode()).hexdigest()[:32]
    report = ProviderReported(
        f"{provider} {event}", reference.attempt, provider, said.outcome, said.reason
    )
    return CallbackReport(reference, report)


def _is_signed(shape: "_Shape", secrets: Sequence[bytes], callback: Callback) -> bool:
    """Compare with every secret, so that time says nothing of which it was."""
    hash_name = shape.hash_of(callback.headers)
    given = callback.headers.get(shape.header, "").strip().casefold()
    if hash_name is None or not _HEX.fullmatch(given):
        return False
    is_signed = False
    for secret in secrets:
        if len(secret) < SECRET_BYTES_MIN:
            continue
        right = hmac.digest(secret, callback.body, hash_name).hex()
        is_signed |= hmac.compare_digest(right, given)
    return is_signed


class _Shape(NamedTuple):
    """How a provider signs and what its bodies say."""

    header: str
    hash_of: Callable[[Mapping[str, str]], str | None]
    read: Callable[[Any], _Said | None]


_SUMSUB_HASHES: Final = {"HMAC_SHA256_HEX": "sha256", "HMAC_SHA512_HEX": "sha512"}


def _sumsub_hash(headers: Mapping[str, str]) -> str | None:
    return _SUMSUB_HASHES.get(headers.get("x-payload-digest-alg", ""))


def _read_sumsub(body: Any) -> _Said | None:  # noqa: ANN401 - whatever JSON holds
    if body.get("testMode") or body.get("sandboxMode"):
        # Somebody tries the hook out; nobody is approved by that.
        return None
    kind, result = body["type"], body.get("reviewResult", {})
    if kind == "applicantOnHold":
        outcome, reason = Outcome.REVIEW, "on hold"
    elif kind == "applicantReviewed" and body["reviewStatus"] == "completed":
        colour, reject = result["reviewAnswer"], result.get("reviewRejectType", "")
        outcome = _sumsub_outcome(colour, reject)
        reason = _codes([colour, reject, *result.get("rejectLabels", ())])
    else:
        return None
    event = f"{_text(body['applicantId'])}\n{_text(kind)}\n{_text(body.get('inspectionId', ''))}"
    return _Said(event, _text(body["externalUserId"]), _text(body["createdAtMs"]), outcome, reason)


def _sumsub_outcome(colour: str, reject: str) -> Outcome:
    if colour == "GREEN":
        return Outcome.APPROVE
    if colour != "RED":
        raise ValueError("An answer is GREEN or RED.")
    return {"RETRY": Outcome.RESUBMIT, "FINAL": Outcome.REJECT}.get(reject, Outcome.REVIEW)


_ONFIDO_OUTCOMES: Final = {
    "approved": Outcome.APPROVE,
    "declined": Outcome.REJECT,
    "review": Outcome.REVIEW,
    "abandoned": Outcome.RESUBMIT,
    "error": Outcome.REVIEW,
}


def _read_onfido(body: Any) -> _Said | None:  # noqa: ANN401 - whatever JSON holds
    payload = body["payload"]
    if payload["action"] != "workflow_run.completed":
        return None
    run, resource = payload["object"], payload["resource"]
    outcome = _ONFIDO_OUTCOMES[run["status"]]
    return _Said(
        _text(run["id"]),
        _text(resource["customer_user_id"]),
        _text(run["completed_at_iso8601"]),
        outcome,
        _codes([run["status"], *resource.get("reasons", ())]),
    )


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not str:
        raise TypeError("A text is expected.")
    return value


def _codes(found: Sequence[Any]) -> str:
    """Return the codes among what a provider says; sentences are left out."""
    codes = [one for one in found if type(one) is str and _CODE.fullmatch(one)]
    return " ".join(codes[:_CODES_MAX])


def _invalid() -> InvalidInput:
    return InvalidInput("invalid_callback", "Send an event in the provider's form.")


_SHAPES: Final = {
    "sumsub": _Shape("x-payload-digest", _sumsub_hash, _read_sumsub),
    "onfido": _Shape("x-sha2-signature", lambda _headers: "sha256", _read_onfido),
}
