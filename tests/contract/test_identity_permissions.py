"""Who may end sessions, issue and take tickets, and close connections."""

from tests.contract.templates import listed, statements
from tests.contract.test_template_permissions import (
    MAY_END_SESSIONS,
    ROLES,
    actions,
    condition_of,
    mentions,
)


def test_one_role_changes_one_attribute_of_the_directory() -> None:
    [statement] = [
        one
        for one in statements(ROLES[MAY_END_SESSIONS])
        if mentions(one, "${DirectoryTable}") and "dynamodb:UpdateItem" in actions(one)
    ]
    assert actions(statement) == {"dynamodb:UpdateItem"}
    assert condition_of(statement, "dynamodb:LeadingKeys") == ["t*"]
    attributes = condition_of(statement, "dynamodb:Attributes")
    assert attributes == ["pk", "sk", "signed_out_at"]
    returned = statement["Condition"]["StringEqualsIfExists"]
    assert returned == {"dynamodb:ReturnValues": "NONE"}


def test_a_ticket_is_written_by_one_role_and_taken_by_another() -> None:
    use = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${TicketsTable}")
    }
    assert use == {
        "permissions.yaml:AuthorizerRole": {"dynamodb:DeleteItem"},
        MAY_END_SESSIONS: {"dynamodb:PutItem"},
    }


def test_who_sends_to_connections_may_close_them() -> None:
    verbs = {
        name: sorted(text.split("/v1/")[1].split("/")[0] for text in map(str, arns))
        for name, role in ROLES.items()
        for statement in statements(role)
        if actions(statement) == {"execute-api:ManageConnections"}
        for arns in [listed(statement["Resource"])]
    }
    roles = ("FeedsRole", "IdentityApiRole", "WebSocketRole")
    expected = {f"permissions.yaml:{role}": ["DELETE", "POST"] for role in roles}
    # It asks whether an account's oldest connections are still there, when there is no room.
    expected["permissions.yaml:WebSocketRole"] = ["DELETE", "GET", "POST"]
    assert verbs == expected
