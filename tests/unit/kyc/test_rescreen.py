"""A list that is put in force, and the function that compares everybody with it, over moto."""

from typing import Any

from bursa.aws import clients
from bursa.compliance.cases import CaseState
from bursa.compliance.list_versions import ListFiles, publish
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.kernel import keys
from bursa.tenants.dynamodb import TENANT_COUNTER
from tests.doubles.exchange import Exchange, read_event
from tests.unit.compliance.test_sanctions_list import sdn
from tests.unit.conftest import Context, started
from tests.unit.kyc.test_case_desk import NOW, Desk, give_data
from tests.unit.kyc.test_case_desk import desk as desk  # noqa: PLC0414 - a fixture
from tests.unit.kyc.test_case_desk import exchange as exchange  # noqa: PLC0414 - a fixture

EVENT = read_event("kyc-rescreen")


def test_a_list_in_force_takes_the_level_of_who_is_on_it(exchange: Exchange, desk: Desk) -> None:
    count = {"pk": keys.DEPLOYMENT, "sk": keys.counter(TENANT_COUNTER)}
    row: Any = {name: {"S": text} for name, text in count.items()} | {"value": {"N": "2"}}
    exchange._dynamodb.put_item(TableName="directory", Item=row)
    function = started("kyc_tasks.app")
    assert function.handler(EVENT, Context()) == {"compared": 0, "opened": 0}
    give_data(desk, "listed")
    case = desk.keep("listed", granted=1)
    desk.cases.save(case.enter(CaseState.APPROVED, NOW, "system", "a test"))
    files = ListFiles(sdn((7, "LINDQVIST, Anna Maria")), b"")
    publish(S3Lists(clients.s3_client(), "documents"), "sdn", files, NOW)
    assert function.handler(EVENT, Context())["opened"] == 1
    found = desk.case("listed")
    # With the one that nobody had decided about.
    assert {hit.entry for hit in found.hits} == {"101", "7"}
    assert (found.state, found.level) == (CaseState.DECIDING, 0)
    once = found.version
    assert function.handler(EVENT, Context()) == {"compared": 0, "opened": 0}
    assert desk.case("listed").version == once
