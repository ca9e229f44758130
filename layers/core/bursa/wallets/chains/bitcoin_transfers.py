"""Which outputs of Bitcoin transactions pay watched addresses."""

from collections.abc import Sequence
from decimal import Decimal

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_network import SAT_PER_BTC, BitcoinNetwork
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    Outpoint,
    OutputsClaim,
    Transfer,
    TransferId,
    Watched,
)
from bursa.wallets.chains.rpc import Json


def received(
    network: BitcoinNetwork, transactions: Sequence[Json], block: Block | None, watched: Watched
) -> tuple[Transfer, ...]:
    """Return one transfer for each output that pays a watched address and is worth something."""
    paid = {
        address
        for transaction in transactions
        for output in transaction["vout"]
        if (address := output["scriptPubKey"].get("address"))
    }
    ours = watched(frozenset(paid)) if paid else frozenset()
    return tuple(
        _transfer(network, transaction, output, block)
        for transaction in transactions
        for output in transaction["vout"]
        if output["scriptPubKey"].get("address") in ours and output["value"]
    )


def _transfer(
    network: BitcoinNetwork, transaction: Json, output: Json, block: Block | None
) -> Transfer:
    inputs = [one for one in transaction["vin"] if "txid" in one]
    sources = [one.get("prevout", {}).get("scriptPubKey", {}).get("address") for one in inputs]
    return Transfer(
        TransferId(network.name, transaction["txid"], str(output["n"])),
        NATIVE,
        output["scriptPubKey"]["address"],
        ChainUnits(int(Decimal(output["value"]) * SAT_PER_BTC)),
        tuple(dict.fromkeys(one for one in sources if one)),
        block,
        is_coinbase=not inputs,
        claim=OutputsClaim(tuple(Outpoint(one["txid"], one["vout"]) for one in inputs))
        if inputs
        else None,
    )
