"""Daily backups, by parameter: of what, by whom, and that nobody takes them away."""

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

BACKUP, VAULT = ROOT / "infra" / "backup.yaml", ROOT / "infra" / "backup-vault.yaml"
# Reads, and what the service needs to hear of a bucket's changes and to keep its own rules.
CHANGES_NO_DATA = (
    "s3:PutBucketNotification",
    "s3:PutInventoryConfiguration",
    "dynamodb:CreateBackup",
    "dynamodb:StartAwsBackupJob",
    "backup:CopyIntoBackupVault",
)


def one(path: object, kind: str) -> Json:
    (found,) = resources(path, kind).values()  # type: ignore[arg-type]
    return found


def test_it_is_off_by_default_and_on_by_one_parameter() -> None:
    parameters = template(APPLICATION)["Parameters"]
    assert parameters["BackupDays"]["Default"] == 0
    assert parameters["BackupCopyVault"]["Default"] == ""
    assert template(APPLICATION)["Conditions"]["HasBackup"] == {
        "Fn::Not": [{"Fn::Equals": [0, {"Ref": "BackupDays"}]}]
    }
    stack = resources(APPLICATION)["Backup"]
    assert stack["Condition"] == "HasBackup"
    given = stack["Properties"]["Parameters"]
    assert given["RetentionDays"] == {"Ref": "BackupDays"}
    assert given["CopyVaultArn"] == {"Ref": "BackupCopyVault"}
    copies = template(BACKUP)["Conditions"]["HasCopy"]
    assert copies == {"Fn::Not": [{"Fn::Equals": ["", {"Ref": "CopyVaultArn"}]}]}


def test_every_table_that_nothing_else_gives_back_is_backed_up_and_the_archive() -> None:
    """They have point-in-time recovery; users' keys have neither (docs/adr/0054)."""
    truth = {
        key.rpartition(":")[2]
        for key, table in everywhere("AWS::DynamoDB::Table").items()
        if table["Properties"].get("PointInTimeRecoverySpecification")
    }
    assert {"JournalTable", "IdentityTable", "ComplianceTable", "AuditTable"} <= truth
    assert "UserKeysTable" not in truth
    given = resources(APPLICATION)["Backup"]["Properties"]["Parameters"]["TruthTableArns"]
    arns, values = given["Fn::Sub"]
    named = [arn.removeprefix("${T}/${").removesuffix("}") for arn in arns.split(",")]
    assert {name.rpartition(".")[2] for name in named} == truth
    assert len(named) == len(truth)
    assert values["T"]["Fn::Sub"].endswith("dynamodb:${AWS::Region}:${AWS::AccountId}:table")
    selection = one(BACKUP, "AWS::Backup::BackupSelection")["Properties"]["BackupSelection"]
    chosen = selection["Resources"]["Fn::Split"][1]["Fn::Sub"]
    assert chosen == "${TruthTableArns},arn:${AWS::Partition}:s3:::${ArchiveBucket}"
    for alarm in resources(BACKUP, "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["Threshold"] == len(truth) + 1


def test_each_day_is_kept_for_as_long_as_the_vault_keeps_and_copied() -> None:
    plan = one(BACKUP, "AWS::Backup::BackupPlan")["Properties"]["BackupPlan"]
    (rule,) = plan["BackupPlanRule"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": {"Ref": "RetentionDays"}}
    condition, (copy,), _ = rule["CopyActions"]["Fn::If"]
    assert condition == "HasCopy"
    assert copy["DestinationBackupVaultArn"] == {"Ref": "CopyVaultArn"}
    assert copy["Lifecycle"] == rule["Lifecycle"]


def test_a_vault_is_locked_and_nobody_deletes_from_it() -> None:
    vault = one(VAULT, "AWS::Backup::BackupVault")
    lock = vault["Properties"]["LockConfiguration"]
    # Given the days, the lock is in compliance mode: after them nobody takes it off.
    assert lock == {"MinRetentionDays": {"Ref": "RetentionDays"}, "ChangeableForDays": 3}
    assert vault["DeletionPolicy"] == "Retain"
    (denied,) = vault["Properties"]["AccessPolicy"]["Statement"]
    assert (denied["Effect"], denied["Principal"]) == ("Deny", {"AWS": "*"})
    assert {"backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"} <= set(
        denied["Action"]
    )
    assert "Condition" not in denied


def test_the_vaults_key_is_used_by_backup_alone() -> None:
    key = one(VAULT, "AWS::KMS::Key")
    for statement in key["Properties"]["KeyPolicy"]["Statement"][1:]:
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}
        ends = [
            arn["Fn::Sub"].partition(":role/")[2]
            for arn in condition["ArnLike"]["aws:PrincipalArn"]
        ]
        assert ends == [
            "${NamePrefix}-Backup-*",
            "aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup",
        ]  # fmt: skip


def test_the_backup_role_changes_no_data_and_the_restore_role_nothing_in_use() -> None:
    roles = resources(BACKUP, "AWS::IAM::Role")
    for role in roles.values():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        }
    for statement in statements(roles["BackupRole"]):
        if statement["Sid"] == "HearOfTheArchivesChanges":
            assert "rule/AwsBackupManagedRule*" in str(statement["Resource"])
            continue
        for action in statement["Action"]:
            verb = action.partition(":")[2]
            assert verb.startswith(("Get", "List", "Describe")) or action in CHANGES_NO_DATA
    for statement in statements(roles["RestoreRole"]):
        for resource in listed(statement["Resource"]):
            assert "${NamePrefix}-restored-" in resource["Fn::Sub"]
