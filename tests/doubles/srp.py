"""A client that proves a password without sending it: SRP as user pools of Cognito want it.

Sources: RFC 5054 (SRP 6a; the group of 3,072 bits is that of RFC 3526) and RFC 5869 (HKDF). What is
Cognito's own: SHA-256, numbers padded to a whole byte with a sign, a user's name behind that of its
pool, and the proof over pool, user, secret block and time.
"""

import secrets
from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import digest
from time import gmtime, strftime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

GROUP = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
    "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
    "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
    "3995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33"
    "a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7"
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864"
    "d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2"
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
    16,
)
GENERATOR = 2
INFO = b"Caldera Derived Key"


def signed_in(
    cognito: Any, pool_id: str, client_id: str, email: str, password: str
) -> dict[str, str]:
    """Return the tokens of a sign-in; raises as the pool does."""
    ours = secrets.randbelow(GROUP)
    sent = pow(GENERATOR, ours, GROUP)
    asked = cognito.initiate_auth(
        AuthFlow="USER_SRP_AUTH",
        ClientId=client_id,
        AuthParameters={"USERNAME": email, "SRP_A": f"{sent:x}"},
    )
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    given = asked["ChallengeParameters"]
    received, salt = int(given["SRP_B"], 16), int(given["SALT"], 16)
    pool, user = pool_id.partition("_")[2], given["USER_ID_FOR_SRP"]
    mix = number(padded(sent) + padded(received))
    inner = sha256(f"{pool}{user}:{password}".encode()).digest()
    secret = number(padded(salt) + inner)
    multiplier = number(padded(GROUP) + padded(GENERATOR))
    base = (received - multiplier * pow(GENERATOR, secret, GROUP)) % GROUP
    shared = pow(base, ours + mix * secret, GROUP)
    key = HKDF(SHA256(), 16, padded(mix), INFO).derive(padded(shared))
    now = strftime("%a %b {} %H:%M:%S UTC %Y", gmtime()).format(gmtime().tm_mday)
    block = given["SECRET_BLOCK"]
    proof = digest(key, f"{pool}{user}".encode() + b64decode(block) + now.encode(), "sha256")
    answered = cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses={
            "USERNAME": user,
            "TIMESTAMP": now,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": b64encode(proof).decode(),
        },
    )
    tokens: dict[str, str] = answered["AuthenticationResult"]
    return tokens


def padded(value: int) -> bytes:
    """Return a number as bytes whose first bit says that it is not negative."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def number(content: bytes) -> int:
    """Return the digest of some bytes as a number."""
    return int.from_bytes(sha256(content).digest(), "big")
