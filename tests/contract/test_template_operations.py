"""What every resource has besides its purpose: a log, an alarm, a bound, protection."""

import json
import tomllib
from pathlib import Path

import pytest

from bursa.dialects.native.problems import TYPE_PREFIX
from tests.contract.templates import (
    APPLICATION,
    NESTED,
    ROOT,
    TEMPLATES,
    Json,
    everywhere,
    resources,
    template,
)

FUNCTIONS = resources(APPLICATION, "AWS::Serverless::Function")
STREAM_CONSUMERS = ("Projector", "Feeds")
TABLES = resources(ROOT / "infra" / "storage.yaml", "AWS::DynamoDB::Table")
HOLD_TRUTH = {"JournalTable", "DirectoryTable"}
KEYS_WITHOUT_RANGE = {"AnswersTable"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_stands_together_with_its_log_and_its_alarm(name: str) -> None:
    declared = list(template(APPLICATION)["Resources"])
    begin = declared.index(name)
    assert declared[begin : begin + 3] == [name, f"{name}Log", f"{name}Alarm"]
    assert FUNCTIONS[name]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}
    alarm = template(APPLICATION)["Resources"][f"{name}Alarm"]["Properties"]
    assert alarm["Dimensions"] in (
        [{"Name": "FunctionName", "Value": {"Ref": name}}],
        [{"Name": "service", "Value": name.lower()}],
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_handler_is_there_and_named_after_its_folder(name: str) -> None:
    properties = FUNCTIONS[name]["Properties"]
    package, module, handler = properties["Handler"].split(".")
    assert (ROOT / "functions" / package / f"{module}.py").is_file()
    assert (module, handler) == ("app", "handler")
    service = properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    assert service == package
    assert package.replace("_", "") == name.lower()


@pytest.mark.parametrize("name", everywhere("AWS::Logs::LogGroup"))
def test_a_log_is_kept_for_a_while_and_not_for_ever(name: str) -> None:
    log = everywhere("AWS::Logs::LogGroup")[name]
    assert log["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("name", everywhere("AWS::CloudWatch::Alarm"))
def test_an_alarm_says_what_it_means_and_reaches_somebody(name: str) -> None:
    alarm = everywhere("AWS::CloudWatch::Alarm")[name]["Properties"]
    assert alarm["AlarmDescription"].endswith((".", "?"))
    assert alarm["AlarmActions"] in (
        [{"Ref": "NotificationTopic"}],
        [{"Ref": "NotificationTopicArn"}],
    )
    assert alarm["TreatMissingData"] in {"breaching", "notBreaching"}


def test_tracing_is_on_for_every_function_and_the_api() -> None:
    assert template(APPLICATION)["Globals"]["Function"]["Tracing"] == "Active"
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    assert api["Properties"]["TracingEnabled"] is True


def test_both_apis_log_every_access() -> None:
    (rest,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    assert rest["Properties"]["AccessLogSetting"]["DestinationArn"]
    (stage,) = everywhere("AWS::ApiGatewayV2::Stage").values()
    assert stage["Properties"]["AccessLogSettings"]["DestinationArn"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_with_our_key_and_paid_by_use(name: str) -> None:
    properties = TABLES[name]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "DataKey"}
    keys = [key["AttributeName"] for key in properties["KeySchema"]]
    assert keys == (["pk"] if name in KEYS_WITHOUT_RANGE else ["pk", "sk"])


@pytest.mark.parametrize("name", TABLES)
def test_what_holds_truth_survives_mistakes(name: str) -> None:
    table = TABLES[name]
    protected = "PointInTimeRecoverySpecification" in table["Properties"]
    assert protected == (name in HOLD_TRUTH)
    assert (table.get("DeletionPolicy") == "RetainExceptOnCreate") == (name in HOLD_TRUTH)
    assert ("DeletionProtectionEnabled" in table["Properties"]) == (name in HOLD_TRUTH)


def test_the_journal_streams_what_was_written() -> None:
    journal = TABLES["JournalTable"]["Properties"]
    assert journal["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert {"AttributeName": "sk", "AttributeType": "N"} in journal["AttributeDefinitions"]


@pytest.mark.parametrize("table", ["AnswersTable", "ConnectionsTable"])
def test_what_nobody_needs_for_long_expires(table: str) -> None:
    expiry = TABLES[table]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}


def test_open_orders_have_an_index_of_their_own() -> None:
    (index,) = TABLES["OrdersTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "open-orders"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["open_account", "sk"]


def test_the_command_queue_keeps_an_accounts_order_and_loses_nothing() -> None:
    queue = resources(ROOT / "infra" / "queues.yaml")["CommandQueue"]["Properties"]
    assert queue["FifoQueue"] is True
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"
    # A dead-letter queue would take a message out of its account's order (DESIGN D4).
    assert "RedrivePolicy" not in queue
    age = resources(ROOT / "infra" / "queues.yaml")["CommandAgeAlarm"]["Properties"]
    assert age["MetricName"] == "ApproximateAgeOfOldestMessage"


@pytest.mark.parametrize("name", STREAM_CONSUMERS)
def test_a_stream_consumer_starts_at_the_beginning_and_reports_what_it_gives_up(name: str) -> None:
    stream = FUNCTIONS[name]["Properties"]["Events"]["Journal"]["Properties"]
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["ParallelizationFactor"] == 1
    assert stream["MaximumRetryAttempts"] > 0
    assert "StreamFailureQueueArn" in str(stream["DestinationConfig"]["OnFailure"])


def routes() -> dict[tuple[str, str], Json]:
    found = {}
    for body in FUNCTIONS.values():
        for event in body["Properties"].get("Events", {}).values():
            if event["Type"] == "Api":
                properties = event["Properties"]
                found[properties["Method"], properties["Path"]] = properties
    return found


def test_only_market_data_is_public() -> None:
    public = {path for (_, path), event in routes().items() if "Auth" in event}
    assert public == {
        "/health",
        "/openapi.json",
        "/markets",
        "/markets/{market}",
        "/markets/{market}/book",
        "/markets/{market}/ticker",
        "/markets/{market}/trades",
    }
    assert ("POST", "/orders") in routes()


def test_gateway_errors_speak_the_apis_language() -> None:
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    for kind, response in api["Properties"]["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        assert headers == {"Content-Type": "'application/problem+json'"}
        body = response["ResponseTemplates"]["application/json"]
        for member in ("type", "title", "status", "code", "detail", "request_id"):
            assert f'"{member}":' in body, kind
        code = json.loads(body)["code"]
        assert json.loads(body)["type"] == f"{TYPE_PREFIX}{code}"


def test_sign_in_by_password_is_off_unless_asked_for() -> None:
    assert template(APPLICATION)["Parameters"]["PasswordSignIn"]["Default"] == "false"
    (client,) = everywhere("AWS::Cognito::UserPoolClient").values()
    flows = client["Properties"]["ExplicitAuthFlows"]
    assert "ALLOW_USER_PASSWORD_AUTH" not in flows
    assert {
        "Fn::If": ["MayPasswordSignIn", "ALLOW_USER_PASSWORD_AUTH", {"Ref": "AWS::NoValue"}]
    } in (flows)


@pytest.mark.parametrize("path", NESTED, ids=lambda path: path.stem)
def test_a_nested_stack_gets_exactly_the_parameters_it_asks_for(path: Path) -> None:
    (stack,) = (
        body
        for body in resources(APPLICATION, "AWS::CloudFormation::Stack").values()
        if body["Properties"]["TemplateURL"] == f"infra/{path.name}"
    )
    parameters = template(path)["Parameters"]
    required = {name for name, body in parameters.items() if "Default" not in body}
    assert required <= set(stack["Properties"]["Parameters"]) <= set(parameters)


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert template(APPLICATION)["Parameters"]["Version"]["Default"] == project["version"]


def test_every_template_says_what_it_is_for() -> None:
    assert all(template(path)["Description"].strip() for path in TEMPLATES)
