"""Who reads a user's personal data, why, and when it goes for good.

Read by compliance and by the screening alone, and only after the read has been written down: a read
that can't be recorded does not happen. Erasing destroys the user's own key first, so that no copy
of the sealed data, in a backup or elsewhere, can be opened by anyone; that it was erased, and every
earlier read, stays on record.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from bursa.compliance.personal_data import (
    PersonalData,
    decode_personal_data,
    encode_personal_data,
)
from bursa.kernel.calendar_time import day_at
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotAllowed, NotFound, Refused
from bursa.kernel.identifiers import TenantId
from bursa.kernel.reasons import require_reason


class Role(StrEnum):
    """In which capacity somebody asks; the words that are stored."""

    COMPLIANCE = "compliance"
    # The comparison with lists, of an application or of everybody.
    SCREENING = "screening"
    # Whose data it is; they write it.
    USER = "user"
    SUPPORT = "support"
    OPERATOR = "operator"


READERS: Final = frozenset({Role.COMPLIANCE, Role.SCREENING})


# So often a user may say on a day (UTC) who they are: each time is on record for good.
CHANGES_PER_DAY_MAX: Final = 20


class Reader(NamedTuple):
    """Who asks, in which capacity and why."""

    role: Role
    id: str
    reason: str


class AccessKind(StrEnum):
    """What somebody did with personal data; the words that are stored."""

    READ = "read"
    # A file that they have shown.
    READ_DOCUMENT = "read_document"
    REFUSED = "refused"
    WRITTEN = "written"
    ERASED = "erased"


class Access(NamedTuple):
    """One line of the record of a user's personal data; never any of it."""

    at_ms: int
    kind: AccessKind
    role: str
    by: str
    reason: str


class SealedRecord(NamedTuple):
    """Personal data as it is kept, empty once erased; the version counts what was written."""

    version: int
    sealed: bytes


class RecordStore(Protocol):
    """Where sealed personal data and the record of accesses are; raises `Unavailable`."""

    def find(self, tenant: TenantId, user: str) -> SealedRecord | None:
        """Return a user's sealed data."""

    def save(self, tenant: TenantId, user: str, record: SealedRecord, case_version: int) -> None:
        """Write it in place of the version before, while the user's case is at a version.

        0 is the version of no case. Raises `Conflict` ``personal_data_changed`` if either has
        changed; nothing is written then.
        """

    def count_change(self, tenant: TenantId, user: str, day: int, most: int) -> bool:
        """Count that a user changes it on a day; return whether that is within so many.

        Raises `Conflict` ``personal_data_changed`` when somebody else counts at this moment.
        """

    def remove(self, tenant: TenantId, user: str) -> None:
        """Empty it, so that its versions go on; safe to repeat."""

    def note(self, tenant: TenantId, user: str, access: Access) -> None:
        """Add a line that nobody changes any more."""

    def accesses(self, tenant: TenantId, user: str) -> Sequence[Access]:
        """Return the latest lines, newest first."""


class Vault(Protocol):
    """Seals for one user of one tenant; raises `Unavailable`."""

    def seal(self, tenant: TenantId, user: str, data: bytes) -> bytes:
        """Return data as only `open` for the same user reads it."""

    def open(self, tenant: TenantId, user: str, sealed: bytes) -> bytes:
        """Return what was sealed; raises `NotFound` once the user's key is destroyed."""

    def destroy(self, tenant: TenantId, user: str) -> None:
        """Destroy the user's key; safe to repeat, and can't be taken back."""


