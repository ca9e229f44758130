"""Every signature is low-s, recovers its key, and is what two other libraries say it is."""

import coincurve
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from eth_keys.datatypes import PrivateKey
from eth_keys.datatypes import Signature as OtherSignature
from hypothesis import assume, given
from hypothesis import strategies as st

from bursa.kernel.errors import NotAllowed, Unavailable
from bursa.wallets.chains.ports import Request, Signature
from bursa.wallets.keys import sign_all
from bursa.wallets.signatures import ORDER, from_der, is_of, recover, to_der
from tests.doubles.wallet_keys import SoftwareKey

SECRETS = st.integers(1, ORDER - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
DIGEST = bytes(range(32))
KEY = SoftwareKey((7).to_bytes(32, "big"))
GOOD = to_der(KEY.sign(DIGEST))


def key_of(secret: int) -> SoftwareKey:
    return SoftwareKey(secret.to_bytes(32, "big"))


@given(SECRETS, DIGESTS, st.booleans())
def test_a_signature_of_either_root_becomes_the_low_one(
    secret: int, digest: bytes, mirrored: bool
) -> None:
    private = ec.derive_private_key(secret, ec.SECP256K1())
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
    der = encode_dss_signature(r, ORDER - s if mirrored else s)
    signature = from_der(der, digest, key_of(secret).public_key)
    assert signature.s <= ORDER // 2
    assert is_of(key_of(secret).public_key, digest, signature)
    other = OtherSignature(vrs=(signature.recovery, signature.r, signature.s))
    assert other.recover_public_key_from_msg_hash(digest) == (
        PrivateKey(secret.to_bytes(32, "big")).public_key
    )
    assert coincurve.PublicKey(key_of(secret).public_key).verify(
        to_der(signature), digest, hasher=None
    )


@given(SECRETS, SECRETS, DIGESTS)
def test_anothers_signature_is_refused(secret: int, other: int, digest: bytes) -> None:
    # A key and its negative sign a digest of zero alike; nothing that is hashed has that digest.
    assume(secret != other and any(digest))
    der = to_der(key_of(other).sign(digest))
    with pytest.raises(Unavailable):
        from_der(der, digest, key_of(secret).public_key)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        GOOD[:-1],
        GOOD + b"\0",
        b"\x31" + GOOD[1:],
        GOOD[:1] + bytes([GOOD[1] + 1]) + GOOD[2:],
        to_der(Signature(0, 1, 0)),
        to_der(Signature(1, 0, 0)),
        to_der(Signature(ORDER, 1, 0)),
        to_der(Signature(1, ORDER, 0)),
        b"\x30\x06\x02\x01\x81\x02\x01\x01",
        b"\x30\x80" + bytes(200),
    ],
)
def test_what_is_no_signature_is_refused(der: bytes) -> None:
    with pytest.raises(Unavailable) as refused:
        from_der(der, DIGEST, KEY.public_key)
    assert refused.value.code == "signature_of_other_key"


def test_a_signature_of_another_digest_is_refused() -> None:
    with pytest.raises(Unavailable):
        from_der(GOOD, bytes(32), KEY.public_key)


def test_high_s_and_strange_recovery_ids_are_nobodys() -> None:
    good = KEY.sign(DIGEST)
    assert recover(DIGEST, good) is not None
    assert recover(DIGEST, Signature(good.r, ORDER - good.s, 1 - good.recovery)) is None
    assert recover(DIGEST, Signature(good.r, good.s, 2)) is None
    assert recover(DIGEST[:31], good) is None


def test_only_known_keys_sign_and_all_or_none() -> None:
    own, other = Request("hot", DIGEST), Request("cold", DIGEST)
    assert sign_all({"hot": KEY}, (own,)) == (KEY.sign(DIGEST),)
    for asked in (other, Request("hot", DIGEST, key_of(9).public_key)):
        with pytest.raises(NotAllowed):
            sign_all({"hot": KEY}, (own, asked))
