"""A user asks for a withdrawal: refused with a reason, or recorded and never lost.

All that can be refused without a trace is refused first, in the order of this file. Then the
withdrawal is recorded under an id that follows from the idempotency key; limits and the hold come
after that (`bursa.wallets.withdrawal_progress`), so a crash leaves nothing that nobody continues.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import NamedTuple, Protocol

from bursa.identity.security_events import WithdrawalPause
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, InvalidInput, NotAllowed, Refused
from bursa.kernel.identifiers import CLIENT_ORDER_ID, AccountId, TenantId
from bursa.wallets.address_book import AddressBooks
from bursa.wallets.chains.ports import Builder
from bursa.wallets.deposit_watch import DepositAddresses
from bursa.wallets.networks import Network, Networks, named_network
from bursa.wallets.policy import Facts, Policy, Strictness, Verdict
from bursa.wallets.stops import Flow, Stops, require_running
from bursa.wallets.travel_rule import Beneficiary, require_beneficiary
from bursa.wallets.withdrawals import (
    Intent,
    Valuation,
    Withdrawal,
    Withdrawals,
    withdrawal_id,
)


class Requester(NamedTuple):
    """Who asks, as verified.

    Attributes
    ----------
    has_shown_factor
        Whether a fresh code of the second factor came with the request.
    by_key
        Whether an API key asks, which may use addresses of the book alone.

    """

    account: AccountId
    user: str
    level: int
    has_shown_factor: bool
    by_key: bool = False


class WithdrawalRequest(NamedTuple):
    """What is asked for; the key names it, so that a repeat is the same withdrawal."""

    key: str
    asset: str
    chain: str
    address: str
    units: int
    beneficiary: Beneficiary | None = None


class NetworkFee(NamedTuple):
    """What the network takes for a payment.

    Attributes
    ----------
    units
        What the user pays for it, in ledger units of the asset.
    cap
        What may be spent at most, in the chain's native units.

    """

    units: int
    cap: int


class Fees(Protocol):
    """Estimates what networks take."""

    def estimate(self, network: Network, destination: str, units: int) -> NetworkFee:
        """Return what a payment costs; raises `Unavailable`, `PaymentRefused` ``dust_output``."""


class Pauses(Protocol):
    """Until when accounts may not withdraw."""

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        """Return until when an owner may not withdraw; None for no pause so far."""


class TenantPolicy(NamedTuple):
    """A tenant's policy, and from which value on the travel rule applies; None for none."""

    policy: Policy
    travel_rule_from: int | None = None


class Policies(Protocol):
    """The policies of tenants; each method raises `Unavailable` ``wallets_unavailable``."""

    def in_force(self, tenant: TenantId) -> TenantPolicy:
        """Return the policy in force."""

    def numbered(self, tenant: TenantId, number: int) -> TenantPolicy | None:
        """Return one that is or was in force; None for none."""


class RequestParts(NamedTuple):
    """What a request is checked with."""

    withdrawals: Withdrawals
    networks: Networks
    builders: Mapping[str, Builder]
    addresses: DepositAddresses
    books: AddressBooks
    pauses: Pauses
    stops: Stops
    policies: Policies
    fees: Fees
    value: Valuation
    clock: WallClock


class Quote(NamedTuple):
    """What a request would cost, and what the policy says of it."""

    network_fee_units: int
    tenant_fee_units: int
    total_units: int
    is_internal: bool
    verdict: Verdict


