"""Placing a list of orders, all or none, and cancelling what is left of one."""

from collections.abc import Sequence
from typing import NamedTuple

from bursa.accounts.queries import AccountQueries
from bursa.intake.names import order_command_id, order_message_id
from bursa.intake.submission import (
    Entry,
    Intake,
    Pending,
    RequestIdentity,
    Submission,
    SubmitOptions,
)
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.trading.command_words import encode_cancel_list, encode_list
from bursa.trading.decisions import Placement, only_outcome
from bursa.trading.list_decisions import ListDecisions
from bursa.trading.order_lists import (
    ListAlreadyClosed,
    ListCancelOutcome,
    ListOutcome,
    ListPlaced,
    PlaceList,
    check_list,
)
from bursa.trading.order_value import Allow, allow_all
from bursa.trading.outcomes import OrderRejected, PendingOrder
from wire import layout as w


class _Prepared(NamedTuple):
    """A list as it is requested, and its message."""

    wanted: PlaceList
    placements: Sequence[Placement]
    submission: Submission

    @property
    def last_name(self) -> str | None:
        """The client order id that the list is known by."""
        return self.wanted.last.client_order_id


class ListPlacement:
    """Places a list and waits for what the engine makes of it."""

    def __init__(self, intake: Intake, decisions: ListDecisions) -> None:
        self._intake = intake
        self._decisions = decisions

    def __call__(
        self,
        account: AccountId,
        wanted: PlaceList,
        options: SubmitOptions,
        allow: Allow = allow_all,
    ) -> ListOutcome:
        """Place a list; a request that comes again gets the first one's outcome.

        Raises
        ------
        InvalidInput, Refused
            Before anything is sent: see `check_list`.
        Conflict
            The request key or one of the client order ids belongs to something else.
        Unavailable
            See `Intake.submit` and `ListDecisions`.
        BursaError
            What ``allow`` raises; it is asked before a list is sent that is new.

        """
        check_list(wanted)
        prepared = self._prepare(account, wanted, options)
        submission = prepared.submission
        looks = len(submission.client_order_ids) + (options.request_key is not None)
        entry = self._intake.admit(submission, looks=looks)
        first = self._intake.first_outcomes(submission, options)
        if first:
            return self._decisions.placed(account, wanted, prepared.placements, first)
        known = self._decisions.known_ids(account, wanted)
        if not known:
            if entry.refusal is None:
                allow(submission.identity.message_id.hex(), wanted.trades)
            return self._send(account, prepared, options, entry)
        if first is None:
            self._intake.bind(submission, options)
        return self._decisions.from_known(account, wanted, prepared.placements, known)

    def _send(
        self, account: AccountId, prepared: _Prepared, options: SubmitOptions, entry: Entry
    ) -> ListOutcome:
        submission, name = prepared.submission, prepared.last_name

        def is_known() -> bool:
            try:
                return bool(self._decisions.known_ids(account, prepared.wanted))
            except Unavailable:
                return False

        outcomes = self._intake.submit(
            submission, options, is_known if name is not None else None, entry=entry
        )
        if not isinstance(outcomes, Pending):
            return self._decisions.placed(account, prepared.wanted, prepared.placements, outcomes)
        if name is None:
            return outcomes
        known = self._known(account, prepared) if options.wait else None
        return known or PendingOrder(outcomes.request_key, client_order_id=name)

    def _known(self, account: AccountId, prepared: _Prepared) -> ListPlaced | OrderRejected | None:
        try:
            known = self._decisions.known_ids(account, prepared.wanted)
            if not known:
                return None
            return self._decisions.from_known(account, prepared.wanted, prepared.placements, known)
        except Unavailable:
            # The list is on its way; a failed look is no failed list.
            return None

    def _prepare(self, account: AccountId, wanted: PlaceList, options: SubmitOptions) -> _Prepared:
        identity = self._intake.identify(account, options)
        names = [order.client_order_id for order in wanted.orders]
        headers = [
            self._intake.header(
                identity.command_id(account, position)
                if name is None
                else order_command_id(account, name),
                options,
            )
            for position, name in enumerate(names)
        ]
        commands = encode_list(wanted.orders, account, headers)
        named = {position: name for position, name in enumerate(names) if name is not None}
        # Without client order ids the stored reply is the only way to ask again.
        reply = options.wait or not named or options.request_key is not None
        submission = Submission(account, identity, commands, named, reply=reply)
        if named and options.request_key is None:
            # The list is named by its orders, and the request too: it has no key.
            first = headers[0].command_id
            message_id = order_message_id(first, submission.request_digest, reply=reply)
            identity = RequestIdentity(message_id, None, first)
            submission = Submission(account, identity, commands, named, reply=reply)
        placements = [
            Placement.of(order, command)
            for order, command in zip(wanted.orders, commands, strict=True)
        ]
        return _Prepared(wanted, placements, submission)


class ListCancellation:
    """Cancels all that is left of a list."""

    def __init__(self, intake: Intake, decisions: ListDecisions, queries: AccountQueries) -> None:
        self._intake = intake
        self._decisions = decisions
        self._queries = queries

    def __call__(
        self, account: AccountId, list_id: int, options: SubmitOptions
    ) -> ListCancelOutcome:
        """Cancel a list.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``.
        Unavailable
            See `Intake.submit`.

        """
        identity = self._intake.identify(account, options)
        header = self._intake.header(identity.command_id(account, 0), options)
        command = encode_cancel_list(list_id, account, header)
        outcomes = self._intake.carry_out(Submission(account, identity, [command]), options)
        if isinstance(outcomes, Pending):
            return outcomes
        decided = only_outcome(outcomes)
        outcome = self._decisions.cancelled(account, list_id, decided)
        if outcome != OrderRejected(w.REASON_UNKNOWN_ORDER):
            return outcome
        # None was placed later than the cancel was decided.
        if list_id > decided.result.sequence or self._queries.order_list(account, list_id) is None:
            return outcome
        return ListAlreadyClosed(list_id)
