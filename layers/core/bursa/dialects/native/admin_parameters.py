"""What requests of a back office name: users, and themselves."""

import re
from typing import Final
from urllib.parse import unquote

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import CLIENT_ORDER_ID

_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def read_subject(text: str) -> str:
    """Return the user id in a path; raises `InvalidInput` ``invalid_user_id``."""
    subject = unquote(text)
    if not _SUBJECT.fullmatch(subject):
        raise InvalidInput(
            "invalid_user_id", "Send user_id as GET /v1/admin/users gives it.", field="user_id"
        )
    return subject


def require_key(key: str) -> None:
    """Return for a name of the right form.

    Raises `InvalidInput` ``missing_idempotency_key``, ``invalid_idempotency_key``.
    """
    if not key:
        raise InvalidInput(
            "missing_idempotency_key",
            "Send the header Idempotency-Key: your name for this request, so that a repeat is one.",
            field="Idempotency-Key",
        )
    if not re.fullmatch(CLIENT_ORDER_ID, key, re.ASCII):
        raise InvalidInput(
            "invalid_idempotency_key",
            "Send Idempotency-Key as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field="Idempotency-Key",
        )
