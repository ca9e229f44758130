"""What nodes say: texts of rejections, answers in other forms, and two nodes that differ."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from bursa.wallets.chains import bitcoin_broadcast, evm_broadcast
from bursa.wallets.chains import json_rpc_https as https
from bursa.wallets.chains.bitcoin_chain import BitcoinChain
from bursa.wallets.chains.bitcoin_network import REGTEST
from bursa.wallets.chains.compared_chain import ComparedChain
from bursa.wallets.chains.evm_chain import EvmChain
from bursa.wallets.chains.evm_network import EvmNetwork
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    Block,
    Broadcast,
    NetworkName,
    NodeBehind,
    NodesDisagree,
    NodeUnavailable,
    Nonces,
    Outpoint,
    OutputsClaim,
    Rejection,
    Sent,
    State,
    Status,
)
from bursa.wallets.chains.rpc import RpcFault

NETWORK = EvmNetwork(NetworkName("test"), 1)
BLOCK = Block(7, "0xaa", "0xbb", 1_000)


@pytest.mark.parametrize(
    ("text", "sent", "rejection"),
    [
        ("already known", Sent.ALREADY_KNOWN, None),
        ("transaction already imported", Sent.ALREADY_KNOWN, None),
        ("ALREADY_EXISTS: already known", Sent.ALREADY_KNOWN, None),
        ("AlreadyKnown", Sent.ALREADY_KNOWN, None),
        ("nonce too low: next nonce 8, tx nonce 7", Sent.REJECTED, Rejection.NONCE_USED),
        ("replacement transaction underpriced", Sent.REJECTED, Rejection.UNDERPRICED),
        ("transaction underpriced", Sent.REJECTED, Rejection.FEE_TOO_LOW),
        ("max fee per gas less than block base fee", Sent.REJECTED, Rejection.FEE_TOO_LOW),
        ("insufficient funds for gas * price + value", Sent.REJECTED, Rejection.FUNDS_SHORT),
        ("tx fee (2.10 ether) exceeds the configured cap", Sent.REJECTED, Rejection.FEE_TOO_HIGH),
        ("intrinsic gas too low", Sent.REJECTED, Rejection.OTHER),
        # Nobody knows: never "rejected", which would free the funds.
        ("request rate exceeded", Sent.UNKNOWN, None),
        ("internal error", Sent.UNKNOWN, None),
        ("", Sent.UNKNOWN, None),
    ],
)
def test_what_evm_nodes_say(text: str, sent: Sent, rejection: Rejection | None) -> None:
    outcome = evm_broadcast.rejection(RpcFault(-32000, text))
    assert (outcome.sent, outcome.rejection) == (sent, rejection)


@pytest.mark.parametrize(
    ("text", "sent", "rejection"),
    [
        ("txn-already-in-mempool", Sent.ALREADY_KNOWN, None),
        ("txn-already-known", Sent.ALREADY_KNOWN, None),
        ("Transaction outputs already in utxo set", Sent.ALREADY_KNOWN, None),
        ("missing-inputs", Sent.REJECTED, Rejection.INPUTS_SPENT),
        ("bad-txns-inputs-missingorspent", Sent.REJECTED, Rejection.INPUTS_SPENT),
        ("insufficient fee, rejecting replacement", Sent.REJECTED, Rejection.UNDERPRICED),
        ("min relay fee not met, 10 < 141", Sent.REJECTED, Rejection.FEE_TOO_LOW),
        ("max-fee-exceeded", Sent.REJECTED, Rejection.FEE_TOO_HIGH),
        ("bad-txns-premature-spend-of-coinbase", Sent.REJECTED, Rejection.OTHER),
        ("dust", Sent.REJECTED, Rejection.OTHER),
        ("Work queue depth exceeded", Sent.UNKNOWN, None),
        ("", Sent.UNKNOWN, None),
    ],
)
def test_what_bitcoin_nodes_say(text: str, sent: Sent, rejection: Rejection | None) -> None:
    outcome = bitcoin_broadcast.meaning(text)
    assert (outcome.sent, outcome.rejection) == (sent, rejection)


class Told:
    """Answers each method with what it was given."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies

    def read(self, method: str, *params: Any) -> Any:
        reply = self.replies[method]
        if isinstance(reply, Exception):
            raise reply
        return reply

    send = read


@pytest.mark.parametrize(
    "reply", [None, {}, [], "latest", 5, RpcFault(-32005, "limit exceeded")], ids=repr
)
def test_another_form_is_no_response(reply: Any) -> None:
    with pytest.raises(NodeUnavailable):
        EvmChain(NETWORK, Told(eth_chainId=reply)).check()
    told = Told(getblockchaininfo=reply, getblockhash=reply)
    with pytest.raises(NodeUnavailable):
        BitcoinChain(REGTEST, told).check()


def test_a_node_that_syncs_is_behind() -> None:
    with pytest.raises(NodeBehind):
        EvmChain(NETWORK, Told(eth_chainId="0x1", eth_syncing={"currentBlock": "0x1"})).head()
    info = {"chain": "regtest", "headers": 9, "blocks": 7, "initialblockdownload": False}
    for changed in ({}, {"blocks": 9, "initialblockdownload": True}):
        told = Told(getblockchaininfo={**info, **changed}, getblockhash=REGTEST.genesis)
        with pytest.raises(NodeBehind):
            BitcoinChain(REGTEST, told).head()


