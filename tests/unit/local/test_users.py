"""The operator's tool: what each operation does to a user, and in which order."""

from dataclasses import dataclass, field

import pytest

from bursa.identity.pool_user import PoolUser
from bursa.kernel.identifiers import AccountId, TenantId
from scripts.client import ToolError
from scripts.users import Users

TENANT = TenantId(1)
ALICE = AccountId(TENANT, 1)


@dataclass
class Recorder:
    """Directory, user pool and sessions, which write down what they are asked for."""

    done: list[str] = field(default_factory=list)

    def find_user(self, email: str) -> PoolUser | None:
        return PoolUser("alice", is_claimed=True) if email == "alice@example.com" else None

    def account_of(self, _tenant: TenantId, subject: str) -> AccountId | None:
        return ALICE if subject == "alice" else None

    def set_disabled(self, _tenant: TenantId, subject: str, *, is_disabled: bool) -> None:
        self.done.append(f"directory {'disables' if is_disabled else 'enables'} {subject}")

    def set_enabled(self, email: str, *, is_enabled: bool) -> None:
        self.done.append(f"pool {'enables' if is_enabled else 'disables'} {email}")

    def end_sessions(self, email: str) -> None:
        self.done.append(f"pool signs out {email}")

    def record(self, account: AccountId, user: str, now_ms: int) -> None:
        assert now_ms > 1_700_000_000_000
        self.done.append(f"sessions of {user} on {account} end")

    def close_connections(self, account: AccountId, user: str) -> int:
        self.done.append(f"connections of {user} on {account} close")
        return 2


OPERATIONS = {
    "sign-out": [
        "sessions of alice on t1-1 end",
        "pool signs out alice@example.com",
        "connections of alice on t1-1 close",
    ],
    # Whoever is shut out is refused here before the pool is asked at all.
    "disable": [
        "directory disables alice",
        "sessions of alice on t1-1 end",
        "pool disables alice@example.com",
        "pool signs out alice@example.com",
        "connections of alice on t1-1 close",
    ],
    "enable": ["pool enables alice@example.com", "directory enables alice"],
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_done_here_before_it_is_done_in_the_pool(operation: str) -> None:
    recorder = Recorder()
    users = Users(recorder, recorder, recorder, TENANT, recorder)  # type: ignore[arg-type]
    said = users.change(operation, "alice@example.com")
    assert recorder.done == OPERATIONS[operation]
    assert "alice@example.com" in said


def test_an_unknown_user_changes_nothing() -> None:
    recorder = Recorder()
    users = Users(recorder, recorder, recorder, TENANT, recorder)  # type: ignore[arg-type]
    with pytest.raises(ToolError, match="no user"):
        users.change("disable", "mallory@example.com")
    assert recorder.done == []
