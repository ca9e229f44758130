"""What is configured of an EVM network: its chain id, listed tokens, and what nodes can trace."""

from dataclasses import dataclass
from enum import StrEnum

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import NetworkName

GWEI = 10**9


class Traces(StrEnum):
    """How a node tells what calls inside a transaction moved (docs/wallets.md)."""

    DEBUG = "debug"  # debug_traceBlockByHash with the call tracer: geth, reth, anvil
    TRACE = "trace"  # trace_block: Erigon, Nethermind, reth, anvil
    NONE = "none"  # only what a transaction itself carries is seen


@dataclass(frozen=True)
class EvmNetwork:
    """An EVM network.

    Attributes
    ----------
    tokens
        Contracts of the listed tokens, by EIP-55. Events of every other contract are nothing.
    fee_max
        What a transaction may cost at most, in wei; more is refused before anything is signed.
    gas_limit_max
        What a payment may need at most; a token that wants more is not one to pay with.
    tip_min
        Tip per gas, in wei, below which a quote never goes.
    replaced_after_blocks
        A transaction that a node does not have is told as replaced only when its nonce was used so
        many blocks ago: behind one address of a provider are nodes of which some lag.
    final_tag
        The name of a block that the network calls final; empty where it has none.

    """

    name: NetworkName
    chain_id: int
    tokens: frozenset[str] = frozenset()
    traces: Traces = Traces.DEBUG
    fee_max: ChainUnits = ChainUnits(10**17)
    gas_limit_max: int = 500_000
    tip_min: ChainUnits = ChainUnits(GWEI // 10)
    replaced_after_blocks: int = 3
    final_tag: str = "finalized"
