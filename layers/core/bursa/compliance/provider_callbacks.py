"""What providers call back with: signed, bounded, and no more than a reason to ask.

    sumsub   ``X-Payload-Digest`` is the HMAC of the raw body, ``X-Payload-Digest-Alg`` names the
             hash. Sent again after 5 minutes, 1, 5 and 18 hours (docs.sumsub.com, "Webhook
             manager", "Receive results via API"). SHA-1 is refused, though it may be configured.
    onfido   ``X-SHA2-Signature`` is the HMAC-SHA256 of the raw body, in hexadecimal; a run of a
             workflow names its customer's user (API v3.6, by its OpenAPI description).

The order is: size, signature, form, tenant, age. Nothing of a body is looked at before its
signature was found to be right. The secret is a tenant's own, and a callback is about users of
that tenant alone. What it says of the outcome is not read: the provider is asked
(`bursa.compliance.providers`), so a callback that is sent again or out of order changes nothing.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bursa.compliance.provider_reports import text_of
from bursa.compliance.providers import Reference, parse_reference
from bursa.kernel.calendar_time import parse_time_ms
from bursa.kernel.errors import InvalidInput, TooLarge, Unauthenticated
from bursa.kernel.identifiers import TenantId

BODY_BYTES_MAX: Final = 64 << 10
# The last resend comes 24 hours and 5 minutes after the first.
AGE_MS_MAX: Final = 26 * 3_600_000
EARLY_MS_MAX: Final = 300_000
SECRET_BYTES_MIN: Final = 16
_HEX: Final = re.compile(r"[0-9a-f]{64,128}", re.ASCII)


class Callback(NamedTuple):
    """A request of a provider: header names in lower case, and the body as it was received."""

    headers: Mapping[str, str]
    body: bytes


class _Said(NamedTuple):
    """What a body says, in no provider's words."""

    reference: str
    at: str


def read_callback(
    provider: str, tenant: TenantId, secrets: Sequence[bytes], callback: Callback, now_ms: int
) -> Reference | None:
    """Return about which attempt a provider of a tenant has found something; None for others.

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
    return reference


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
    kind = body["type"]
    is_over = kind == "applicantReviewed" and body["reviewStatus"] == "completed"
    if kind != "applicantOnHold" and not is_over:
        return None
    return _Said(text_of(body["externalUserId"]), text_of(body["createdAtMs"]))


def _read_onfido(body: Any) -> _Said | None:  # noqa: ANN401 - whatever JSON holds
    payload = body["payload"]
    if payload["action"] != "workflow_run.completed":
        return None
    run, resource = payload["object"], payload["resource"]
    return _Said(text_of(resource["customer_user_id"]), text_of(run["completed_at_iso8601"]))


def _invalid() -> InvalidInput:
    return InvalidInput("invalid_callback", "Send an event in the provider's form.")


_SHAPES: Final = {
    "sumsub": _Shape("x-payload-digest", _sumsub_hash, _read_sumsub),
    "onfido": _Shape("x-sha2-signature", lambda _headers: "sha256", _read_onfido),
}
