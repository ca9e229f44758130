"""Tenants and jobs as an operator's programs read them."""

from collections.abc import Sequence

from bursa.dialects.operator.responses import JobState, TenantChange, TenantState
from bursa.kernel.markets import Market
from bursa.tenants.jobs import Job
from bursa.tenants.life import TenantRecord


def tenant_state(record: TenantRecord, markets: Sequence[Market] | None = None) -> TenantState:
    """Return a tenant; times are UTC milliseconds."""
    return TenantState(
        id=record.tenant,
        name=record.name,
        state=record.state.value,
        shard=record.shard,
        issuer=record.issuer,
        sign_in_ends_at_ms=record.sign_in_ends_at_ms,
        delete_after_ms=record.delete_after_ms,
        exported_at_ms=record.exported_at_ms,
        markets=None
        if markets is None
        else {market.symbol: market.state.value for market in markets},
        history=[
            TenantChange(at_ms=one.at_ms, state=one.state.value, by=one.by, reason=one.reason)
            for one in record.history
        ],
    )


def job_state(job: Job) -> JobState:
    """Return a job."""
    return JobState(
        job_id=job.id,
        kind=job.order.kind.value,
        tenant=job.order.tenant,
        by=job.order.by,
        reason=job.order.reason,
        state=job.state.value,
        begun_at_ms=job.begun_at_ms,
        ended_at_ms=job.ended_at_ms,
        result=None if job.result is None else dict(job.result),
        code=job.code or None,
        detail=job.detail or None,
    )
