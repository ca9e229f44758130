"""Sign-up as Cognito has it, where MiniStack has it otherwise.

MiniStack 1.5 confirms a user whose code was right and leaves the address unverified, and lets
people sign up at pools that take invited users only. It reads MiniStack's module by the names it
has in that version.
"""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
# Status, headers, body.
Response = tuple[int, Any, bytes]
Handler = Callable[[Json], Response]

_DONE = 200
_VERIFIED = [{"Name": "email_verified", "Value": "true"}]


def confirm_with_address(cognito: Any) -> Handler:  # noqa: ANN401 - MiniStack's module
    """Return MiniStack's ConfirmSignUp, after which the address with the code is verified."""
    confirm: Handler = cognito._confirm_sign_up  # noqa: SLF001 - no setting

    def confirmed(data: Json) -> Response:
        response = confirm(data)
        pool = _pool_of(cognito, data)
        if response[0] == _DONE and "email" in pool.get("AutoVerifiedAttributes", ()):
            user, _ = cognito._resolve_user(pool, data["Username"])  # noqa: SLF001
            merged = cognito._merge_attributes(user["Attributes"], _VERIFIED)  # noqa: SLF001
            user["Attributes"] = merged
        return response

    return confirmed


def sign_up_unless_closed(cognito: Any) -> Handler:  # noqa: ANN401 - MiniStack's module
    """Return MiniStack's SignUp, which refuses where only administrators make users."""
    sign_up: Handler = cognito._sign_up  # noqa: SLF001 - no setting

    def signed_up(data: Json) -> Response:
        rules = _pool_of(cognito, data).get("AdminCreateUserConfig") or {}
        # CloudFormation's values are texts there.
        if str(rules.get("AllowAdminCreateUserOnly", "")).lower() == "true":
            refused: Response = cognito.error_response_json(
                "NotAuthorizedException", "SignUp is not permitted for this user pool", 400
            )
            return refused
        return sign_up(data)

    return signed_up


def _pool_of(cognito: Any, data: Json) -> Json:  # noqa: ANN401 - MiniStack's module
    client_id = data.get("ClientId")
    pools = cognito._user_pools.values()  # noqa: SLF001
    return next((pool for pool in pools if client_id in pool["_clients"]), {})
