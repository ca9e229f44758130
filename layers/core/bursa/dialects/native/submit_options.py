"""How a request is to be submitted, from its headers."""

import re

from bursa.dialects.native.parameters import RequestHeaders
from bursa.intake.submission import SubmitOptions
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import Actor

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def read_options(headers: RequestHeaders, actor: Actor) -> SubmitOptions:
    """Return how a request is to be submitted.

    Raises
    ------
    InvalidInput
        ``invalid_idempotency_key``.

    """
    key = headers.idempotency_key
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput(
            "invalid_idempotency_key",
            "Send Idempotency-Key as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field="Idempotency-Key",
        )
    preferences = (headers.prefer or "").lower().split(",")
    wait = "respond-async" not in (preference.strip() for preference in preferences)
    return SubmitOptions(actor, request_key=key, wait=wait)
