"""Users' authenticators in the identity table."""

from contextlib import suppress

from bursa.identity.records_dynamodb import (
    IdentityModels,
    RecordRefused,
    unavailable_identity,
    unless_refused,
)
from bursa.identity.second_factor import ATTEMPTS_MAX, ATTEMPTS_WINDOW_S, Factor
from bursa.identity.security_events import SecurityEvent
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId


class FactorsTable:
    """The authenticators; each method raises `Unavailable` ``identity_unavailable``."""

    def __init__(self, models: IdentityModels) -> None:
        self._models = models

    def find(self, tenant: TenantId, user: str) -> Factor | None:
        """Return a user's authenticator, also one that is being set up; None for none."""
        model = self._models.factor
        with unavailable_identity():
            try:
                row = model.get(
                    keys.user_records(tenant, user), keys.SECOND_FACTOR, consistent_read=True
                )
            except model.DoesNotExist:
                return None
        return Factor(row.sealed, row.since_ms)

    def begin(self, tenant: TenantId, user: str, sealed: bytes) -> bool:
        """Keep one that is being set up; return whether there was no other that is required.

        Wrong codes stay counted: beginning anew is no way to guess more.
        """
        model = self._models.factor
        try:
            with unless_refused():
                model(keys.user_records(tenant, user), keys.SECOND_FACTOR).update(
                    actions=[
                        model.sealed.set(sealed),
                        model.since_ms.set(0),
                        model.last_step.set(model.last_step | 0),
                        model.attempts.set(model.attempts | 0),
                        model.attempts_since.set(model.attempts_since | 0),
                    ],
                    condition=model.since_ms.does_not_exist() | (model.since_ms == 0),
                )
        except RecordRefused:
            return False
        return True

    def confirm(self, event: SecurityEvent, pause_until_ms: int) -> None:
        """Require it from now on, and keep the event; one that is required stays as it is."""
        model = self._models.factor
        tenant, user = event.account.tenant, event.user
        with suppress(RecordRefused), unless_refused(), self._models.transaction() as transaction:
            transaction.update(
                model(keys.user_records(tenant, user), keys.SECOND_FACTOR),
                actions=[model.since_ms.set(event.at_ms)],
                condition=model.since_ms == 0,
            )
            self._models.keep_event(transaction, event, pause_until_ms)

    def remove(self, event: SecurityEvent, pause_until_ms: int) -> None:
        """Forget it, and keep the event."""
        model = self._models.factor
        tenant, user = event.account.tenant, event.user
        with unavailable_identity(), self._models.transaction() as transaction:
            transaction.delete(model(keys.user_records(tenant, user), keys.SECOND_FACTOR))
            self._models.keep_event(transaction, event, pause_until_ms)

    def attempt(self, tenant: TenantId, user: str, now_s: int) -> bool:
        """Count an attempt; return whether it may be made."""
        model = self._models.factor
        row = model(keys.user_records(tenant, user), keys.SECOND_FACTOR)
        began_before = now_s - ATTEMPTS_WINDOW_S
        in_window = (model.attempts_since > began_before) & (model.attempts < ATTEMPTS_MAX)
        try:
            with unless_refused():
                row.update(actions=[model.attempts.set(model.attempts + 1)], condition=in_window)
        except RecordRefused:
            return self._begin_window(tenant, user, now_s)
        return True

    def _begin_window(self, tenant: TenantId, user: str, now_s: int) -> bool:
        model = self._models.factor
        try:
            with unless_refused():
                model(keys.user_records(tenant, user), keys.SECOND_FACTOR).update(
                    actions=[model.attempts.set(1), model.attempts_since.set(now_s)],
                    condition=model.attempts_since <= now_s - ATTEMPTS_WINDOW_S,
                )
        except RecordRefused:
            return False
        return True

    def use(self, tenant: TenantId, user: str, step: int) -> bool:
        """Use up the codes of a step and those before; return whether they were not, before."""
        model = self._models.factor
        try:
            with unless_refused():
                model(keys.user_records(tenant, user), keys.SECOND_FACTOR).update(
                    actions=[model.last_step.set(step), model.attempts.set(0)],
                    condition=model.last_step < step,
                )
        except RecordRefused:
            return False
        return True
