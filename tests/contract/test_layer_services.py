"""The built layer keeps the model of every AWS service that the product makes a client of."""

import ast

from scripts.slim_layer import SERVICES
from tests.architecture.house import modules


def services() -> set[str]:
    """Return the services that clients are made of, by their names in the source."""
    return {
        node.args[0].value
        for module in modules()
        if module.name.startswith(("bursa.", "worker.", "functions."))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in MAKERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


MAKERS = {"create_client", "worker_client"}


def test_the_layer_keeps_the_services_that_are_used() -> None:
    found = services()
    assert {"cognito-idp", "dynamodb", "kms"} <= found
    assert found <= SERVICES
