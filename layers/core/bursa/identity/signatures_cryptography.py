"""Ed25519 signatures (RFC 8032), loaded with the first request that has one.

Most starts of a function need none, and the library costs them 15 ms.
"""


def is_ed25519(public_key: bytes, signature: bytes, text: bytes) -> bool:
    """Return whether a signature is that of a text by a public key's owner."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
