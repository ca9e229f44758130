"""An API key on the wire."""

from base64 import b64encode
from typing import Any

from bursa.dialects.native.security_responses import ApiKeyState
from bursa.identity.api_keys import Algorithm, ApiKey


def key_state(key: ApiKey, now_ms: int) -> ApiKeyState:
    """Return a key as it is at a time; no secret is part of it."""
    is_public = key.algorithm is Algorithm.ED25519
    state: Any = key.state(now_ms)
    scopes: Any = sorted(map(str, key.scopes))
    rate = None if key.rate is None else {"per_s": key.rate.per_s, "burst": key.rate.burst}
    return ApiKeyState(
        key_id=key.id,
        label=key.label,
        state=state,
        algorithm=key.algorithm.value,
        public_key=b64encode(key.material).decode() if is_public else None,
        scopes=scopes,
        addresses=list(key.addresses),
        rate=rate,  # type: ignore[typeddict-item]
        created_at_ms=key.created_at_ms,
        expires_at_ms=key.expires_at_ms or None,
        revoked_at_ms=key.revoked_at_ms or None,
        used_at_ms=key.used_at_ms or None,
    )
