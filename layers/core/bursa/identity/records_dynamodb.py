"""Business records of users and their accounts, in the identity table (DESIGN D16).

    <account>           key#<name>            an API key; its use is noted by who serves it
    <account>           keys                  how many of them are not revoked
    <owner>             withdrawal-pause      until when, and why
    <tenant>#<subject>  second-factor         a user's authenticator
    <tenant>#<subject>  preferences           how it wants to be met
    <tenant>#<subject>  sessions              its sessions and devices; of session_books_dynamodb
    <tenant>#<subject>  identity#<provider>   a provider's sign-in that is the user's
    <tenant>#<subject>  event#<time>#<…>      a security event; forgotten after two years

What belongs together is written in one transaction.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.identity.security_events import EVENTS_KEPT_S, SecurityEvent
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable

_REFUSED: Final = "ConditionalCheckFailed"
_CONNECT_S: Final = 1
_READ_S: Final = 2
_RETRIES: Final = 2

_Record = TypeVar("_Record", bound=Model)


class RecordRefused(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised when a condition was not met: nothing is written."""


class Record(Model):
    """What all rows have."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class ApiKeyRecord(Record):
    """An API key."""

    user = UnicodeAttribute()
    label = UnicodeAttribute()
    scopes: UnicodeSetAttribute = UnicodeSetAttribute()
    algorithm = UnicodeAttribute()
    material = BinaryAttribute(legacy_encoding=False)
    created_at_ms = WholeNumberAttribute()
    addresses: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    expires_at_ms = WholeNumberAttribute(default=0)
    rate_per_s = WholeNumberAttribute(default=0)
    rate_burst = WholeNumberAttribute(default=0)
    revoked_at_ms = WholeNumberAttribute(default=0)
    used_at_ms = WholeNumberAttribute(default=0)
    used_from = UnicodeAttribute(null=True)


class KeyCountRecord(Record):
    """How many keys an account has that are not revoked."""

    active = WholeNumberAttribute(default=0)


class PauseRecord(Record):
    """Until when an account may not withdraw."""

    until_ms = WholeNumberAttribute()
    why = UnicodeAttribute()


class FactorRecord(Record):
    """A user's authenticator."""

    # Not there while a first one is only asked for.
    sealed = BinaryAttribute(legacy_encoding=False, null=True)
    since_ms = WholeNumberAttribute(default=0)
    last_step = WholeNumberAttribute(default=0)
    attempts = WholeNumberAttribute(default=0)
    attempts_since = WholeNumberAttribute(default=0)
    setups = WholeNumberAttribute(default=0)
    setups_since = WholeNumberAttribute(default=0)


class PreferencesRecord(Record):
    """How a user wants to be met."""

    language = UnicodeAttribute(null=True)
    time_zone = UnicodeAttribute()
    mails_about: UnicodeSetAttribute = UnicodeSetAttribute(null=True)


class IdentityRecord(Record):
    """A provider's sign-in that is, was or may become the user's."""

    subject = UnicodeAttribute(null=True)
    linked_at_ms = WholeNumberAttribute(default=0)
    unlinked_at_ms = WholeNumberAttribute(default=0)
    allowed_until_ms = WholeNumberAttribute(default=0)


class EventRecord(Record):
    """A security event."""

    kind = UnicodeAttribute()
    account = UnicodeAttribute()
    user = UnicodeAttribute()
    at_ms = WholeNumberAttribute()
    address = UnicodeAttribute()
    about = UnicodeAttribute(null=True)
    expires_at = WholeNumberAttribute()


def _of_table(kind: type[_Record], table: str) -> type[_Record]:
    class Bound(kind):  # type: ignore[valid-type, misc]
        class Meta:
            table_name = table
            connect_timeout_seconds = _CONNECT_S
            read_timeout_seconds = _READ_S
            max_retry_attempts = _RETRIES

    return Bound


class IdentityModels:
    """The models of one table.

    pynamodb reads a model's table from its class, so a table has classes of its own.
    """

    def __init__(self, table: str) -> None:
        self.api_key = _of_table(ApiKeyRecord, table)
        self.key_count = _of_table(KeyCountRecord, table)
        self.pause = _of_table(PauseRecord, table)
        self.factor = _of_table(FactorRecord, table)
        self.preferences = _of_table(PreferencesRecord, table)
        self.identity = _of_table(IdentityRecord, table)
        self.event = _of_table(EventRecord, table)

    def transaction(self) -> TransactWrite:
        """Return a transaction; what it writes is written together or not at all."""
        connection = Connection(
            connect_timeout_seconds=_CONNECT_S,
            read_timeout_seconds=_READ_S,
            max_retry_attempts=_RETRIES,
        )
        return TransactWrite(connection=connection)

    def keep_event(
        self, transaction: TransactWrite, event: SecurityEvent, pause_until_ms: int
    ) -> None:
        """Add a security event to a transaction, with the pause that it means."""
        transaction.save(
            self.event(
                keys.user_records(event.account.tenant, event.user),
                keys.security_event(event.at_ms, secrets.token_hex(4)),
                kind=str(event.kind),
                account=str(event.account),
                user=event.user,
                at_ms=event.at_ms,
                address=event.address,
                about=event.about or None,
                expires_at=event.at_ms // 1_000 + EVENTS_KEPT_S,
            )
        )
        if pause_until_ms:
            # Whoever asks for a pause has looked how long the last one is.
            transaction.update(
                self.pause(str(event.account.owner), keys.WITHDRAWAL_PAUSE),
                actions=[
                    self.pause.until_ms.set(pause_until_ms),
                    self.pause.why.set(str(event.kind)),
                ],
            )


@contextmanager
def unavailable_identity() -> Iterator[None]:
    """Raise what callers know for what pynamodb raises."""
    try:
        yield
    except PynamoDBException as error:
        raise Unavailable("identity_unavailable", "Send the same again in a moment.") from error


@contextmanager
def unless_refused() -> Iterator[None]:
    """Raise `RecordRefused` where a condition was the reason, `Unavailable` for all others."""
    with unavailable_identity():
        try:
            yield
        except PynamoDBException as error:
            if _is_refused(error):
                raise RecordRefused from error
            raise


def _is_refused(error: PynamoDBException) -> bool:
    if isinstance(error, TransactWriteError):
        return any(reason and reason.code == _REFUSED for reason in error.cancellation_reasons)
    return error.cause_response_code == "ConditionalCheckFailedException"
