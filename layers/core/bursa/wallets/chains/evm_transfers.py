"""What a block of an EVM network moved: events of listed tokens, and native value at any depth.

A log's own number counts through its block, and changes when the transaction is mined in another
one. So an event is named by its place among its transaction's events, and a movement of native
value by its place among the transaction's, in the order of their beginning.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from bursa.wallets.chains import evm_encoding as evm
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_network import EvmNetwork, Traces
from bursa.wallets.chains.ports import NATIVE, Block, Transfer, TransferId, Watched
from bursa.wallets.chains.rpc import Json, Rpc

_TRANSFER_TOPICS: Final = 3
_WORD_DIGITS: Final = 66  # 0x and 32 bytes
# Kinds of calls that move value to another account; the others run in the caller's own.
_MOVING: Final = frozenset({"CALL", "CREATE", "CREATE2", "SELFDESTRUCT"})
_MOVING_ACTIONS: Final = frozenset({"call", "create", "suicide", "selfdestruct"})
_OWN_ACCOUNT: Final = frozenset({"delegatecall", "staticcall", "callcode"})
_ADDRESS_DIGITS: Final = 40


class Movement(NamedTuple):
    """A movement of an asset: in which transaction, where in it, from and to whom, how much."""

    transaction: str
    position: str
    asset: str
    source: str
    destination: str
    amount: int


def found(rpc: Rpc, network: EvmNetwork, block: Json, watched: Watched) -> list[Movement]:
    """Return a block's movements to watched addresses, in its order."""
    receipts = rpc.read("eth_getBlockReceipts", block["hash"])
    if any(one["blockHash"] != block["hash"] for one in receipts) or len(receipts) != len(
        block["transactions"]
    ):
        raise KeyError("receipts of another block")
    failed = {one["transactionHash"] for one in receipts if int(one["status"], 16) != 1}
    native = native_movements(rpc, network, block)
    movements = [
        *(one for one in native if one.amount and one.transaction not in failed),
        *token_movements(network, receipts),
    ]
    ours = watched(frozenset(one.destination for one in movements)) if movements else frozenset()
    places = {one["transactionHash"]: place for place, one in enumerate(receipts)}
    return sorted(
        (one for one in movements if one.destination in ours),
        key=lambda one: places[one.transaction],
    )


def transfer(network: EvmNetwork, block: Block, movement: Movement) -> Transfer:
    """Return a movement as the ports have it."""
    return Transfer(
        TransferId(network.name, movement.transaction, movement.position),
        movement.asset,
        movement.destination,
        ChainUnits(movement.amount),
        (movement.source,),
        block,
    )


def token_movements(network: EvmNetwork, receipts: Json) -> Iterator[Movement]:
    """Yield the Transfer events of listed contracts in transactions that succeeded."""
    for receipt in receipts:
        if int(receipt["status"], 16) != 1:
            continue
        for number, log in enumerate(receipt["logs"]):
            topics = log["topics"]
            if len(topics) != _TRANSFER_TOPICS or topics[0] != evm.TRANSFER_EVENT:
                continue
            contract = _address(log["address"])
            if contract not in network.tokens or len(log["data"]) != _WORD_DIGITS:
                continue
            amount = int(log["data"], 16)
            if amount:
                yield Movement(
                    receipt["transactionHash"],
                    f"log-{number}",
                    contract,
                    _address(topics[1]),
                    _address(topics[2]),
                    amount,
                )


def native_movements(rpc: Rpc, network: EvmNetwork, block: Json) -> Iterator[Movement]:
    """Yield what moved of the native asset, as deep as the network's nodes can tell."""
    if not block["transactions"]:
        return
    if network.traces is Traces.DEBUG:
        options = {"tracer": "callTracer"}
        traces = rpc.read("debug_traceBlockByHash", block["hash"], options)
        for one, sent in zip(traces, block["transactions"], strict=True):
            if one.get("txHash", sent["hash"]) != sent["hash"]:
                raise KeyError("traces of another block")
            yield from _numbered(sent["hash"], _frames(one["result"]))
    elif network.traces is Traces.TRACE:
        actions = rpc.read("trace_block", block["number"])
        for sent in block["transactions"]:
            own = [one for one in actions if one.get("transactionHash") == sent["hash"]]
            if not own or any(one["blockHash"] != block["hash"] for one in own):
                raise KeyError("traces of another block")
            yield from _numbered(sent["hash"], _actions(own))
    else:
        for sent in block["transactions"]:
            if sent["to"] is not None:
                moved = (sent["from"], sent["to"], int(sent["value"], 16))
                yield from _numbered(sent["hash"], iter([moved]))


def _numbered(transaction: str, moved: Iterator[tuple[str, str, int]]) -> Iterator[Movement]:
    valued = (one for one in moved if one[2])
    for number, (source, destination, amount) in enumerate(valued):
        yield Movement(
            transaction,
            f"call-{number}",
            NATIVE,
            _address(source),
            _address(destination),
            amount,
        )


def _frames(frame: Json) -> Iterator[tuple[str, str, int]]:
    """Yield source, destination and value of a call and those inside it; nothing of failed ones."""
    if frame.get("error"):
        return
    if frame["type"] in _MOVING and frame.get("to"):
        yield frame["from"], frame["to"], int(frame.get("value", "0x0"), 16)
    for inner in frame.get("calls", ()):
        yield from _frames(inner)


def _actions(actions: Json) -> Iterator[tuple[str, str, int]]:
    """Yield the same of a flat list in which each call names its place in the tree."""
    failed = [tuple(one["traceAddress"]) for one in actions if one.get("error")]
    for one in actions:
        place = tuple(one["traceAddress"])
        if any(place[: len(above)] == above for above in failed):
            continue
        action = one["action"]
        if one["type"] not in _MOVING_ACTIONS or action.get("callType") in _OWN_ACCOUNT:
            continue
        if one["type"] in {"suicide", "selfdestruct"}:
            yield action["address"], action["refundAddress"], int(action["balance"], 16)
        else:
            destination = action.get("to") or (one.get("result") or {}).get("address")
            if destination:
                yield action["from"], destination, int(action["value"], 16)


def _address(text: str) -> str:
    return evm.checksum_address(bytes.fromhex(text[-_ADDRESS_DIGITS:]))
