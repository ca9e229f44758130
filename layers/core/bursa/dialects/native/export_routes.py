"""All that is known of the caller in one response; what may be long is named, to be read by pages.

Secrets are no part of it: of a key what the list of keys shows, of a second factor since when.
"""

from bursa.dialects.native.account_routes import AccountRoutes
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.dialects.native.session_routes import SessionRoutes
from bursa.dialects.native.sign_in_routes import SignInRoutes
from bursa.dialects.native.user_responses import DataExport, ExportedLists
from bursa.identity.principal import Principal

# About as many reads as it does, so that asking for it again and again costs as much as those.
EXPORT_READS = 25


class ExportRoutes:
    """What `functions/identity_api` serves of a user's data as a whole."""

    def __init__(
        self,
        account: AccountRoutes,
        security: SecurityRoutes,
        sessions: SessionRoutes,
        sign_ins: SignInRoutes,
    ) -> None:
        self._account = account
        self._security = security
        self._sessions = sessions
        self._sign_ins = sign_ins

    def export(self, principal: Principal, token: str) -> DataExport:
        """Return what is known of the caller; raises as its parts do."""
        return DataExport(
            user=self._account.me(principal, token),
            preferences=self._account.preferences(principal),
            sessions=self._sessions.sessions(principal)["items"],
            identities=self._sign_ins.identities(principal)["items"],
            api_keys=self._security.keys(principal)["items"],
            security_events=self._security.events(principal)["items"],
            elsewhere=ExportedLists(
                orders="/v1/orders?limit=500",
                fills="/v1/fills?limit=500",
                balances="/v1/balances",
                transfers="/v1/transfers?limit=500",
                sub_accounts="/v1/sub-accounts",
                kyc="/v1/kyc",
                notices="/v1/notices?limit=100",
            ),
        )
