"""Time-based codes (RFC 6238): six digits, SHA-1, half a minute, as authenticators make them."""

from typing import Final

from bursa.identity.second_factor import STEP_S

DIGITS: Final = 6


def code_of(secret: bytes, step: int) -> str:
    """Return the code of a step."""
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415 - few starts need it
    from cryptography.hazmat.primitives.twofactor.totp import TOTP  # noqa: PLC0415

    # Authenticators know no other hash; HMAC does not rest on what SHA-1 has lost.
    maker = TOTP(secret, DIGITS, SHA1(), STEP_S, enforce_key_length=False)  # noqa: S303
    return maker.generate(step * STEP_S).decode()
