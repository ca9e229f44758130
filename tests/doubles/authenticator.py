"""A user's authenticator (RFC 6238)."""

import time
from base64 import b32decode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
# How long a code must still be taken when it is shown; a request may take that long.
HOLDS_S = 15


class Codes:
    """An authenticator: a code for each call, which waits for the next one if it must."""

    def __init__(self, secret: str) -> None:
        padding = "=" * (-len(secret) % 8)
        self.totp = TOTP(b32decode(secret + padding), 6, SHA1(), STEP_S, enforce_key_length=False)  # noqa: S303
        self.used = 0

    def __call__(self) -> str:
        # A code of the step before or after is taken as well; each is used once.
        step = max(self.used + 1, int(time.time() + HOLDS_S) // STEP_S - 1)
        while step > int(time.time()) // STEP_S + 1:
            time.sleep(0.5)
        self.used = step
        return self.totp.generate(step * STEP_S).decode()
