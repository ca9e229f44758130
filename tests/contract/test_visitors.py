"""What serves visitors, who have not signed in, reaches nothing that is an account's."""

from typing import Any

import pytest

from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
    statements,
    template,
)
from tests.contract.test_template_permissions import actions, mentions

VISITORS = resources(ROOT / "infra" / "visitors.yaml")
ROLE = VISITORS["PublicWebSocketRole"]
SHARD = resources(ROOT / "infra" / "shard.yaml")
POLICY = SHARD["PublicWebSocketPolicy"]
OPEN_TO_VISITORS = {"${BudgetsTable}", "${DirectoryTable}", "${MarketsTable}", "${TradesTable}"}
WHERE_THE_JOURNAL_ENDS = ["pk", "number", "last", "epoch", "time_ms", "hash"]


def of_dynamodb() -> list[Json]:
    every = [*statements(ROLE), *POLICY["Properties"]["PolicyDocument"]["Statement"]]
    return [one for one in every if any(name.startswith("dynamodb:") for name in actions(one))]


def tables() -> set[str]:
    """Return what it reaches: names of parameters, or of its own table."""
    return {
        str(one.get("Fn::Sub", one)).rpartition("/")[2] if isinstance(one, dict) else str(one)
        for statement in of_dynamodb()
        for one in listed(statement["Resource"])
    }


def test_it_reaches_public_tables_and_its_own_alone() -> None:
    own = str({"Fn::GetAtt": ["PublicConnectionsTable", "Arn"]})
    assert tables() == OPEN_TO_VISITORS | {own, "${ProgressTable}", "${JournalTable}"}


def test_of_the_journal_it_learns_where_it_ends_and_nothing_of_a_record() -> None:
    (statement,) = [one for one in of_dynamodb() if mentions(one, "${JournalTable}")]
    assert actions(statement) == {"dynamodb:Query"}
    held = statement["Condition"]
    assert held["ForAllValues:StringEquals"] == {"dynamodb:Attributes": WHERE_THE_JOURNAL_ENDS}
    assert held["StringEquals"] == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}


def test_it_counts_visitors_and_touches_no_other_budget() -> None:
    (statement,) = [one for one in of_dynamodb() if mentions(one, "${BudgetsTable}")]
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["t*@*"]}}


def test_it_writes_nothing_but_connections_and_budgets_of_visitors() -> None:
    reading = {"dynamodb:GetItem", "dynamodb:Query"}
    writing = [one for one in of_dynamodb() if not actions(one) <= reading]
    for statement in writing:
        assert mentions(statement, "PublicConnectionsTable") or mentions(
            statement, "${BudgetsTable}"
        )


def test_it_sends_on_its_own_api_and_calls_no_other_service() -> None:
    others = {
        name.partition(":")[0] for statement in statements(ROLE) for name in actions(statement)
    }
    assert others == {"dynamodb", "execute-api", "logs", "xray"}
    (sends,) = [
        one for one in statements(ROLE) if actions(one) == {"execute-api:ManageConnections"}
    ]
    assert all(":${ApiId}/" in str(one) for one in listed(sends["Resource"]))


@pytest.mark.parametrize("table", ["ConnectionsTable", "PublicConnectionsTable"])
def test_a_table_of_connections_is_reached_by_its_own_function_and_the_feed(table: str) -> None:
    functions = {
        name.rpartition(":")[2]
        for name, role in everywhere("AWS::IAM::Role").items()
        for statement in statements(role)
        if f"${{{table}}}" in str(statement) or f"'{table}'" in str(statement)
    }
    assert "FeedsRole" in functions
    assert ("PublicWebSocketRole" in functions) == (table == "PublicConnectionsTable")
    assert ("WebSocketRole" in functions) == (table == "ConnectionsTable")


def functions() -> dict[str, Any]:
    return {
        name: body["Properties"]
        for name, body in resources(APPLICATION, "AWS::Serverless::Function").items()
    }


def test_visitors_have_executions_a_gateway_and_throttles_of_their_own() -> None:
    own = functions()["PublicWebSocket"]["ReservedConcurrentExecutions"]["Fn::If"][1]
    assert own == {"Ref": "PublicWebSocketConcurrency"}
    others = [one for name, one in functions().items() if name != "PublicWebSocket"]
    assert all(str(own) not in str(one) for one in others)
    routes = resources(APPLICATION)["PublicWebSocketRoutes"]["Properties"]["Parameters"]
    # A flood of handshakes asks this function alone whether they may go on.
    assert (
        routes["AuthorizerArn"]
        == routes["FunctionArn"]
        == {"Fn::GetAtt": ["PublicWebSocket", "Arn"]}
    )
    stage = resources(ROOT / "infra" / "websocket-routes.yaml")["Stage"]["Properties"]
    assert stage["RouteSettings"]["$connect"]["ThrottlingRateLimit"] == {
        "Ref": "HandshakesPerSecond"
    }


GIVEN_BY_THE_REGION = 500


def test_neither_kind_takes_all_new_connections_of_the_region() -> None:
    of_accounts = resources(APPLICATION)["WebSocketRoutes"]["Properties"]["Parameters"]
    of_visitors = resources(APPLICATION)["PublicWebSocketRoutes"]["Properties"]["Parameters"]

    default = template(ROOT / "infra" / "websocket-routes.yaml")["Parameters"]
    every = default["HandshakesPerSecond"]["Default"]
    taken = of_accounts.get("HandshakesPerSecond", every), of_visitors["HandshakesPerSecond"]
    assert sum(taken) <= GIVEN_BY_THE_REGION
    assert taken[1] * 5 <= taken[0]
