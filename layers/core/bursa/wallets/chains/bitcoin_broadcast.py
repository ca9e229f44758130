"""What Bitcoin nodes say to a transaction that they do not take.

Only a text that is known to mean a rejection is one; for all others nobody knows whether the node
has the transaction, and that is what is answered.
"""

from typing import Final

from bursa.wallets.chains.ports import Broadcast, Rejection, Sent

IN_CHAIN: Final = -27  # the code of a transaction whose outputs are in the set already

_KNOWN: Final = (
    "txn-already-in-mempool",
    "txn-already-known",
    "txn-same-nonwitness-data-in-mempool",
    "already in block chain",
    "already in utxo set",
)
# In this order: the first that a text holds is meant.
_REJECTIONS: Final = (
    ("missing-inputs", Rejection.INPUTS_SPENT),
    ("missingorspent", Rejection.INPUTS_SPENT),
    ("max-fee-exceeded", Rejection.FEE_TOO_HIGH),
    ("max feerate exceeded", Rejection.FEE_TOO_HIGH),
    ("exceeds maximum configured", Rejection.FEE_TOO_HIGH),
    ("insufficient fee", Rejection.UNDERPRICED),
    ("txn-mempool-conflict", Rejection.UNDERPRICED),
    ("min relay fee not met", Rejection.FEE_TOO_LOW),
    ("mempool min fee not met", Rejection.FEE_TOO_LOW),
    ("mempool full", Rejection.FEE_TOO_LOW),
    ("bad-txns-", Rejection.OTHER),
    ("premature-spend", Rejection.OTHER),
    ("script-verify-flag", Rejection.OTHER),
    ("dust", Rejection.OTHER),
    ("tx decode failed", Rejection.OTHER),
)


def meaning(reason: str) -> Broadcast:
    """Return what a node's refusal means."""
    text = reason.lower()
    if any(known in text for known in _KNOWN):
        return Broadcast(Sent.ALREADY_KNOWN, detail=reason)
    for words, rejection in _REJECTIONS:
        if words in text:
            return Broadcast(Sent.REJECTED, rejection, reason)
    return Broadcast(Sent.UNKNOWN, detail=reason)