class WithdrawalRequests:
    """Takes requests for withdrawals."""

    def __init__(self, parts: RequestParts) -> None:
        self._parts = parts

    def quote(self, requester: Requester, request: WithdrawalRequest) -> Quote:
        """Return what a request would cost; it raises what `request` raises and records nothing."""
        made = self._checked(requester, request)
        verdict = self._verdict(made)
        return Quote(
            made.network_fee_units,
            made.tenant_fee_units,
            made.held_units,
            made.receiver is not None,
            verdict,
        )

    def request(self, requester: Requester, request: WithdrawalRequest) -> Withdrawal:
        """Record a withdrawal, or return the one under the same key.

        Raises
        ------
        InvalidInput
            ``missing_idempotency_key``, ``invalid_idempotency_key``, ``own_address``,
            ``address_is_token``, and what the chain says of an address.
        NotAllowed
            ``second_factor_required``
        NotFound
            ``unknown_network``
        Conflict
            ``idempotency_key_reused``
        Refused
            ``withdrawals_paused``, ``amount_below_minimum``, ``fee_above_amount``,
            ``address_cooling_off``, ``address_not_listed``, ``no_reference_price``,
            ``policy_refused``, ``beneficiary_required``.
        Unavailable
            ``withdrawals_stopped``, or it can't be found out.

        """
        found = self._before(requester, request)
        if found is not None:
            return found
        made = self._checked(requester, request)
        try:
            return self._parts.withdrawals.save(made)
        except Conflict:
            found = self._before(requester, request)
            if found is None:
                raise
            return found

    def _before(self, requester: Requester, request: WithdrawalRequest) -> Withdrawal | None:
        if not request.key:
            raise InvalidInput(
                "missing_idempotency_key",
                "Send an Idempotency-Key: a withdrawal is never made twice under one.",
                field="Idempotency-Key",
            )
        if not re.fullmatch(CLIENT_ORDER_ID, request.key, re.ASCII):
            raise InvalidInput(
                "invalid_idempotency_key",
                "Send Idempotency-Key as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
                field="Idempotency-Key",
            )
        name = withdrawal_id(requester.account, request.key)
        found = self._parts.withdrawals.find(requester.account, name)
        if found is not None and found.request != _digest(request):
            raise Conflict("idempotency_key_reused", "Send another withdrawal under another key.")
        return found

    def _checked(self, requester: Requester, request: WithdrawalRequest) -> Withdrawal:
        """Return the withdrawal as it would be recorded; all refusals come from here."""
        account, tenant = requester.account, requester.account.tenant
        now_ms = self._parts.clock.now_ms()
        self._require_allowed(requester, now_ms)
        network = named_network(self._parts.networks, tenant, request.asset, request.chain)
        require_running(self._parts.stops, Flow.WITHDRAWALS, tenant, request.chain, request.asset)
        destination, receiver = self._destination(account, network, request.address)
        is_unlisted = self._require_book(requester, request.chain, destination, now_ms)
        fee = NetworkFee(0, 0)
        if receiver is None:
            fee = self._parts.fees.estimate(network, destination, request.units)
        _require_amount(network, request.units, fee)
        value = self._parts.value(tenant, request.asset, request.units)
        if value is None:
            raise Refused(
                "no_reference_price",
                f"{request.asset} can't be counted against your level yet, as nothing has traded "
                "that gives it a price. Ask support.",
            )
        facts = Facts(
            request.asset, request.chain, value, requester.level, is_unlisted, requester.by_key
        )
        policy = self._parts.policies.in_force(tenant)
        verdict = policy.policy.verdict(facts)
        if verdict.strictness is Strictness.REFUSE:
            raise Refused(
                "policy_refused",
                "The exchange's policy does not allow this withdrawal; ask support which rule it "
                "is and what you can do.",
            )
        if receiver is None:
            require_beneficiary(request.beneficiary, value, policy.travel_rule_from)
        return Withdrawal(
            withdrawal_id(account, request.key),
            account,
            requester.user,
            Intent(request.asset, request.chain, destination, request.units, fee.cap),
            _digest(request),
            now_ms,
            fee.units,
            network.fee_units if receiver is None else 0,
            facts,
            policy.policy.number,
            verdict.approvals,
            verdict.strictness is Strictness.REVIEW,
            receiver=receiver,
            beneficiary=request.beneficiary,
        )

    def _require_allowed(self, requester: Requester, now_ms: int) -> None:
        if not requester.by_key and not requester.has_shown_factor:
            raise NotAllowed("second_factor_required", "Send a fresh code of your second factor.")
        pause = self._parts.pauses.pause(requester.account)
        if pause is not None and now_ms < pause.until_ms:
            raise Refused(
                "withdrawals_paused",
                "Withdrawals of your account wait for a while after a change of its security; "
                "GET /v1/security-events says until when.",
            )

    def _destination(
        self, account: AccountId, network: Network, text: str
    ) -> tuple[str, AccountId | None]:
        """Return the address in its one form, and the account of the tenant whose it is."""
        address = self._parts.builders[network.chain].address(text)
        tenant, chain = account.tenant, network.chain
        if self._parts.networks.of_token(tenant, chain, address) is not None:
            raise InvalidInput(
                "address_is_token",
                "This is the address of a token's contract, from which nothing comes back: send "
                "the receiver's own address.",
                field="address",
            )
        receiver = self._parts.addresses.owner(chain, address)
        if receiver is not None and receiver.owner == account.owner:
            raise InvalidInput(
                "own_address",
                "This is a deposit address of your own; transfer between your accounts instead.",
                field="address",
            )
        is_tenants = receiver is not None and receiver.tenant == tenant
        return address, receiver if is_tenants else None

    def _require_book(self, requester: Requester, chain: str, address: str, now_ms: int) -> bool:
        """Return whether the address is none of the book; raises where it may not be used."""
        book = self._parts.books.of(requester.account.owner)
        book.require_usable(chain, address, now_ms)
        is_unlisted = book.find(chain, address) is None
        if requester.by_key and is_unlisted:
            raise Refused(
                "address_not_listed",
                "An API key withdraws to addresses of the book alone: add it there.",
            )
        return is_unlisted

    def _verdict(self, withdrawal: Withdrawal) -> Verdict:
        policy = self._parts.policies.in_force(withdrawal.account.tenant).policy
        return policy.verdict(withdrawal.facts)


def _require_amount(network: Network, units: int, fee: NetworkFee) -> None:
    if units < network.withdrawal_minimum_units:
        raise Refused(
            "amount_below_minimum",
            f"Withdraw at least the minimum of {network.asset} by {network.chain}; GET /v1/assets "
            "has it.",
        )
    if fee.units + network.fee_units > units:
        raise Refused(
            "fee_above_amount",
            "The fees would be more than what arrives: withdraw more, or when the network is less "
            "busy.",
        )


def _digest(request: WithdrawalRequest) -> str:
    beneficiary = None if request.beneficiary is None else repr(request.beneficiary)
    parts = (request.asset, request.chain, request.address, request.units, beneficiary)
    return sha256(dumps(parts, separators=(",", ":")).encode()).hexdigest()
