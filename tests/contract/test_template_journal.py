"""The journal's table: whatever somebody's own policy allows, no record is changed or removed."""

import re

from tests.contract.templates import ROOT, resources, statements

STORAGE = ROOT / "infra" / "storage.yaml"


def test_nobody_changes_a_record_or_deletes_the_journal_but_a_person_in_an_emergency() -> None:
    table = resources(STORAGE)["JournalTable"]["Properties"]
    denied, protected = table["ResourcePolicy"]["PolicyDocument"]["Statement"]
    condition, deletes, _ = protected["Fn::If"]
    assert condition == "IsProtected"
    assert deletes["Action"] == "dynamodb:DeleteTable"
    for statement in (denied, deletes):
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert statement["Resource"] == "*"
        assert statement["Condition"] == {
            "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["JournalRepairRole", "Arn"]}}
        }
    assert {
        "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem",
        "dynamodb:PartiQLDelete", "dynamodb:PartiQLUpdate", "dynamodb:UpdateTimeToLive",
    } == set(denied["Action"])  # fmt: skip

    # What the writer and the readers really call.
    source = (ROOT / "layers/core/bursa/journal/dynamodb.py").read_text()
    called = {
        "dynamodb:" + name.title().replace("_", "")
        for name in re.findall(r"self\._client\.(\w+)\(", source)
    } - {"dynamodb:GetPaginator"}
    assert called == {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}
    assert source.count("put_item(") == source.count("ConditionExpression=_FREE_SLOT")
    assert not called & set(denied["Action"])

    role = resources(STORAGE)["JournalRepairRole"]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    (granted,) = statements(resources(STORAGE)["JournalRepairPolicy"])
    assert granted["Resource"] == {"Fn::GetAtt": ["JournalTable", "Arn"]}
