"""Gaps of nonces found and filled, so that one withdrawal that is void holds up no other.

A nonce whose withdrawal has come to its end without a transaction is nobody's; a payment of nothing
to the sender itself uses it up. What fills a gap is kept and sent as withdrawals are: the same
bytes each time.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.chains.ports import Chain, GasFee
from bursa.wallets.claims import ClaimBooks, Claims
from bursa.wallets.signer import HotWallet, Signer
from bursa.wallets.signings import Signings
from bursa.wallets.withdrawal_states import WITHDRAWAL_ENDS
from bursa.wallets.withdrawals import Withdrawals

_GAP: str = "gap/"


class RepairParts(NamedTuple):
    """What gaps are found and filled with."""

    chain: Chain
    books: ClaimBooks
    claims: Claims
    signer: Signer
    signings: Signings
    withdrawals: Withdrawals


class NonceRepair:
    """Looks after the nonces of hot wallets on one EVM chain."""

    def __init__(self, parts: RepairParts) -> None:
        self._parts = parts

    def repair(self, tenant: TenantId, hot: HotWallet, fee: GasFee) -> Sequence[int]:
        """Fill the gaps of a sender, and return them; raises as `Signer.fill_gap` does."""
        chain, parts = self._parts.chain, self._parts
        nonces = chain.nonces(hot.address)
        parts.claims.begin(tenant, chain.network, hot.address, nonces)
        book = parts.books.nonces(tenant, chain.network, hot.address)
        for name, nonce in book.given.items():
            if self._is_over(name, nonce, nonces.mined):
                parts.claims.forget_nonce(tenant, chain.network, hot.address, name)
        book = parts.books.nonces(tenant, chain.network, hot.address)
        open_gaps = [n for name, n in book.given.items() if name.startswith(_GAP)]
        gaps = sorted({*book.gaps(nonces.mined), *(n for n in open_gaps if n >= nonces.mined)})
        for gap in gaps:
            signing = parts.signer.fill_gap(tenant, chain.network, gap, nonces.mined, fee)
            chain.broadcast(signing.raw)
        return gaps

    def _is_over(self, name: str, nonce: int, mined: int) -> bool:
        """Return whether a name needs its nonce no more."""
        if name.startswith(_GAP):
            return nonce < mined
        account_text, _, withdrawal = name.partition(":")
        account = AccountId.parse(account_text)
        found = self._parts.withdrawals.find(account, withdrawal)
        if found is None or found.state not in WITHDRAWAL_ENDS:
            return False
        signing = self._parts.signings.find(account, withdrawal)
        return nonce < mined or signing is None or signing.plan is None
