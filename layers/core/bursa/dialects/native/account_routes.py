"""The routes about who is signed in."""

from typing import Any

from bursa.dialects.native.responses import Me
from bursa.dialects.native.tenant_presentation import client_limits
from bursa.identity.principal import Principal
from bursa.identity.standing import Standings


class AccountRoutes:
    """What `functions/identity_api` serves about the caller."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings

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
            roles=[],
            level=None,
            second_factor_since_ms=standing.second_factor_since_ms or None,
            limits=client_limits(standing.limits),
            withdrawals_paused_until_ms=pause.until_ms if pause else None,
            withdrawals_paused_by=pause.why if pause else None,
        )
