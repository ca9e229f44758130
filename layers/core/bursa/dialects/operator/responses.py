"""What an operator gets: tenants, and jobs."""

from typing import Any, Literal

from typing_extensions import TypedDict


class TenantChange(TypedDict):
    """A change of a tenant's state."""

    at_ms: int
    state: str
    by: str
    reason: str


class TenantState(TypedDict):
    """A tenant. A time is null while there is none; markets is null in a list."""

    id: str
    name: str
    state: Literal["opening", "active", "suspended", "closing", "deleted"]
    shard: int
    issuer: str
    sign_in_ends_at_ms: int | None
    delete_after_ms: int | None
    exported_at_ms: int | None
    markets: dict[str, str] | None
    history: list[TenantChange]


class TenantList(TypedDict):
    """Tenants by number; next_cursor is null at the end."""

    items: list[TenantState]
    next_cursor: str | None


class JobState(TypedDict):
    """A job. result is null unless it is done; code and detail say why it was not."""

    job_id: str
    kind: Literal["create", "suspend", "resume", "export", "delete"]
    tenant: str
    by: str
    reason: str
    state: Literal["running", "done", "refused", "failed"]
    begun_at_ms: int
    ended_at_ms: int | None
    result: dict[str, Any] | None
    code: str | None
    detail: str | None
