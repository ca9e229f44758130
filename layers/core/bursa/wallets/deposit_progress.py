"""A deposit on its way, from a block to a credit; and back when its block is replaced.

Confirmations are those of the active chain at the moment of asking. Each step is written on
condition of the version that was read, so of two watchers one goes on. A credit is decided by such
a step, then asked of the ledger under the deposit's name, as often as it takes.
"""

from typing import Final, NamedTuple, Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Refused
from bursa.wallets.chains.ports import Chain, State, Status
from bursa.wallets.deposit_states import DEPOSIT_ENDS, DepositState, DepositStep
from bursa.wallets.deposits import BlockPlace, Deposit, Deposits, found_in
from bursa.wallets.ledger import Ledger
from bursa.wallets.networks import Network, Networks, named_network
from bursa.wallets.stops import ANY, Flow, Stop, Stops

# A miner's reward can't be spent before.
COINBASE_CONFIRMATIONS: Final = 100
REORGANISATION: Final = "reorganisation"
_S, _T = DepositState, DepositStep


class SourceScreening(Protocol):
    """Looks at who pays."""

    def hit(self, deposit: Deposit) -> str:
        """Return a code for what speaks against a deposit's source; empty for nothing.

        Raises `Unavailable`: it can't be found out, so nothing is credited yet.
        """


class Watcher(Protocol):
    """Who is told when a person must act; each is a metric with an alarm."""

    def reorganised(self, deposit: Deposit) -> None:
        """Note that a credited deposit is no longer of the active chain."""


class DepositParts(NamedTuple):
    """What deposits go through on their way."""

    chain: Chain
    deposits: Deposits
    networks: Networks
    ledger: Ledger
    stops: Stops
    screening: SourceScreening
    watcher: Watcher
    clock: WallClock


class DepositProgress:
    """Takes deposits of one chain on their way."""

    def __init__(self, parts: DepositParts) -> None:
        self._parts = parts
        self._steps = {
            _S.SEEN: self._waiting,
            _S.UNPENDED: self._waiting,
            _S.PENDING: self._pending,
            _S.CONFIRMED: self._confirmed,
            _S.HELD: self._held,
            _S.CREDITING: self._crediting,
            _S.CREDITED: self._credited,
            _S.REVERSING: self._reversing,
            _S.REVERSED: self._waiting_for_return,
            _S.ACCOUNT_HELD: self._waiting_for_return,
        }

    def __call__(self, deposit: Deposit) -> Deposit:
        """Take a deposit as far as it goes now, and return it.

        Raises
        ------
        Conflict
            ``record_changed``: somebody else was first.
        Unavailable
            Ask again later.

        """
        network = named_network(
            self._parts.networks, deposit.account.tenant, deposit.asset, deposit.id.network
        )
        while deposit.state not in DEPOSIT_ENDS:
            status = self._parts.chain.status(deposit.id.transaction, deposit.claim)
            sight = _Sight(status, network)
            after = self._moved(deposit, sight) or self._steps[deposit.state](deposit, sight)
            if after is None:
                break
            deposit = self._parts.deposits.save(after)
        return deposit

    def _moved(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        """Return a deposit that is in another block by now; None for one that is where it was.

        The transaction may do something else there, so that block is read again.
        """
        block = sight.status.block
        if sight.status.state is not State.SUCCEEDED or block is None or sight.has(deposit):
            return None
        destination = frozenset({deposit.destination})
        for transfer in self._parts.chain.transfers(block, destination.intersection):
            if transfer.id == deposit.id:
                moved = found_in(deposit, transfer, sight.network)
                return None if moved == deposit else moved
        return None

    def _waiting(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        if sight.status.state is State.REPLACED:
            return deposit.after(_T.REPLACE)
        return None

    def _waiting_for_return(self, _deposit: Deposit, _sight: "_Sight") -> Deposit | None:
        """Return nothing: only that a block has it again changes it."""
        return None

    def _pending(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        if not sight.has(deposit):
            return deposit.after(_T.DROP, block=None)
        needed = sight.network.confirmations_of(deposit.units)
        if deposit.is_coinbase:
            needed = max(needed, COINBASE_CONFIRMATIONS)
        if sight.status.confirmations < needed:
            return None
        if deposit.units < sight.network.deposit_minimum_units and not deposit.reason:
            return deposit.after(_T.FIND_SMALL)
        return deposit.after(_T.CONFIRM)

    def _confirmed(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        if not sight.has(deposit):
            return deposit.after(_T.DROP, block=None)
        tenant, chain = deposit.account.tenant, deposit.id.network
        stops = self._parts.stops.on(tenant)
        if any(one.covers(Flow.CREDITS, tenant, chain, deposit.asset) for one in stops):
            return None
        hit = "" if deposit.accepted_by else deposit.reason or self._parts.screening.hit(deposit)
        if hit:
            return deposit.after(_T.HOLD, reason=hit)
        now_ms = self._parts.clock.now_ms()
        return deposit.after(_T.CLEAR, round=deposit.round + 1, asked_at_ms=now_ms)

    def _held(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        return None if sight.has(deposit) else deposit.after(_T.DROP, block=None)

    def _crediting(self, deposit: Deposit, sight: "_Sight") -> Deposit:
        asset = sight.network.asset_number
        try:
            self._parts.ledger.credit(deposit.account, asset, deposit.units, deposit.credit)
        except Refused as error:
            return deposit.after(_T.REFUSE_CREDIT, reason=error.code, accepted_by="")
        return deposit.after(_T.STATE_CREDIT)

    def _credited(self, deposit: Deposit, sight: "_Sight") -> Deposit | None:
        if sight.has(deposit):
            is_final = sight.status.confirmations >= sight.network.final_confirmations
            return deposit.after(_T.FINISH) if is_final else None
        # First the switch: no other withdrawal leaves on what the chain has taken back.
        chain = deposit.id.network
        self._parts.stops.set(Stop(Flow.WITHDRAWALS, ANY, chain, ANY, REORGANISATION))
        self._parts.watcher.reorganised(deposit)
        return deposit.after(_T.TAKE_BACK, asked_at_ms=self._parts.clock.now_ms())

    def _reversing(self, deposit: Deposit, sight: "_Sight") -> Deposit:
        asset = sight.network.asset_number
        try:
            self._parts.ledger.debit(deposit.account, asset, deposit.units, deposit.reversal)
        except Refused:
            now_ms = self._parts.clock.now_ms()
            self._parts.ledger.freeze(deposit.account, deposit.freeze(now_ms))
            return deposit.after(_T.HOLD_ACCOUNT)
        return deposit.after(_T.STATE_REVERSAL)


class _Sight(NamedTuple):
    """What the chain says of a deposit now."""

    status: Status
    network: Network

    def has(self, deposit: Deposit) -> bool:
        """Return whether the deposit is in its block, and that block of the active chain."""
        block = self.status.block
        return (
            self.status.state is State.SUCCEEDED
            and block is not None
            and BlockPlace(block.height, block.hash) == deposit.block
        )
