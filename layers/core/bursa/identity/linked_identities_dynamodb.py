"""Sign-ins of other providers in the identity table, one row a provider of a user."""

from collections.abc import Sequence
from contextlib import suppress

from bursa.identity.linked_identities import LinkedIdentity
from bursa.identity.records_dynamodb import (
    IdentityModels,
    IdentityRecord,
    RecordRefused,
    unavailable_identity,
    unless_refused,
)
from bursa.identity.security_events import SecurityEvent
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId


class LinkedIdentitiesTable:
    """The rows; each method raises `Unavailable` ``identity_unavailable``."""

    def __init__(self, models: IdentityModels) -> None:
        self._models = models

    def of(self, tenant: TenantId, user: str) -> Sequence[LinkedIdentity]:
        """Return all of a user, also those that are unlinked."""
        model = self._models.identity
        with unavailable_identity():
            rows = model.query(
                keys.user_records(tenant, user),
                model.sk.startswith(keys.IDENTITY_PREFIX),
                consistent_read=True,
            )
            return [_identity(row) for row in rows]

    def find(self, tenant: TenantId, user: str, provider: str) -> LinkedIdentity | None:
        """Return what is known of one provider's; None for nothing."""
        model = self._models.identity
        with unavailable_identity():
            try:
                row = model.get(
                    keys.user_records(tenant, user),
                    keys.linked_identity(provider),
                    consistent_read=True,
                )
            except model.DoesNotExist:
                return None
        return _identity(row)

    def link(
        self,
        tenant: TenantId,
        user: str,
        linked: LinkedIdentity,
        event: SecurityEvent | None,
        pause_until_ms: int,
    ) -> bool:
        """Keep one that is linked, with its event; return False when one was linked before."""
        model = self._models.identity
        row = model(keys.user_records(tenant, user), keys.linked_identity(linked.provider))
        try:
            with unless_refused(), self._models.transaction() as transaction:
                transaction.update(
                    row,
                    actions=[
                        model.subject.set(linked.subject),
                        model.linked_at_ms.set(linked.linked_at_ms),
                        model.unlinked_at_ms.set(0),
                        model.allowed_until_ms.set(0),
                    ],
                    condition=model.subject.does_not_exist() | (model.unlinked_at_ms > 0),
                )
                if event is not None:
                    self._models.keep_event(transaction, event, pause_until_ms)
        except RecordRefused:
            return False
        return True

    def allow(self, tenant: TenantId, user: str, provider: str, until_ms: int) -> None:
        """Keep that the next one may be linked."""
        model = self._models.identity
        row = model(keys.user_records(tenant, user), keys.linked_identity(provider))
        with unavailable_identity():
            row.update(actions=[model.allowed_until_ms.set(until_ms)])

    def unlink(self, event: SecurityEvent, provider: str) -> None:
        """Keep that it is not linked any more, with the event; safe to repeat."""
        model = self._models.identity
        user = keys.user_records(event.account.tenant, event.user)
        with (
            suppress(RecordRefused),
            unless_refused(),
            self._models.transaction() as transaction,
        ):
            transaction.update(
                model(user, keys.linked_identity(provider)),
                actions=[model.unlinked_at_ms.set(event.at_ms), model.allowed_until_ms.set(0)],
                condition=model.subject.exists() & (model.unlinked_at_ms == 0),
            )
            self._models.keep_event(transaction, event, 0)


def _identity(row: IdentityRecord) -> LinkedIdentity:
    return LinkedIdentity(
        row.sk.removeprefix(keys.IDENTITY_PREFIX),
        row.subject or "",
        row.linked_at_ms,
        row.unlinked_at_ms,
        row.allowed_until_ms,
    )
