"""What EVM nodes say to a transaction that they do not take. Each client has texts of its own.

Only a text that is known to mean a rejection is one; for all others nobody knows whether the node
has the transaction, and that is what is answered.
"""

from typing import Final

from bursa.wallets.chains.ports import Broadcast, Rejection, Sent
from bursa.wallets.chains.rpc import RpcFault

_KNOWN: Final = (
    "already known",
    "already imported",
    "known transaction",
    "already exists",
    "already in mempool",
    "alreadyknown",
)
# In this order: the first that a text holds is meant.
_REJECTIONS: Final = (
    ("replacement transaction underpriced", Rejection.UNDERPRICED),
    ("could not replace existing", Rejection.UNDERPRICED),
    ("nonce too low", Rejection.NONCE_USED),
    ("old nonce", Rejection.NONCE_USED),
    ("insufficient funds", Rejection.FUNDS_SHORT),
    ("exceeds the configured cap", Rejection.FEE_TOO_HIGH),
    ("less than block base fee", Rejection.FEE_TOO_LOW),
    ("underpriced", Rejection.FEE_TOO_LOW),
    ("intrinsic gas too low", Rejection.OTHER),
    ("exceeds block gas limit", Rejection.OTHER),
    ("invalid chain id", Rejection.OTHER),
    ("invalid sender", Rejection.OTHER),
)


def rejection(fault: RpcFault) -> Broadcast:
    """Return what a node's refusal means."""
    text = fault.message.lower()
    if any(known in text for known in _KNOWN):
        return Broadcast(Sent.ALREADY_KNOWN, detail=fault.message)
    for words, meaning in _REJECTIONS:
        if words in text:
            return Broadcast(Sent.REJECTED, meaning, fault.message)
    return Broadcast(Sent.UNKNOWN, detail=str(fault))
