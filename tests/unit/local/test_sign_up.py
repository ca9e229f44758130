"""Sign-up at the emulator: what Cognito does and MiniStack does not."""

from types import SimpleNamespace
from typing import Any

import pytest

from scripts.emulator.sign_up import confirm_with_address, sign_up_unless_closed


class MiniStack(SimpleNamespace):
    """Its module, as far as it is named here."""

    def __init__(self, status: int = 200, **pool: Any) -> None:
        self.user: Any = {"Attributes": [{"Name": "email", "Value": "a@b.example"}]}
        super().__init__(
            _user_pools={"other": {"_clients": {}}, "pool": {"_clients": {"web": {}}} | pool},
            _confirm_sign_up=lambda _: (status, {}, b""),
            _sign_up=lambda _: (status, {}, b"signed up"),
            _resolve_user=lambda _pool, _name: (self.user, None),
            _merge_attributes=lambda old, new: [*old, *new],
            error_response_json=lambda code, _message, status: (status, {}, code.encode()),
        )


DATA = {"ClientId": "web", "Username": "a@b.example"}
VERIFIED = {"Name": "email_verified", "Value": "true"}


@pytest.mark.parametrize(
    ("status", "verifies", "is_verified"),
    [(200, ["email"], True), (200, [], False), (400, ["email"], False)],
    ids=["the code was right", "the pool verifies nothing", "the code was wrong"],
)
def test_an_address_is_verified_by_its_code(
    status: int, verifies: list[str], is_verified: bool
) -> None:
    ministack = MiniStack(status, AutoVerifiedAttributes=verifies)
    assert confirm_with_address(ministack)(DATA)[0] == status
    assert (VERIFIED in ministack.user["Attributes"]) == is_verified


@pytest.mark.parametrize(
    ("only", "status"), [(True, 400), ("true", 400), (False, 200), ("false", 200), (None, 200)]
)
def test_a_closed_pool_takes_no_sign_up(only: object, status: int) -> None:
    rules = {} if only is None else {"AllowAdminCreateUserOnly": only}
    signed_up = sign_up_unless_closed(MiniStack(AdminCreateUserConfig=rules))(DATA)
    assert signed_up[0] == status


def test_an_unknown_client_is_ministacks_own_business() -> None:
    unknown = {"ClientId": "nobody", "Username": "a@b.example"}
    assert sign_up_unless_closed(MiniStack())(unknown)[2] == b"signed up"
    assert confirm_with_address(MiniStack(400))(unknown)[0] == 400
