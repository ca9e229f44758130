"""Daily backups, by parameter: of what, by whom, and that nobody takes them away."""

from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    listed,
    resources,
    statements,
    template,
)

BACKUP, VAULT = ROOT / "infra" / "backup.yaml", ROOT / "infra" / "backup-vault.yaml"
ARCHIVE = ROOT / "infra" / "archive.yaml"
STORAGE = ROOT / "infra" / "storage.yaml"
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
    assert template(ARCHIVE)["Conditions"]["HasBackup"] == {
        "Fn::Not": [{"Fn::Equals": [0, {"Ref": "BackupDays"}]}]
    }
    given = resources(APPLICATION)["Archive"]["Properties"]["Parameters"]
    assert given["BackupDays"] == {"Ref": "BackupDays"}
    assert given["BackupCopyVault"] == {"Ref": "BackupCopyVault"}
    stack = resources(ARCHIVE)["Backup"]
    assert stack["Condition"] == "HasBackup"
    assert stack["Properties"]["Parameters"]["RetentionDays"] == {"Ref": "BackupDays"}
    copies = template(BACKUP)["Conditions"]["HasCopy"]
    assert copies == {"Fn::Not": [{"Fn::Equals": ["", {"Ref": "CopyVaultArn"}]}]}


def test_every_table_that_holds_truth_is_backed_up_and_the_archive() -> None:
    truth = {
        name
        for name, table in resources(STORAGE, "AWS::DynamoDB::Table").items()
        if table["Properties"].get("PointInTimeRecoverySpecification")
    }
    assert {"JournalTable", "DirectoryTable", "IdentityTable"} <= truth
    given = resources(APPLICATION)["Archive"]["Properties"]["Parameters"]["TruthTables"]
    assert set(given["Fn::Sub"].split(",")) == {f"${{Storage.Outputs.{name}}}" for name in truth}
    passed = resources(ARCHIVE)["Backup"]["Properties"]["Parameters"]["TruthTableArns"]
    arns, values = passed["Fn::Sub"]
    assert arns.count("${T}") == len(truth) == len(values) - 1
    selection = one(BACKUP, "AWS::Backup::BackupSelection")["Properties"]["BackupSelection"]
    chosen = selection["Resources"]["Fn::Split"][1]["Fn::Sub"]
    assert chosen == "${TruthTableArns},arn:${AWS::Partition}:s3:::${ArchiveBucket}"


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
            "${NamePrefix}-Archive-*",
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
