"""Addresses of Bitcoin: good ones become scripts, bad ones and those of other networks don't."""

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.bitcoin_builder import BitcoinBuilder
from bursa.wallets.chains.bitcoin_network import MAIN, REGTEST, BitcoinNetwork
from bursa.wallets.chains.bitcoin_scripts import dust_limit, parse_address

TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
WITNESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
SCRIPT = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"


@pytest.mark.parametrize(
    ("address", "script", "dust"),
    [
        # From BIP 173 and BIP 350, and the first block's.
        (WITNESS, "0014751e76e8199196d454941c45d1b3a323f1433bd6", 294),
        (WITNESS.upper(), "0014751e76e8199196d454941c45d1b3a323f1433bd6", 294),
        (SCRIPT, "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", 330),
        (TAPROOT, "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", 330),
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
            546,
        ),
        (
            "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
            "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
            540,
        ),
    ],
)
def test_an_address_becomes_its_script(address: str, script: str, dust: int) -> None:
    one_form, made = parse_address(address, MAIN)
    assert made.hex() == script
    assert one_form == (address.lower() if address.lower().startswith("bc1") else address)
    assert dust_limit(made) == dust


@pytest.mark.parametrize(
    ("address", "network", "code"),
    [
        ("", MAIN, "invalid_address"),
        ("bc1", MAIN, "invalid_address"),
        (WITNESS[:-1] + "5", MAIN, "invalid_address"),
        ("Bc1" + WITNESS[3:], MAIN, "invalid_address"),
        (WITNESS + " ", MAIN, "invalid_address"),
        ("bc1é" + WITNESS[4:], MAIN, "invalid_address"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", MAIN, "invalid_address"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", MAIN, "invalid_address"),
        ("1" * 34, MAIN, "invalid_address"),
        ("1" * 91, MAIN, "invalid_address"),
        # BIP 350: version 1 with the old checksum, version 0 with the new one.
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", MAIN, "invalid_address"),
        ("bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj1", MAIN, "invalid_address"),
        ("bc1gmk9yu", MAIN, "invalid_address"),
        # BIP 350: versions 16 and 2, valid, and without a meaning yet.
        ("BC1SW50QGDZ25J", MAIN, "unknown_address_kind"),
        ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", MAIN, "unknown_address_kind"),
        (WITNESS, REGTEST, "address_of_other_network"),
        (TAPROOT, REGTEST, "address_of_other_network"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", REGTEST, "address_of_other_network"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", MAIN, "address_of_other_network"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", MAIN, "address_of_other_network"),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", MAIN, "address_of_other_network"),
        ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", MAIN, "address_of_other_network"),
    ],
)
def test_what_is_no_destination_is_refused(
    address: str, network: BitcoinNetwork, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        BitcoinBuilder(network).address(address)
    assert (refused.value.code, refused.value.field) == (code, "address")