def test_a_fault_of_a_node_is_not_an_empty_block() -> None:
    """A node that can't trace must not let deposits pass unseen."""
    raw = {
        "number": "0x7",
        "hash": "0xaa",
        "parentHash": "0xbb",
        "timestamp": "0x3e8",
        "transactions": [{"hash": "0x1", "from": "0x2", "to": "0x3", "value": "0x0"}],
    }
    receipt = {"blockHash": "0xaa", "transactionHash": "0x1", "status": "0x1", "logs": []}
    told = Told(
        eth_getBlockByHash=raw,
        eth_getBlockByNumber=raw,
        eth_getBlockReceipts=[receipt],
        debug_traceBlockByHash=RpcFault(-32601, "the method does not exist"),
    )
    with pytest.raises(NodeUnavailable):
        EvmChain(NETWORK, told).transfers(BLOCK, lambda paid: paid)
    for receipts in ([], [receipt, receipt], [{**receipt, "blockHash": "0xcc"}]):
        told.replies["eth_getBlockReceipts"] = receipts
        with pytest.raises(NodeUnavailable):
            EvmChain(NETWORK, told).transfers(BLOCK, lambda paid: paid)


@pytest.mark.parametrize("index", [{}, {"txindex": {"synced": False}}], ids=["none", "partly"])
def test_a_node_without_an_index_replaces_nothing(index: Any) -> None:
    claim = OutputsClaim((Outpoint("aa", 0),))

    class Gone(Told):
        def read(self, method: str, *params: Any) -> Any:
            if method == "getrawtransaction" and params[0] == "bb":
                raise RpcFault(-5, "No such mempool or blockchain transaction")
            return super().read(method, *params)

    header = {"height": 5, "hash": "cc", "time": 1, "confirmations": 3}
    told = Gone(
        gettxout=None,
        getrawtransaction={"blockhash": "cc"},
        getblockheader=header,
        getindexinfo=index,
    )
    with pytest.raises(NodeUnavailable):
        BitcoinChain(REGTEST, told).status("bb", claim)
    told.replies["getindexinfo"] = {"txindex": {"synced": True}}
    assert BitcoinChain(REGTEST, told).status("bb", claim).state is State.REPLACED


class Node:
    """A chain that says what it is given."""

    def __init__(self, **replies: Any) -> None:
        self.network = NetworkName("test")
        self.replies = replies

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.replies[name]


def compared(first: dict[str, Any], second: dict[str, Any]) -> ComparedChain:
    one: Any = Node(**first)
    two: Any = Node(**second)
    return ComparedChain(one, two)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Sent.REJECTED, Sent.ACCEPTED, Sent.ACCEPTED),
        (Sent.UNKNOWN, Sent.REJECTED, Sent.UNKNOWN),
        (Sent.ALREADY_KNOWN, Sent.UNKNOWN, Sent.ALREADY_KNOWN),
        (Sent.REJECTED, Sent.REJECTED, Sent.REJECTED),
    ],
)
def test_what_one_node_has_is_not_rejected(first: Sent, second: Sent, both: Sent) -> None:
    for pair in ((first, second), (second, first)):
        chain = compared(*({"broadcast": Broadcast(sent)} for sent in pair))
        assert chain.broadcast(b"").sent is both


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Status(State.SUCCEEDED, BLOCK, 5), Status(State.SUCCEEDED, BLOCK, 3), 3),
        (Status(State.SUCCEEDED, BLOCK, 5), Status(State.PENDING), NodeBehind),
        (Status(State.SUCCEEDED, BLOCK, 5), Status(State.REPLACED), NodeBehind),
        (Status(State.REPLACED), Status(State.UNKNOWN), NodeBehind),
        (Status(State.SUCCEEDED, BLOCK, 5), Status(State.REVERTED, BLOCK, 5), NodesDisagree),
        (Status(State.PENDING), Status(State.UNKNOWN), 0),
        (Status(State.REPLACED), Status(State.REPLACED), 0),
    ],
)
def test_both_must_say_what_became_of_it(first: Status, second: Status, expected: Any) -> None:
    for pair in ((first, second), (second, first)):
        chain = compared(*({"status": status} for status in pair))
        if isinstance(expected, int):
            assert chain.status("0x1").confirmations == expected
            assert chain.status("0x1").state is first.state
        else:
            with pytest.raises(expected):
                chain.status("0x1")


def test_what_is_surely_there_and_surely_used() -> None:
    chain = compared(
        {"balance": 5, "nonces": Nonces(3, 3), "final_height": 9, "transfers": ()},
        {"balance": 4, "nonces": Nonces(2, 6), "final_height": None, "transfers": ()},
    )
    assert chain.balance("0x1") == 4
    assert chain.nonces("0x1") == Nonces(3, 6)
    assert chain.final_height() is None
    assert chain.transfers(BLOCK, lambda paid: paid) == ()


REPLIES = {
    "/garbage": b"not json",
    "/other": b'{"jsonrpc":"2.0","id":999,"result":1}',
    "/list": b"[]",
    "/large": b" " * 4_000,
}


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/other")
            self.end_headers()
            self.wfile.write(REPLIES.get(self.path, b""))

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = Thread(target=one.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()
        thread.join()


@pytest.mark.parametrize("path", [*REPLIES, "/moved", "/nothing"])
def test_what_is_no_json_rpc_is_no_response(
    server: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "RESPONSE_BYTES_MAX", 1_000)
    with pytest.raises(NodeUnavailable):
        JsonRpc(server + path).read("eth_chainId")
