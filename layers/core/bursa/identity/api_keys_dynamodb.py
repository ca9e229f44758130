"""API keys in the identity table."""

from collections.abc import Sequence
from contextlib import suppress

from bursa.identity.api_keys import KEYS_MAX, Algorithm, ApiKey
from bursa.identity.principal import Scope
from bursa.identity.records_dynamodb import (
    ApiKeyRecord,
    IdentityModels,
    RecordRefused,
    unavailable_identity,
    unless_refused,
)
from bursa.identity.security_events import SecurityEvent
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import Rate


class ApiKeysTable:
    """The API keys of a deployment; each method raises `Unavailable` ``identity_unavailable``."""

    def __init__(self, models: IdentityModels) -> None:
        self._models = models

    def add(self, key: ApiKey, event: SecurityEvent, pause_until_ms: int) -> bool:
        """Keep a new key with its event; return whether there was room for it."""
        count = self._models.key_count
        model = self._models.api_key
        try:
            with unless_refused(), self._models.transaction() as transaction:
                transaction.update(
                    count(str(key.account), keys.API_KEY_COUNT),
                    actions=[count.active.set((count.active | 0) + 1)],
                    condition=count.active.does_not_exist() | (count.active < KEYS_MAX),
                )
                transaction.save(_row(model, key), condition=model.pk.does_not_exist())
                self._models.keep_event(transaction, event, pause_until_ms)
        except RecordRefused:
            return False
        return True

    def find(self, account: AccountId, name: str) -> ApiKey | None:
        """Return a key, also one that is over; None for none."""
        model = self._models.api_key
        with unavailable_identity():
            try:
                row = model.get(str(account), keys.api_key(name), consistent_read=True)
            except model.DoesNotExist:
                return None
        return _key(row)

    def of_account(self, account: AccountId) -> Sequence[ApiKey]:
        """Return all keys of an account that are kept."""
        model = self._models.api_key
        with unavailable_identity():
            rows = model.query(
                str(account), model.sk.startswith(keys.API_KEY_PREFIX), consistent_read=True
            )
            return [_key(row) for row in rows]

    def revoke(self, key: ApiKey, event: SecurityEvent) -> None:
        """Write that a key is over from the event's time on; safe to repeat."""
        count = self._models.key_count
        model = self._models.api_key
        try:
            with unless_refused(), self._models.transaction() as transaction:
                transaction.update(
                    model(str(key.account), keys.api_key(key.name)),
                    actions=[model.revoked_at_ms.set(event.at_ms)],
                    condition=model.pk.exists() & (model.revoked_at_ms == 0),
                )
                transaction.update(
                    count(str(key.account), keys.API_KEY_COUNT),
                    actions=[count.active.set(count.active - 1)],
                )
                self._models.keep_event(transaction, event, 0)
        except RecordRefused:
            return  # somebody else has just revoked it

    def forget(self, key: ApiKey) -> None:
        """Remove a key that was revoked; one that was not stays."""
        model = self._models.api_key
        with suppress(RecordRefused), unless_refused():
            model(str(key.account), keys.api_key(key.name)).delete(
                condition=model.revoked_at_ms > 0
            )


def _row(model: type[ApiKeyRecord], key: ApiKey) -> ApiKeyRecord:
    rate = key.rate or Rate(0, 0)
    return model(
        str(key.account),
        keys.api_key(key.name),
        user=key.user,
        label=key.label,
        scopes=set(map(str, key.scopes)),
        algorithm=str(key.algorithm),
        material=key.material,
        created_at_ms=key.created_at_ms,
        addresses=set(key.addresses) or None,
        expires_at_ms=key.expires_at_ms,
        rate_per_s=rate.per_s,
        rate_burst=rate.burst,
        revoked_at_ms=key.revoked_at_ms,
        used_at_ms=key.used_at_ms,
    )


def _key(row: ApiKeyRecord) -> ApiKey:
    return ApiKey(
        account=AccountId.parse(row.pk),
        name=row.sk.removeprefix(keys.API_KEY_PREFIX),
        user=row.user,
        label=row.label,
        scopes=frozenset(map(Scope, row.scopes)),
        algorithm=Algorithm(row.algorithm),
        material=row.material,
        created_at_ms=row.created_at_ms,
        addresses=tuple(sorted(row.addresses or ())),
        expires_at_ms=row.expires_at_ms,
        rate=Rate(row.rate_per_s, row.rate_burst) if row.rate_per_s else None,
        revoked_at_ms=row.revoked_at_ms,
        used_at_ms=row.used_at_ms,
    )
