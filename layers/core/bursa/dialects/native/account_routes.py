"""The routes about who is signed in, and how it wants to be met."""

from collections.abc import Callable
from typing import Any

from bursa.compliance.levels import Levels
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import PreferencesRequest
from bursa.dialects.native.responses import Me, UserPreferencesState
from bursa.dialects.native.tenant_presentation import client_limits
from bursa.identity.preferences import Preferences, Subject, UserPreferences
from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.identity.standing import Standings
from bursa.kernel.identifiers import TenantId


class AccountRoutes:
    """What `functions/identity_api` serves about the caller."""

    def __init__(
        self,
        standings: Standings,
        preferences: UserPreferences,
        levels_of: Callable[[TenantId], Levels | None],
    ) -> None:
        self._levels_of = levels_of
        self._standings = standings
        self._preferences = preferences

    def me(self, principal: Principal, token: str | None) -> Me:
        """Return who is signed in; raises as `Standings.of` does."""
        standing = self._standings.of(principal, token)
        address, pause = standing.address, standing.pause
        scopes: Any = sorted(map(str, principal.scopes))
        return Me(
            tenant=standing.tenant_name,
            account=str(principal.account),
            user_id=principal.user,
            email=address.email if address else None,
            email_verified=address.is_verified if address else None,
            signed_in_with=principal.method.value,
            key_id=principal.key or None,
            scopes=scopes,
            roles=[str(principal.role)] if principal.role else [],
            level=None if self._levels_of(principal.tenant) is None else principal.level,
            second_factor_since_ms=standing.second_factor_since_ms or None,
            limits=client_limits(standing.limits),
            withdrawals_paused_until_ms=pause.until_ms if pause else None,
            withdrawals_paused_by=pause.why if pause else None,
        )

    def preferences(self, principal: Principal) -> UserPreferencesState:
        """Return what the caller prefers; raises as `UserPreferences.of` does."""
        return _present(self._preferences.of(principal))

    def replace_preferences(self, principal: Principal, body: str | None) -> UserPreferencesState:
        """Replace what the caller prefers; raises as `UserPreferences.replace` and `read_body`."""
        require_token(principal)
        request = read_body(body, PreferencesRequest)
        wanted = Preferences(
            request.language or "", request.time_zone, frozenset(map(Subject, request.mails_about))
        )
        self._preferences.replace(principal, wanted)
        return _present(wanted)


def _present(preferences: Preferences) -> UserPreferencesState:
    subjects: Any = sorted(map(str, preferences.mails_about))
    return UserPreferencesState(
        language=preferences.language or None,
        time_zone=preferences.time_zone,
        mails_about=subjects,
    )
