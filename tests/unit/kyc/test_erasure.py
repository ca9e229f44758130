"""A user whom compliance has erased, over moto: nothing opens any more, and no file is left."""

from typing import Any

import pytest

from bursa.aws import clients
from bursa.bootstrap.kyc_parts import open_parts
from bursa.compliance.cases import CaseState
from bursa.compliance.personal_data_dynamodb import PersonalRecordsTable, UserKeysTable
from bursa.compliance.personal_data_kms import UserVault
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import NotFound
from bursa.kernel.settings import KycSettings, read_settings
from tests.doubles.exchange import TENANT, Exchange
from tests.unit.kyc.test_case_desk import NOW, WHY, Desk, give_data
from tests.unit.kyc.test_case_desk import desk as desk  # noqa: PLC0414 - a fixture
from tests.unit.kyc.test_case_desk import exchange as exchange  # noqa: PLC0414 - a fixture

PATH = "/admin/kyc/cases/gone"


def test_nothing_opens_after_an_erasure(exchange: Exchange, desk: Desk) -> None:
    s3 = clients.s3_client()
    s3.put_bucket_versioning(Bucket="documents", VersioningConfiguration={"Status": "Enabled"})
    files = ("documents/t1/gone/1/selfie", "documents/t1/gone/1/selfie", "documents/t1/gone2/1/x")
    for key in files:
        s3.put_object(Bucket="documents", Key=key, Body=b"a file")
    give_data(desk, "gone")
    case = desk.keep("gone")
    desk.cases.save(case.enter(CaseState.APPROVED, NOW, "system", "a test"))
    sealed = PersonalRecordsTable("compliance").find(TENANT, "gone")
    assert sealed is not None
    vault = UserVault(
        clients.kms_client(),
        UserKeysTable("user_keys"),
        lambda tenant: f"alias/bursa-{tenant}-data",
    )
    assert b"Lindqvist" in vault.open(TENANT, "gone", sealed.sealed)

    early = desk.send("POST", f"{PATH}/erasure", WHY | {"ended_on": "2026-11-01"})
    kept: Any = early.body["erase_at_ms"]
    assert kept > SystemClock().now_ms() + 4 * 365 * 86_400_000
    assert early.body["level"] == 0
    asked = desk.send("POST", f"{PATH}/erasure", WHY | {"ended_on": "2020-01-01"})
    assert asked.body["erase_at_ms"] <= SystemClock().now_ms()
    # What the sweep of kyc_tasks does.
    settings, clock = read_settings(KycSettings), SystemClock()
    tasks = open_parts(settings, exchange._dynamodb, clock).applications
    tasks._erase(TENANT, desk.case("gone"))

    # Not even a copy that was taken before.
    with pytest.raises(NotFound):
        vault.open(TENANT, "gone", sealed.sealed)
    left = s3.list_object_versions(Bucket="documents")
    assert [one["Key"] for one in left["Versions"]] == ["documents/t1/gone2/1/x"]
    read = desk.send("GET", f"{PATH}/personal-data", query=dict(WHY))
    assert (read.status, read.body["code"]) == (404, "no_personal_data")
    found = desk.send("GET", PATH).body
    assert (found["erase_at_ms"], found["documents"]) == (None, [])
    assert found["erased_at_ms"]
    # Who did what stays, and so does the audit log.
    kinds = [one.kind for one in PersonalRecordsTable("compliance").accesses(TENANT, "gone")]
    assert kinds[:1] == ["erased"]
    assert "written" in kinds
    actions = [entry["action"] for entry in desk.entries() if entry["about"] == "user:gone"]
    assert actions.count("erase_users") == 4
    # And they may come back as somebody new.
    give_data(desk, "gone")
