"""Users' authenticators in the identity table."""

from typing import NamedTuple

from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.identity.records_dynamodb import (
    FactorRecord,
    IdentityModels,
    RecordRefused,
    unavailable_identity,
    unless_refused,
)
from bursa.identity.second_factor import (
    ATTEMPTS_MAX,
    ATTEMPTS_WINDOW_S,
    SETUPS_MAX,
    SETUPS_WINDOW_S,
    Factor,
)
from bursa.identity.security_events import SecurityEvent
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId


class Window(NamedTuple):
    """What is counted in a row, at most so many in so many seconds."""

    counted: WholeNumberAttribute
    since: WholeNumberAttribute
    most: int
    length_s: int


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
        return Factor(row.sealed, row.since_ms) if row.sealed else None

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

    def confirm(self, event: SecurityEvent, pause_until_ms: int, sealed: bytes) -> bool:
        """Require it from now on, and keep the event; return whether it was still this one."""
        model = self._models.factor
        tenant, user = event.account.tenant, event.user
        try:
            with unless_refused(), self._models.transaction() as transaction:
                transaction.update(
                    model(keys.user_records(tenant, user), keys.SECOND_FACTOR),
                    actions=[model.since_ms.set(event.at_ms)],
                    condition=(model.since_ms == 0) & (model.sealed == sealed),
                )
                self._models.keep_event(transaction, event, pause_until_ms)
        except RecordRefused:
            return False
        return True

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
        window = Window(model.attempts, model.attempts_since, ATTEMPTS_MAX, ATTEMPTS_WINDOW_S)
        return self._count(tenant, user, window, now_s)

    def set_up(self, tenant: TenantId, user: str, now_s: int) -> bool:
        """Count that one is to be set up; return whether it may be."""
        model = self._models.factor
        window = Window(model.setups, model.setups_since, SETUPS_MAX, SETUPS_WINDOW_S)
        return self._count(tenant, user, window, now_s)

    def _count(self, tenant: TenantId, user: str, window: Window, now_s: int) -> bool:
        """Count in the window that is open, or else open the next when that is over."""
        row = self._models.factor(keys.user_records(tenant, user), keys.SECOND_FACTOR)
        count, since, most, length_s = window
        is_open = (since > now_s - length_s) & (count < most)
        try:
            with unless_refused():
                row.update(actions=[count.set(count + 1)], condition=is_open)
        except RecordRefused:
            return self._open_window(row, window, now_s)
        return True

    @staticmethod
    def _open_window(row: FactorRecord, window: Window, now_s: int) -> bool:
        count, since, _, length_s = window
        try:
            with unless_refused():
                row.update(
                    actions=[count.set(1), since.set(now_s)],
                    condition=since.does_not_exist() | (since <= now_s - length_s),
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
