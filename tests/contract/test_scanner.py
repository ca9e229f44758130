"""An antivirus for users' documents: off unless it is named, and what it then takes."""

from tests.contract.templates import APPLICATION, ROOT, resources, statements, template

SCANNER = ROOT / "infra" / "scanner.yaml"
ABSENT = {"Ref": "AWS::NoValue"}
FOUND = resources(SCANNER)


def test_without_one_the_function_is_in_no_network() -> None:
    content = template(APPLICATION)
    unset = {"Fn::Not": [{"Fn::Equals": ["", {"Ref": "ClamdHost"}]}]}
    assert content["Conditions"]["HasClamd"] == unset
    assert content["Parameters"]["ClamdHost"]["Default"] == ""
    assert content["Resources"]["Scanner"]["Condition"] == "HasClamd"
    configured = {
        name: body["Properties"]["VpcConfig"]
        for name, body in resources(APPLICATION, "AWS::Serverless::Function").items()
        if "VpcConfig" in body["Properties"]
    }
    assert list(configured) == ["KycTasks"]
    condition, inside, outside = configured["KycTasks"]["Fn::If"]
    assert (condition, outside) == ("HasClamd", ABSENT)
    assert inside["SecurityGroupIds"] == [{"Fn::GetAtt": ["Scanner", "Outputs.SecurityGroup"]}]


def test_the_function_is_asked_by_nobody_and_reaches_clamd_and_https_alone() -> None:
    group = FOUND["FunctionSecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [one["ToPort"] for one in group["SecurityGroupEgress"]] == [443]
    for name in ("ToClamd", "FromTheFunction"):
        rule = FOUND[name]["Properties"]
        assert rule["FromPort"] == rule["ToPort"] == {"Ref": "ClamdPort"}
        assert not {"CidrIp", "CidrIpv6"} & set(rule)


def test_lambda_may_make_interfaces_and_the_functions_own_code_may_not() -> None:
    made, changed, described = statements(FOUND["NetworkPolicy"])
    for one in (made, changed, described):
        # What the code itself asks for names its function.
        assert one["Condition"]["Null"] == {"lambda:SourceFunctionArn": "true"}
    assert made["Action"] == ["ec2:CreateNetworkInterface"]
    assert "ec2:Vpc" in made["Condition"]["ArnEqualsIfExists"]
    assert all(action.startswith("ec2:Describe") for action in described["Action"])
    assert "*" not in {str(made["Resource"]), str(changed["Resource"])}
    assert FOUND["NetworkPolicy"]["Properties"]["Roles"] == [{"Ref": "KycTasksRole"}]


def test_one_that_is_away_or_old_rings() -> None:
    alarms = resources(SCANNER, "AWS::CloudWatch::Alarm")
    watched = {body["Properties"]["MetricName"] for body in alarms.values()}
    assert watched == {"ScannerUnavailable", "ScannerSignaturesAgeHours"}