class PersonalRecords:
    """The personal data of all users."""

    def __init__(self, store: RecordStore, vault: Vault, clock: WallClock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def require_change(self, tenant: TenantId, user: str) -> None:
        """Return when a user may change what they say of themself once more; counts it.

        Raises `Refused` ``too_many_changes``; `Conflict` ``personal_data_changed``.
        """
        today = day_at(self._clock.now_ms())
        if not self._store.count_change(tenant, user, today, CHANGES_PER_DAY_MAX):
            raise Refused(
                "too_many_changes",
                f"Send your data again tomorrow (UTC); it can be sent {CHANGES_PER_DAY_MAX} times "
                "a day.",
            )

    def write(self, tenant: TenantId, user: str, data: PersonalData, case_version: int) -> None:
        """Keep what a user says of themself, in place of what they said before.

        ``case_version`` is that of the case by which it was decided that they may; 0 for none.

        Raises
        ------
        Conflict
            ``personal_data_changed``: it, or the case, was changed just now.

        """
        before = self._store.find(tenant, user)
        version = 1 if before is None else before.version + 1
        sealed = self._vault.seal(tenant, user, encode_personal_data(data))
        self._note(tenant, user, AccessKind.WRITTEN, Reader(Role.USER, user, "given"))
        self._store.save(tenant, user, SealedRecord(version, sealed), case_version)

    def version_of(self, tenant: TenantId, user: str) -> int:
        """Return the version of a user's personal data, 0 for none; nothing of it is read."""
        record = self._store.find(tenant, user)
        return 0 if record is None or not record.sealed else record.version

    def read(self, tenant: TenantId, user: str, reader: Reader) -> PersonalData:
        """Return a user's personal data, after the read has been recorded.

        Raises
        ------
        NotAllowed
            ``compliance_only``; recorded too.
        InvalidInput
            ``invalid_reason``
        NotFound
            ``no_personal_data``: there is none, or it was erased.

        """
        reader = reader._replace(reason=require_reason(reader.reason))
        if reader.role not in READERS:
            self._note(tenant, user, AccessKind.REFUSED, reader)
            raise NotAllowed("compliance_only", "Ask compliance; only they read personal data.")
        record = self._store.find(tenant, user)
        if record is None or not record.sealed:
            raise NotFound("no_personal_data", "The user has given no personal data.")
        self._note(tenant, user, AccessKind.READ, reader)
        return decode_personal_data(self._vault.open(tenant, user, record.sealed))

    def note_document(self, tenant: TenantId, user: str, reader: Reader) -> None:
        """Put on record that a document is read, by compliance alone; raises as `read` does."""
        reader = reader._replace(reason=require_reason(reader.reason))
        if reader.role is not Role.COMPLIANCE:
            self._note(tenant, user, AccessKind.REFUSED, reader)
            raise NotAllowed("compliance_only", "Ask compliance; only they read documents.")
        self._note(tenant, user, AccessKind.READ_DOCUMENT, reader)

    def erase(self, tenant: TenantId, user: str, reader: Reader, keep_until_ms: int) -> None:
        """Make a user's personal data unreadable for good; safe to repeat.

        ``keep_until_ms`` is until when the law wants it kept; 0 where it does not.

        Raises
        ------
        NotAllowed
            ``compliance_only``
        Refused
            ``retention_period``
        InvalidInput
            ``invalid_reason``

        """
        reader = reader._replace(reason=require_reason(reader.reason))
        if reader.role is not Role.COMPLIANCE:
            self._note(tenant, user, AccessKind.REFUSED, reader)
            raise NotAllowed("compliance_only", "Ask compliance; only they erase personal data.")
        if self._clock.now_ms() < keep_until_ms:
            raise Refused("retention_period", "The law wants this data kept; erase it afterwards.")
        self._note(tenant, user, AccessKind.ERASED, reader)
        # The key first: what is left after an interruption is already unreadable.
        self._vault.destroy(tenant, user)
        self._store.remove(tenant, user)

    def accesses(self, tenant: TenantId, user: str) -> Sequence[Access]:
        """Return who did what with a user's personal data, newest first."""
        return self._store.accesses(tenant, user)

    def _note(self, tenant: TenantId, user: str, kind: AccessKind, reader: Reader) -> None:
        access = Access(self._clock.now_ms(), kind, reader.role, reader.id, reader.reason)
        self._store.note(tenant, user, access)
