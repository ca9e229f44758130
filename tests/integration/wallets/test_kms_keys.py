"""Keys of KMS that sign for wallets, and seeds that it seals, on the emulator's KMS."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coincurve
import pytest
from botocore.config import Config
from botocore.session import get_session

from benchmarks.rig import free_port, wait_until_ready
from bursa.kernel.errors import InternalError, InvalidInput, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.wallets.chains.evm_encoding import address_of
from bursa.wallets.deposit_addresses import EVM_ACCOUNT, EvmAddresses, WatchedKey
from bursa.wallets.keys_kms import KmsKey
from bursa.wallets.seeds_kms import SealedSeeds
from bursa.wallets.signatures import ORDER, is_of
from tests.integration.wallets.evm_node import ETH, EvmNode

ROOT = Path(__file__).parents[3]
T1, T2 = TenantId(1), TenantId(2)
SEED = bytes(range(32))


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a client of an emulator that checks signatures of requests."""
    folder = tmp_path_factory.mktemp("emulator")
    port, secret = free_port(), secrets.token_urlsafe()
    variables = {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "BURSATEST",
        "AWS_SECRET_ACCESS_KEY": secret,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.emulator"],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/_ministack/health", process)
        yield get_session().create_client(
            "kms",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="BURSATEST",
            aws_secret_access_key=secret,
            config=Config(proxies={}, retries={"max_attempts": 0}),
        )
    finally:
        process.terminate()
        process.wait()


def create(kms: Any, spec: str = "ECC_SECG_P256K1", usage: str = "SIGN_VERIFY") -> str:
    key: str = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
    return key


class Recorded:
    """A client that notes how many signatures had a high s, as KMS gave them."""

    def __init__(self, kms: Any) -> None:
        self.kms = kms
        self.high = self.low = 0

    def get_public_key(self, **arguments: Any) -> Any:
        return self.kms.get_public_key(**arguments)

    def sign(self, **arguments: Any) -> Any:
        told = self.kms.sign(**arguments)
        der = told["Signature"]
        s = int.from_bytes(der[6 + der[3] :], "big")
        self.high, self.low = self.high + (s > ORDER // 2), self.low + (s <= ORDER // 2)
        return told


def test_every_signature_of_kms_becomes_low_and_is_the_keys(kms: Any) -> None:
    recorded: Any = Recorded(kms)
    key = KmsKey(recorded, create(kms))
    for number in range(40):
        digest = number.to_bytes(32, "big")
        signature = key.sign(digest)
        assert signature.s <= ORDER // 2
        assert is_of(key.public_key, digest, signature)
    # One of 2**40 runs sees only one kind.
    assert recorded.high > 0
    assert recorded.low > 0


def test_a_payment_signed_by_kms_is_mined(kms: Any, evm: EvmNode) -> None:
    key = KmsKey(kms, create(kms))
    to = evm.key().evm_address
    sender = _address(key.public_key)
    evm.call("anvil_setBalance", sender, hex(2 * ETH))
    named: Any = _Named(key, sender)
    signed = evm.sign(named, evm.plan(named, to, ETH))
    evm.chain().broadcast(signed.raw)
    evm.mine()
    assert evm.chain().balance(to) == ETH


class _Named:
    def __init__(self, key: KmsKey, evm_address: str) -> None:
        self.sign = key.sign
        self.evm_address = evm_address


def _address(public_key: bytes) -> str:
    return address_of(coincurve.PublicKey(public_key).format(compressed=False))


def test_a_key_other_than_the_one_on_record_signs_nothing(kms: Any) -> None:
    first, second = create(kms), create(kms)
    public_key = KmsKey(kms, first).public_key
    assert KmsKey(kms, first, public_key).sign(bytes(32))
    with pytest.raises(InternalError) as refused:
        KmsKey(kms, second, public_key).sign(bytes(32))
    assert refused.value.code == "wrong_wallet_key"


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048"])
def test_a_key_of_another_kind_signs_nothing(kms: Any, spec: str) -> None:
    with pytest.raises(InternalError) as refused:
        KmsKey(kms, create(kms, spec)).sign(bytes(32))
    assert refused.value.code == "wrong_wallet_key"


def test_a_disabled_key_signs_nothing(kms: Any) -> None:
    key_id = create(kms)
    key = KmsKey(kms, key_id)
    key.sign(bytes(32))
    kms.disable_key(KeyId=key_id)
    with pytest.raises(Unavailable):
        key.sign(bytes(32))


def seal_key(kms: Any) -> str:
    return create(kms, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")


def test_a_seeds_keys_sign_for_its_addresses(kms: Any) -> None:
    seeds = SealedSeeds(kms, seal_key(kms), T1, "evm")
    sealed = seeds.seal(SEED)
    assert SEED not in sealed
    assert SEED not in base64.b64decode(json.loads(sealed)["seed"])
    watched = WatchedKey(seeds.account_public_key(sealed, EVM_ACCOUNT), EVM_ACCOUNT)
    address = EvmAddresses(watched).address(3)
    key = seeds.key(sealed, address.key)
    assert key.public_key == address.public_key
    assert is_of(address.public_key, bytes(32), key.sign(bytes(32)))


def test_a_seed_opens_only_in_its_context_and_with_its_key(kms: Any) -> None:
    key_id = seal_key(kms)
    sealed = SealedSeeds(kms, key_id, T1, "evm").seal(SEED)
    others = [
        SealedSeeds(kms, key_id, T2, "evm"),
        SealedSeeds(kms, key_id, T1, "bitcoin"),
        SealedSeeds(kms, seal_key(kms), T1, "evm"),
    ]
    for other in others:
        with pytest.raises(InternalError) as refused:
            other.key(sealed, EVM_ACCOUNT)
        assert refused.value.code == "seed_damaged"


def test_a_changed_blob_does_not_open(kms: Any) -> None:
    seeds = SealedSeeds(kms, seal_key(kms), T1, "evm")
    one, two = json.loads(seeds.seal(SEED)), json.loads(seeds.seal(SEED))
    flipped = bytearray(base64.b64decode(one["seed"]))
    flipped[-1] ^= 1
    for blob in (
        b"",
        b"{}",
        b"[]",
        json.dumps({**one, "seed": two["seed"]}).encode(),
        json.dumps({**one, "seed": base64.b64encode(flipped).decode()}).encode(),
    ):
        with pytest.raises(InternalError) as refused:
            seeds.key(blob, EVM_ACCOUNT)
        assert refused.value.code == "seed_damaged"


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    seeds = SealedSeeds(None, "none", T1, "evm")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        seeds.seal(bytes(length))
