"""Security events and pauses of withdrawals in the identity table."""

from collections.abc import Sequence

from bursa.identity.records_dynamodb import EventRecord, IdentityModels, unavailable_identity
from bursa.identity.security_events import (
    EVENTS_MAX,
    SecurityEvent,
    SecurityEventKind,
    WithdrawalPause,
)
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId


class SecurityEventsTable:
    """The events; each method raises `Unavailable` ``identity_unavailable``."""

    def __init__(self, models: IdentityModels) -> None:
        self._models = models

    def record(self, event: SecurityEvent, pause_until_ms: int) -> None:
        """Keep an event, and pause withdrawals unless the time is 0."""
        with unavailable_identity(), self._models.transaction() as transaction:
            self._models.keep_event(transaction, event, pause_until_ms)

    def events(self, tenant: TenantId, user: str) -> Sequence[SecurityEvent]:
        """Return a user's latest events, newest first."""
        model = self._models.event
        with unavailable_identity():
            rows = model.query(
                keys.user_records(tenant, user),
                model.sk.startswith(keys.SECURITY_EVENT_PREFIX),
                scan_index_forward=False,
                limit=EVENTS_MAX,
            )
            return [_event(row) for row in rows]

    def pause(self, account: AccountId) -> WithdrawalPause | None:
        """Return until when an owner may not withdraw; None for no pause so far."""
        model = self._models.pause
        with unavailable_identity():
            try:
                row = model.get(str(account.owner), keys.WITHDRAWAL_PAUSE, consistent_read=True)
            except model.DoesNotExist:
                return None
        return WithdrawalPause(row.until_ms, row.why)


def _event(row: EventRecord) -> SecurityEvent:
    return SecurityEvent(
        SecurityEventKind(row.kind),
        AccountId.parse(row.account),
        row.user,
        row.at_ms,
        row.address,
        row.about or "",
    )
