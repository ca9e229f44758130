"""An HMAC key of each demo user, for trading programs; made once, and found again at each start.

Users make keys with a code of their second factor, which the demo's don't have, so that a password
is all that the examples need. The keys are therefore written here as the identity API writes them,
with the rights of who owns the emulator. Their secrets are not kept: they are opened again.

Run as a process of its own, which has the emulator's variables: users on its standard input, their
keys on its standard output, both as JSON.
"""

import json
import sys
from typing import Any

from bursa.aws.clients import kms_client
from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.principal import Scope
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.signed_requests import seal_context
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.identifiers import AccountId
from bursa.kernel.settings import SignedRequestSettings, read_settings

_LABEL = "demo"
_SCOPES = frozenset({Scope.READ, Scope.TRADE})
_NAME_LENGTH = 24
_ADDRESS = "127.0.0.1"

Json = dict[str, Any]


class DemoKeys:
    """Makes and finds them."""

    def __init__(self, keys: ApiKeysTable, seals: Seals, clock: SystemClock) -> None:
        self._keys = keys
        self._seals = seals
        self._clock = clock

    def of(self, account: AccountId, subject: str) -> Json:
        """Return a user's key with its secret."""
        now_ms = self._clock.now_ms()
        for key in self._keys.of_account(account):
            if key.label == _LABEL and key.user == subject and key.state(now_ms) == "active":
                secret = self._seals.open(key.material, seal_context(account, key.name))
                return {"api_key": key.id, "api_secret": secret.decode()}
        return self._make(account, subject, now_ms)

    def _make(self, account: AccountId, subject: str, now_ms: int) -> Json:
        name, secret = random_key()[:_NAME_LENGTH], random_key() + random_key()
        key = ApiKey(
            account=account,
            name=name,
            user=subject,
            label=_LABEL,
            scopes=_SCOPES,
            algorithm=Algorithm.HMAC_SHA256,
            material=self._seals.seal(secret.encode(), seal_context(account, name)),
            created_at_ms=now_ms,
        )
        event = SecurityEvent(
            SecurityEventKind.API_KEY_MADE, account, subject, now_ms, _ADDRESS, key.id
        )
        if not self._keys.add(key, event, 0):
            raise SystemExit(f"{account} has as many API keys as it may have; revoke one.")
        return {"api_key": key.id, "api_secret": secret}


def main() -> None:
    """Read users, write their keys."""
    settings, clock = read_settings(SignedRequestSettings), SystemClock()
    keys = DemoKeys(
        ApiKeysTable(IdentityModels(settings.identity_table)),
        Seals(kms_client, settings.credentials_key, clock),
        clock,
    )
    users = json.load(sys.stdin)
    found = [keys.of(AccountId.parse(user["account"]), user["subject"]) for user in users]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
