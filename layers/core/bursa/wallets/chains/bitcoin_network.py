"""What is configured of a Bitcoin network, and how its addresses and nodes tell it from others."""

from dataclasses import dataclass
from typing import Final

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import NetworkName

SAT_PER_BTC: Final = 100_000_000


@dataclass(frozen=True)
class BitcoinNetwork:
    """A Bitcoin network.

    Attributes
    ----------
    chain
        What nodes call it: main, testnet4, signet, regtest.
    genesis
        The hash of its first block; what tells one signet from another.
    prefix
        The human-readable part of its bech32 addresses.
    key_hash_version, script_hash_version
        The first byte of its base58 addresses.
    fee_max
        What a transaction may cost at most, in satoshi.
    rate_max, rate_min
        Satoshi per thousand virtual bytes: more is absurd, less no node relays.
    rate_unknown
        The quote while a node has seen too few blocks to estimate one.

    """

    name: NetworkName
    chain: str
    genesis: str
    prefix: str
    key_hash_version: int
    script_hash_version: int
    fee_max: ChainUnits = ChainUnits(1_000_000)
    rate_max: ChainUnits = ChainUnits(1_000_000)
    rate_min: ChainUnits = ChainUnits(1_000)
    rate_unknown: ChainUnits = ChainUnits(5_000)
    payments_max: int = 100
    inputs_max: int = 200


MAIN: Final = BitcoinNetwork(
    NetworkName("bitcoin"),
    "main",
    "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "bc",
    0x00,
    0x05,
)
REGTEST: Final = BitcoinNetwork(
    NetworkName("bitcoin-regtest"),
    "regtest",
    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    "bcrt",
    0x6F,
    0xC4,
)
