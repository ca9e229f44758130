"""Users' preferences in the identity table."""

from bursa.identity.preferences import Preferences, Subject
from bursa.identity.records_dynamodb import IdentityModels, unavailable_identity
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId


class PreferencesTable:
    """The preferences; each method raises `Unavailable` ``identity_unavailable``."""

    def __init__(self, models: IdentityModels) -> None:
        self._models = models

    def find(self, tenant: TenantId, user: str) -> Preferences | None:
        """Return a user's preferences; None for who has said nothing."""
        model = self._models.preferences
        with unavailable_identity():
            try:
                row = model.get(
                    keys.user_records(tenant, user), keys.PREFERENCES, consistent_read=True
                )
            except model.DoesNotExist:
                return None
        return Preferences(
            row.language or "", row.time_zone, frozenset(map(Subject, row.mails_about or ()))
        )

    def write(self, tenant: TenantId, user: str, preferences: Preferences) -> None:
        """Replace a user's preferences: they are one row, and the last one counts."""
        row = self._models.preferences(
            keys.user_records(tenant, user),
            keys.PREFERENCES,
            language=preferences.language or None,
            time_zone=preferences.time_zone,
            mails_about=set(map(str, preferences.mails_about)) or None,
        )
        with unavailable_identity():
            row.save()
