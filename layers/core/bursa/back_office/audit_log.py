"""A tenant's audit log: what its back office does, written before it is done.

A change is two entries. The intent is written first: without it nothing is changed. The outcome is
written before anybody is told of it. A request that comes again finds its own intent, and its
outcome if it has one, so it is never carried out under two names; what is between the two is done
again, and every effect can be.

Entries are numbered, and of two that want a number one gets it and the other takes the next. After
an outcome, or an entry of its own, the head is published, as a copy of the log's end that nobody
can take back; that it can't be is reported and delays nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from bursa.back_office.audit_entry import (
    LINE_BYTES_MAX,
    AuditEntry,
    Deed,
    EntryKind,
    Facts,
    StoredEntry,
    canonical,
    sealed,
)
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, InvalidInput, Unavailable
from bursa.kernel.identifiers import TenantId

# Of all that write at the same moment one gets the number; the others take the next.
TRIES_MAX: Final = 25
_NOTHING: Final[Facts] = MappingProxyType({})
DONE: Final = "done"
_AGAIN: Final = "Send the same request again in a moment."


# Shelves of notes: what was asked, and what became of it, by the request's name.
REQUESTS: Final = "request"
OUTCOMES: Final = "outcome"


class Tail(NamedTuple):
    """The last entry of a log; number 0 of an empty one."""

    number: int
    hash: str


class Note(NamedTuple):
    """A row that is written with an entry, once: nothing may lie under its name yet."""

    shelf: str
    name: str
    content: Facts


class SlotTaken(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised when another entry has the number by now."""


class NoteExists(Exception):  # noqa: N818
    """Raised when something lies under a note's name already."""


class AuditRecords(Protocol):
    """Where logs lie; each method raises `Unavailable` ``audit_unavailable``."""

    def tail(self, tenant: TenantId) -> Tail:
        """Return the last entry."""

    def append(self, tenant: TenantId, entry: StoredEntry, notes: Sequence[Note]) -> None:
        """Write an entry and its notes together.

        Raises `NoteExists`, or else `SlotTaken`; nothing is written then.
        """

    def note(self, tenant: TenantId, shelf: str, name: str) -> Mapping[str, Any] | None:
        """Return the content of a note; None when there is none."""


class Heads(Protocol):
    """Where heads are published."""

    def publish(self, tenant: TenantId, head: Tail) -> None:
        """Publish a head; raises `Unavailable`."""


class Outcome(NamedTuple):
    """What became of a request: ``done`` or an error's code, and what is there since."""

    result: str
    after: Facts


class Intent(NamedTuple):
    """A request that is in the log.

    Attributes
    ----------
    at_ms
        When it was first asked for, UTC.
    before
        What was there then.
    outcome
        What became of it; None while that is not known.

    """

    tenant: TenantId
    deed: Deed
    at_ms: int
    before: Facts
    outcome: Outcome | None = None


