"""The compliance table: each user's case (DESIGN D16).

    <tenant>#<subject>  case    {version, and the fields of `Case`}

Two sparse indexes find cases: by state with the time of the last change, which is compliance's
queue, and by the time at which time itself changes them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.aws.record_failures import record_failures
from bursa.compliance.case_queue import CasePlace
from bursa.compliance.cases import (
    DEFAULT_POLICY,
    Case,
    CaseChange,
    CaseFile,
    CaseState,
    Hit,
    Proposal,
)
from bursa.compliance.levels import DEFAULT_LEVELS, Requirement
from bursa.compliance.steps import Rules
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId

PAGE_MAX = 100
# As what callers know, for what pynamodb raises.
_unavailable = partial(
    record_failures,
    "case_changed",
    "Somebody else changed the case just now; look and try again.",
    "compliance_unavailable",
)


class _ByState(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call] # pynamodb's own
    class Meta:
        index_name = keys.CASES_BY_STATE
        projection = KeysOnlyProjection()

    state_key = UnicodeAttribute(hash_key=True)
    changed_at_ms = WholeNumberAttribute(range_key=True)


class _ByDue(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call] # pynamodb's own
    class Meta:
        index_name = keys.CASES_BY_DUE
        projection = KeysOnlyProjection()

    due_key = UnicodeAttribute(hash_key=True)
    next_at_ms = WholeNumberAttribute(range_key=True)


class _Row(Model):
    """A row of the table; which attributes it has depends on its sort key."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = WholeNumberAttribute(null=True)
    body = JSONAttribute()
    state_key = UnicodeAttribute(null=True)
    changed_at_ms = WholeNumberAttribute(null=True)
    due_key = UnicodeAttribute(null=True)
    next_at_ms = WholeNumberAttribute(null=True)
    by_state = _ByState()
    by_due = _ByDue()


def _rows(table: str) -> type[_Row]:
    """Return the model of a deployment's table."""

    class Row(_Row):
        class Meta:
            table_name = table
            connect_timeout_seconds = 1
            read_timeout_seconds = 2
            max_retry_attempts = 2

        by_state = _ByState()
        by_due = _ByDue()

    return Row


class CasesTable:
    """The cases of all tenants of a deployment.

    Parameters
    ----------
    rules_of
        Returns a tenant's own rules (`bursa.compliance.rules_dynamodb`).

    """

    def __init__(self, table: str, rules_of: Callable[[TenantId], Rules | None]) -> None:
        self._rows = _rows(table)
        self._rules_of = rules_of

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case; None when they have never applied. Raises `Unavailable`."""
        with _unavailable():
            row = self._get(keys.compliance_of(tenant, user), keys.CASE)
        return None if row is None else _case(row)

    def save(self, case: Case) -> Case:
        """Write a changed case and return it with its new version.

        Raises
        ------
        Conflict
            ``case_changed``: it has another version by now.
        Unavailable
            It may have been written all the same; read it again.

        """
        model, tenant = self._rows, TenantId.parse(case.tenant)
        version = case.version + 1
        ends = (case.due_at_ms, case.level_ends_at_ms, case.remind_at_ms, case.erase_at_ms)
        times = [one for one in ends if one is not None]
        row = model(
            keys.compliance_of(tenant, case.user),
            keys.CASE,
            version=version,
            body=_body(case),
            state_key=keys.cases_in(tenant, case.state),
            changed_at_ms=case.history[-1].at_ms if case.history else 0,
            due_key=keys.cases_due(tenant) if times else None,
            next_at_ms=min(times, default=None),
        )
        condition = (
            model.pk.does_not_exist() if case.version == 0 else model.version == case.version
        )
        with _unavailable():
            row.save(condition=condition)
        return replace(case, version=version)

    def in_state(self, tenant: TenantId, state: CaseState, limit: int = PAGE_MAX) -> Sequence[Case]:
        """Return a tenant's cases of a state, those that have waited longest first."""
        with _unavailable():
            found = self._rows.by_state.query(keys.cases_in(tenant, state), limit=limit)
            cases = self._all(found)
        return [case for case in cases if case.state is state]

    def page(
        self,
        tenant: TenantId,
        state: CaseState,
        limit: int,
        after: CasePlace | None = None,
        since_ms: int = 0,
    ) -> tuple[Sequence[CasePlace], CasePlace | None]:
        """See `bursa.compliance.case_queue.CaseQueue`."""
        index = self._rows.by_state
        start = None
        if after is not None:
            start = {
                "state_key": {"S": keys.cases_in(tenant, state)},
                "changed_at_ms": {"N": str(after.changed_at_ms)},
                "pk": {"S": keys.compliance_of(tenant, after.user)},
                "sk": {"S": keys.CASE},
            }
        with _unavailable():
            found = index.query(
                keys.cases_in(tenant, state),
                self._rows.changed_at_ms >= since_ms if since_ms else None,
                limit=limit,
                last_evaluated_key=start,
            )
            places = [CasePlace(row.changed_at_ms or 0, row.pk.partition("#")[2]) for row in found]
        # The next page may be empty: that there is one is all that is known.
        is_last = len(places) < limit
        return places, None if is_last else places[-1]

    def due(self, tenant: TenantId, now_ms: int, limit: int = PAGE_MAX) -> Sequence[Case]:
        """Return the cases of a tenant that time has changed, the most overdue first."""
        with _unavailable():
            until = self._rows.next_at_ms <= now_ms
            return self._all(self._rows.by_due.query(keys.cases_due(tenant), until, limit=limit))

    def rules(self, tenant: TenantId) -> Rules:
        """Return a tenant's rules, the default ones when it has none of its own."""
        return self._rules_of(tenant) or Rules(DEFAULT_LEVELS, DEFAULT_POLICY)

    def _get(self, partition: str, sort: str) -> _Row | None:
        try:
            return self._rows.get(partition, sort, consistent_read=True)
        except self._rows.DoesNotExist:
            return None

    def _all(self, found: Iterator[_Row]) -> list[Case]:
        """Read the rows that an index has named: it knows no more than their keys."""
        rows = (self._get(one.pk, one.sk) for one in found)
        return [_case(row) for row in rows if row is not None]


def _body(case: Case) -> dict[str, Any]:
    body = asdict(case)
    for elsewhere in ("tenant", "user", "version"):
        del body[elsewhere]
    return body | {
        "given": sorted(case.given),
        "files": [list(one) for one in case.files],
        "hits": [list(one) for one in case.hits],
        "cleared": sorted(map(list, case.cleared)),
        "proposal": None if case.proposal is None else list(case.proposal),
        "history": [list(one) for one in case.history],
    }


def _case(row: _Row) -> Case:
    return case_from(row.pk, row.version or 0, row.body)


def case_from(partition: str, version: int, body: Mapping[str, Any]) -> Case:
    """Return a case as its row has it."""
    tenant, _, user = partition.partition("#")
    return Case(
        tenant,
        user,
        version=version,
        **dict(body)
        | {
            "state": CaseState(body["state"]),
            "given": frozenset(map(Requirement, body["given"])),
            "files": tuple(CaseFile(*one) for one in body.get("files", ())),
            "hits": tuple(Hit(*one) for one in body["hits"]),
            "cleared": frozenset((entry, digest) for entry, digest in body["cleared"]),
            "proposal": None if body["proposal"] is None else Proposal(*body["proposal"]),
            "applied": tuple(body["applied"]),
            "history": tuple(
                CaseChange(at_ms, CaseState(state), by, reason)
                for at_ms, state, by, reason in body["history"]
            ),
        },
    )
