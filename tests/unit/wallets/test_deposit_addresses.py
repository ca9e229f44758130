"""Addresses from extended public keys are those that other wallets make of the same seed."""

import coincurve
import eth_account
import pytest
from embit.bip32 import HDKey
from embit.bip39 import mnemonic_to_seed

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.bitcoin_network import MAIN, REGTEST
from bursa.wallets.deposit_addresses import (
    BITCOIN_ACCOUNT,
    EVM_ACCOUNT,
    EitherKeyAddresses,
    EvmAddresses,
    KeyAddresses,
    WatchedKey,
)

# The words of BIP 84's examples; everybody knows them.
WORDS = f"{'abandon ' * 11}about"
ROOT = HDKey.from_seed(mnemonic_to_seed(WORDS))
HOT = coincurve.PrivateKey((5).to_bytes(32, "big")).public_key.format()


def watched(path: str) -> WatchedKey:
    return WatchedKey(ROOT.derive(path).to_public().to_base58(), path)


def test_bitcoin_addresses_are_those_of_bip_84() -> None:
    addresses = KeyAddresses(MAIN, watched(BITCOIN_ACCOUNT))
    first, second = addresses.address(0), addresses.address(1)
    assert first.address == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
    assert second.address == "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"
    assert first.public_key.hex() == (
        "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c"
    )


def test_evm_addresses_are_those_of_another_wallet() -> None:
    eth_account.Account.enable_unaudited_hdwallet_features()
    addresses = EvmAddresses(watched(EVM_ACCOUNT))
    for index in (0, 1, 77):
        other = eth_account.Account.from_mnemonic(WORDS, account_path=f"m/44'/60'/0'/0/{index}")
        found = addresses.address(index)
        assert found.address == other.address
        assert ROOT.derive(found.key).sec() == found.public_key


def test_an_address_of_either_key_has_a_cold_key_of_its_own() -> None:
    addresses = EitherKeyAddresses(REGTEST, HOT, watched(BITCOIN_ACCOUNT))
    one, two = addresses.address(0), addresses.address(1)
    assert one.address != two.address
    assert (one.key, one.public_key) == ("hot", HOT)
    assert one.cold_public_key == ROOT.derive(f"{BITCOIN_ACCOUNT}/0/0").sec()
    assert one.address.startswith("bcrt1q")


@pytest.mark.parametrize("index", [-1, 1 << 31])
def test_an_index_that_cannot_be_derived_is_refused(index: int) -> None:
    with pytest.raises(InvalidInput):
        EvmAddresses(watched(EVM_ACCOUNT)).address(index)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_extended_key"),
        ("xpub", "invalid_extended_key"),
        (ROOT.to_public().to_base58(), "invalid_extended_key"),
        (ROOT.derive("m/84h/0h").to_public().to_base58(), "invalid_extended_key"),
        (ROOT.derive(BITCOIN_ACCOUNT).to_public().to_base58()[:-1] + "1", "invalid_extended_key"),
        (ROOT.derive(BITCOIN_ACCOUNT).to_base58(), "private_key_given"),
    ],
    ids=["nothing", "short", "root", "depth 2", "wrong checksum", "private"],
)
def test_what_is_no_accounts_public_key_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        WatchedKey(text, BITCOIN_ACCOUNT)
    assert refused.value.code == code