class AuditLog:
    """Writes the audit logs of tenants.

    Parameters
    ----------
    on_unpublished
        Told why a head was not published.

    """

    def __init__(
        self,
        records: AuditRecords,
        heads: Heads,
        clock: WallClock,
        on_unpublished: Callable[[str], None],
    ) -> None:
        self._records = records
        self._heads = heads
        self._clock = clock
        self._on_unpublished = on_unpublished

    def begin(
        self,
        tenant: TenantId,
        deed: Deed,
        before: Callable[[], Facts],
        notes: Sequence[Note] = (),
    ) -> Intent:
        """Write that something is about to be done, or find that it was asked for before.

        Parameters
        ----------
        before
            Returns what is there; called unless the request is known.
        notes
            What is written with it.

        Raises
        ------
        Conflict
            ``idempotency_key_reused``: its name is that of another request.
        NoteExists
            Something lies under the name of one of the notes; nothing was written.
        InvalidInput
            ``request_too_long``
        Unavailable
            ``audit_unavailable``, ``audit_busy``: nothing was written, or may have been.

        """
        known = self._known(tenant, deed)
        if known is not None:
            return known
        now_ms, found = self._clock.now_ms(), before()
        content = {"digest": _digest(deed), "at_ms": now_ms, "before": found}
        own = Note(REQUESTS, deed.request, content)
        try:
            self._append(tenant, deed, EntryKind.INTENT, now_ms, found, notes=(own, *notes))
        except NoteExists:
            known = self._known(tenant, deed)
            if known is None:
                raise
            return known
        return Intent(tenant, deed, now_ms, found)

    def has(self, tenant: TenantId, request: str) -> bool:
        """Return whether a request was begun."""
        return self._records.note(tenant, REQUESTS, request) is not None

    def finish(
        self, intent: Intent, result: str, after: Facts, notes: Sequence[Note] = ()
    ) -> Outcome:
        """Write what became of a request; return that, or what was written before.

        Raises `Unavailable` as `begin` does: the caller must not acknowledge what it has done.
        """
        note = Note(OUTCOMES, intent.deed.request, {"result": result, "after": after})
        try:
            head = self._append(
                intent.tenant,
                intent.deed,
                EntryKind.OUTCOME,
                self._clock.now_ms(),
                intent.before,
                after,
                result,
                notes=(note, *notes),
            )
        except NoteExists:
            known = self._outcome(intent.tenant, intent.deed)
            if known is None:
                raise Unavailable("audit_busy", _AGAIN) from None
            return known
        self._publish(intent.tenant, head)
        return Outcome(result, after)

    def record(
        self, tenant: TenantId, deed: Deed, kind: EntryKind, notes: Sequence[Note] = ()
    ) -> None:
        """Write what is one entry by itself; what raises keeps it from being done.

        Raises `NoteExists` when it was written before, `Unavailable` as `begin` does.
        """
        head = self._append(tenant, deed, kind, self._clock.now_ms(), {}, notes=notes)
        self._publish(tenant, head)

    def record_read(self, tenant: TenantId, deed: Deed) -> None:
        """Write that something is read."""
        self.record(tenant, deed, EntryKind.READ)

    def _known(self, tenant: TenantId, deed: Deed) -> Intent | None:
        note = self._records.note(tenant, REQUESTS, deed.request)
        if note is None:
            return None
        if note["digest"] != _digest(deed):
            raise Conflict(
                "idempotency_key_reused", "Send another request under another name of its own."
            )
        outcome = self._outcome(tenant, deed)
        return Intent(tenant, deed, note["at_ms"], note["before"], outcome)

    def _outcome(self, tenant: TenantId, deed: Deed) -> Outcome | None:
        note = self._records.note(tenant, OUTCOMES, deed.request)
        return None if note is None else Outcome(note["result"], note["after"])

    def _append(  # noqa: PLR0917 - the parts of an entry
        self,
        tenant: TenantId,
        deed: Deed,
        kind: EntryKind,
        now_ms: int,
        before: Facts,
        after: Facts = _NOTHING,
        result: str = "",
        *,
        notes: Sequence[Note] = (),
    ) -> Tail:
        """Write an entry under the next number that is free."""
        for _ in range(TRIES_MAX):
            last = self._records.tail(tenant)
            entry = sealed(
                AuditEntry(
                    tenant=str(tenant),
                    number=last.number + 1,
                    at_ms=now_ms,
                    kind=kind,
                    deed=deed,
                    before=before,
                    after=after,
                    result=result,
                    previous=last.hash,
                )
            )
            if len(entry.line) > LINE_BYTES_MAX:
                raise InvalidInput("request_too_long", "Send less in one request.")
            try:
                self._records.append(tenant, entry, notes)
            except SlotTaken:
                continue
            return Tail(entry.number, entry.hash)
        raise Unavailable("audit_busy", _AGAIN)

    def _publish(self, tenant: TenantId, head: Tail) -> None:
        try:
            self._heads.publish(tenant, head)
        except Unavailable as error:
            # The next head stands for this one too: it names all entries before it.
            self._on_unpublished(f"{tenant} {head.number}: {error.__cause__ or error}")


def _digest(deed: Deed) -> str:
    """Return what tells a repeat from another request."""
    return sha256(
        canonical(
            {
                "actor": deed.actor,
                "action": deed.action,
                "about": deed.about,
                "asked": deed.asked,
                "reason": deed.reason,
            }
        ).encode()
    ).hexdigest()
