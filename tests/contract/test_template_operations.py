"""What every resource has besides its purpose: a log, an alarm, a bound, protection."""

import tomllib
from pathlib import Path

import pytest

from tests.contract.templates import (
    APPLICATION,
    BY_COMMAND,
    NESTED,
    ROOT,
    TEMPLATES,
    Json,
    everywhere,
    resources,
    template,
)
from tests.doubles.tables import INDEXES

FUNCTIONS = resources(APPLICATION, "AWS::Serverless::Function")
LOGS = ROOT / "infra" / "logs.yaml"
STORAGE = ROOT / "infra" / "storage.yaml"
ALARMS = ROOT / "infra" / "alarms.yaml"
QUEUES = ROOT / "infra" / "queues.yaml"
# Stacks that are told the deployment's own name of its metrics.
OWN_METRICS = (
    "alarms.yaml",
    "binance.yaml",
    "fee-tiers.yaml",
    "kyc-workflow.yaml",
    "scanner.yaml",
    "notifications.yaml",
    "pool-events.yaml",
)
# Those that alarms.yaml nests.
NESTED_ALARMS = ("journal-alarms.yaml", "user-alarms.yaml")
STREAM_CONSUMERS = ("Projector", "Feeds")
TABLES = resources(STORAGE, "AWS::DynamoDB::Table")
HOLD_TRUTH = {"JournalTable", "DirectoryTable", "IdentityTable"}
KEYS_WITHOUT_RANGE = {"NoncesTable", "RepliesTable", "TicketsTable"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_log_and_an_alarm(name: str) -> None:
    package = FUNCTIONS[name]["Properties"]["Handler"].partition(".")[0]
    logging = FUNCTIONS[name]["Properties"]["LoggingConfig"]
    assert logging == {"LogGroup": {"Fn::GetAtt": ["Logs", f"Outputs.{name}"]}}
    log = resources(LOGS, "AWS::Logs::LogGroup")[name]["Properties"]
    assert log["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{NamePrefix}}-{log_name(package)}"}
    assert template(LOGS)["Outputs"][name] == {"Value": {"Ref": name}}

    alarm = alarms_of_functions()[f"{name}Alarm"]["Properties"]
    if alarm["Namespace"] == "AWS/Lambda":
        assert alarm["MetricName"] == "Errors"
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
        assert {"Ref": name} in [
            resources(APPLICATION)[stack]["Properties"]["Parameters"].get(name)
            for stack in ("Alarms", "Binance", "PoolEventsWiring")
        ]
    else:
        assert alarm["Namespace"] == {"Ref": "MetricNamespace"}
        assert alarm["Dimensions"] == [{"Name": "service", "Value": package}]


def alarms_of_functions() -> dict[str, Json]:
    """Return them by name, of whichever room they are."""
    return {
        name: alarm
        for path in (*OWN_METRICS, *NESTED_ALARMS)
        for name, alarm in resources(ROOT / "infra" / path, "AWS::CloudWatch::Alarm").items()
    }


def test_no_log_or_alarm_is_of_a_function_that_is_gone() -> None:
    logs = set(resources(LOGS, "AWS::Logs::LogGroup")) - {"RestApi"}
    assert logs == set(FUNCTIONS)
    passed = {"NotificationTopicArn", "ApiName", "AlarmEmail", "MetricNamespace"}
    passed |= {"Watch", "MonthlyBudget", "TruthTables", "TruthBuckets"}
    parameters = set(template(ALARMS)["Parameters"]) - passed
    assert parameters <= set(FUNCTIONS)


def log_name(package: str) -> str:
    return package.replace("_", "-")


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
def test_an_alarm_says_what_happened_and_what_to_do_and_reaches_the_topic(name: str) -> None:
    alarm = everywhere("AWS::CloudWatch::Alarm")[name]["Properties"]
    text = alarm["AlarmDescription"]
    description = text["Fn::Sub"] if isinstance(text, dict) else text
    what, _, to_do = description.partition(". ")
    assert what
    assert to_do.endswith(".")
    assert alarm["AlarmActions"] == [{"Ref": "NotificationTopicArn"}]
    assert alarm["TreatMissingData"] in {"breaching", "notBreaching"}


OWN = {"Fn::Sub": "Bursa/${AWS::StackName}"}


def test_answers_that_are_our_fault_raise_an_alarm() -> None:
    """To Lambda a 500 or 503 is no error; so the function's own count is watched."""
    for metric, sign in (("RequestsFailed", "RestApi("), ("MessagesFailed", "events.receive(")):
        services = {
            path.parent.name
            for path in (ROOT / "functions").glob("*/app.py")
            if sign in path.read_text()
        }
        watched = {
            dimension["Value"]
            for alarm in alarms_of_functions().values()
            if alarm["Properties"].get("MetricName") == metric
            for dimension in alarm["Properties"]["Dimensions"]
        }
        assert services
        assert watched == services


def test_mails_come_from_the_brand_once_it_has_a_sender() -> None:
    (pool,) = everywhere("AWS::Cognito::UserPool").values()
    condition, own, otherwise = pool["Properties"]["EmailConfiguration"]["Fn::If"]
    assert condition == "HasSender"
    assert own["EmailSendingAccount"] == "DEVELOPER"
    assert otherwise == {"EmailSendingAccount": "COGNITO_DEFAULT"}
    # Who signs up is the tenant's choice; a second factor is offered, never forced.
    only_admins = {"Fn::If": ["IsSignUpClosed", True, False]}
    config = pool["Properties"]["AdminCreateUserConfig"]
    assert config["AllowAdminCreateUserOnly"] == only_admins
    assert pool["Properties"]["MfaConfiguration"] == "OPTIONAL"
    assert pool["Properties"]["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]


# Types that take our key, and the service by which KMS sees the call.
KEY_SERVICES = {
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
}


def test_the_key_may_be_used_by_every_service_that_encrypts_with_it() -> None:
    """Another service is refused by KMS at run time, which no linter says."""
    encrypting = {
        body["Type"]
        for path in TEMPLATES
        for body in resources(path).values()
        if "KmsMasterKeyId" in str(body) or "KMSMasterKey" in str(body) or "KmsKeyId" in str(body)
    }
    assert encrypting - {"AWS::CloudFormation::Stack", "AWS::CloudTrail::Trail"} <= set(
        KEY_SERVICES
    )
    (key,) = resources(STORAGE, "AWS::KMS::Key").values()
    by_service = [
        statement["Condition"]["StringEquals"]["kms:ViaService"]
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if statement.get("Sid") in {"UseByTheRolesOfThisDeployment", "UseByCloudFormation"}
    ]
    for services in by_service:
        named = {service["Fn::Sub"].partition(".")[0] for service in services}
        assert named == set(KEY_SERVICES.values())


def test_no_deployment_hears_the_metrics_of_another_in_its_account() -> None:
    """A test deployment's broken invariant must not wake whoever watches production."""
    variables = template(APPLICATION)["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == OWN
    assert template(APPLICATION)["Outputs"]["MetricNamespace"] == {"Value": OWN}
    for made_of, properties in stacks():
        namespace = properties["Parameters"].get("MetricNamespace")
        if (
            namespace
            and made_of.parent == ROOT / "infra"
            and made_of.name in {"shard.yaml", *OWN_METRICS}
        ):
            assert namespace == OWN
        elif namespace:
            assert namespace == {"Ref": "MetricNamespace"}
    for name, alarm in everywhere("AWS::CloudWatch::Alarm").items():
        for namespace in namespaces(alarm["Properties"]):
            own = namespace == {"Ref": "MetricNamespace"}
            assert own or str(namespace).startswith("AWS/"), name


def namespaces(alarm: Json) -> list[object]:
    if "Metrics" not in alarm:
        return [alarm["Namespace"]]
    stats = [row["MetricStat"] for row in alarm["Metrics"] if "MetricStat" in row]
    return [stat["Metric"]["Namespace"] for stat in stats]


def test_tracing_is_on_for_every_function_and_the_api() -> None:
    assert template(APPLICATION)["Globals"]["Function"]["Tracing"] == "Active"
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    assert api["Properties"]["TracingEnabled"] is True


def test_all_apis_log_every_access() -> None:
    (rest,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    assert rest["Properties"]["AccessLogSetting"]["DestinationArn"]
    stages = everywhere("AWS::ApiGatewayV2::Stage")
    assert len(stages) == 2
    for stage in stages.values():
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


@pytest.mark.parametrize(
    "table",
    [
        "RepliesTable",
        "ConnectionsTable",
        "BudgetsTable",
        "TicketsTable",
        "NoncesTable",
        "IdentityTable",
    ],
)
def test_what_is_needed_for_a_short_time_expires(table: str) -> None:
    expiry = TABLES[table]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize(("table", "name"), [("OrdersTable", "orders"), ("FillsTable", "fills")])
def test_tests_have_the_indexes_of_the_template(table: str, name: str) -> None:
    assert TABLES[table]["Properties"]["GlobalSecondaryIndexes"] == INDEXES[name]


@pytest.mark.parametrize(
    ("name", "alarm"),
    [
        ("CommandQueue", "CommandAgeAlarm"),
        ("FundsQueue", "FundsAgeAlarm"),
        ("TransfersQueue", "TransfersAgeAlarm"),
    ],
)
def test_a_command_queue_keeps_an_accounts_order_and_loses_nothing(name: str, alarm: str) -> None:
    queue = resources(QUEUES)[name]["Properties"]
    assert queue["FifoQueue"] is True
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"
    # A dead-letter queue would take a message out of its account's order (DESIGN D4).
    assert "RedrivePolicy" not in queue
    age = resources(QUEUES)[alarm]["Properties"]
    assert age["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert age["Dimensions"][0]["Value"] == {"Fn::GetAtt": [name, "QueueName"]}


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


def test_only_market_data_and_the_tenants_public_side_are_public() -> None:
    public = {
        path
        for (method, path), event in routes().items()
        if "Auth" in event and method != "OPTIONS"
    }
    assert public == {
        "/health",
        "/openapi.json",
        "/tenant",
        "/markets",
        "/markets/{market}",
        "/markets/{market}/book",
        "/markets/{market}/candles",
        "/markets/{market}/ticker",
        "/markets/{market}/trades",
        # Of providers, who sign what they send.
        "/kyc/callbacks/{tenant}/{provider}",
    }
    assert ("POST", "/orders") in routes()


def test_sign_in_by_password_is_off_unless_asked_for() -> None:
    assert template(APPLICATION)["Parameters"]["PasswordSignIn"]["Default"] == "false"
    (client,) = everywhere("AWS::Cognito::UserPoolClient").values()
    flows = client["Properties"]["ExplicitAuthFlows"]
    assert "ALLOW_USER_PASSWORD_AUTH" not in flows
    assert {
        "Fn::If": ["MayPasswordSignIn", "ALLOW_USER_PASSWORD_AUTH", {"Ref": "AWS::NoValue"}]
    } in (flows)


def stacks() -> list[tuple[Path, Json]]:
    """List every nested stack by the template that it is made of, with its properties."""
    return [
        (path.parent / body["Properties"]["TemplateURL"], body["Properties"])
        for path in TEMPLATES
        for body in resources(path, "AWS::CloudFormation::Stack").values()
    ]


@pytest.mark.parametrize("path", sorted({*NESTED} - {*BY_COMMAND}), ids=lambda path: path.stem)
def test_a_nested_stack_gets_exactly_the_parameters_it_asks_for(path: Path) -> None:
    given = [properties["Parameters"] for made_of, properties in stacks() if made_of == path]
    assert given
    parameters = template(path)["Parameters"]
    required = {name for name, body in parameters.items() if "Default" not in body}
    for one in given:
        assert required <= set(one) <= set(parameters)


def test_only_what_the_worker_has_dropped_expires_and_uploads_end() -> None:
    """The newest checkpoint of an idle shard stays, or it would replay from its first record."""
    (bucket,) = resources(STORAGE, "AWS::S3::Bucket").values()
    dropped, uploads = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert dropped["Prefix"] == "checkpoints/"
    assert dropped["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert not {"ExpirationInDays", "ExpirationDate"} & set(dropped)
    assert set(uploads) == {"Id", "Status", "AbortIncompleteMultipartUpload"}


@pytest.mark.parametrize("name", everywhere("AWS::S3::BucketPolicy"))
def test_a_bucket_that_stays_keeps_its_policy(name: str) -> None:
    path, _, policy = name.partition(":")
    stack = resources(ROOT / "infra" / path)
    bucket = stack[stack[policy]["Properties"]["Bucket"]["Ref"]]
    for when in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert stack[policy].get(when) == bucket.get(when)


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert template(APPLICATION)["Parameters"]["Version"]["Default"] == project["version"]


def test_every_template_says_what_it_is_for() -> None:
    assert all(template(path)["Description"].strip() for path in TEMPLATES)


CONCURRENCY_OF_AN_ACCOUNT, LEFT_AT_LEAST = 1_000, 100


def test_every_function_has_executions_of_its_own_and_some_are_left() -> None:
    """What floods one function can't take the executions of the others (docs/adr/0031)."""
    parameters = template(APPLICATION)["Parameters"]
    every = template(APPLICATION)["Globals"]["Function"]["ReservedConcurrentExecutions"]
    reserved = 0
    for name, body in FUNCTIONS.items():
        own = body["Properties"].get("ReservedConcurrentExecutions", every)
        condition, parameter, otherwise = own["Fn::If"]
        assert (condition, otherwise) == ("ReservesConcurrency", {"Ref": "AWS::NoValue"}), name
        reserved += parameters[parameter["Ref"]]["Default"]
        # A function with none reserved for it is never run; the first parameter alone means another
        # thing, none for anybody.
        least = parameters[parameter["Ref"]]["MinValue"]
        assert least == 1 or parameter == {"Ref": "FunctionConcurrency"}, name
    assert 0 < reserved <= CONCURRENCY_OF_AN_ACCOUNT - LEFT_AT_LEAST


def method_settings() -> dict[tuple[str, str], Json]:
    properties = resources(APPLICATION)["RestApi"]["Properties"]
    return {
        (one["HttpMethod"], one["ResourcePath"].replace("~1", "/").removeprefix("/")): one
        for one in properties["MethodSettings"]
    }


GIVEN_BY_THE_REGION = 10_000
CANCELS = {("DELETE", "/orders"), ("DELETE", "/orders/{order_id}")}


def binance_limits() -> dict[str, int]:
    """Return the throttle of each route of the HTTP API, which the same quota is for."""
    stack = resources(ROOT / "infra" / "binance.yaml")
    settings = stack["Stage"]["Properties"]
    every = settings["DefaultRouteSettings"]["ThrottlingRateLimit"]
    keys = [
        body["Properties"]["RouteKey"]
        for body in stack.values()
        if body["Type"] == "AWS::ApiGatewayV2::Route"
    ]
    own = {key: one["ThrottlingRateLimit"] for key, one in settings["RouteSettings"].items()}
    assert set(own) <= set(keys)
    return {key: own.get(key, every) for key in keys}


def test_no_flood_takes_what_the_region_gives_from_other_methods() -> None:
    """A method is throttled before its caller is known; what it lets through counts for all."""
    settings = method_settings()
    every: int = settings["*", "*"]["ThrottlingRateLimit"]
    limits = dict.fromkeys(routes(), every) | {
        route: one["ThrottlingRateLimit"] for route, one in settings.items() if route != ("*", "*")
    }
    assert set(limits) == set(routes())
    assert sum(limits.values()) + sum(binance_limits().values()) <= GIVEN_BY_THE_REGION
    # Cancels have a share that no other method's callers can take.
    assert sum(limits[route] for route in CANCELS) >= 1_000
    assert limits["POST", "/orders/batch"] >= 500
    for one in settings.values():
        assert 0 < one["ThrottlingBurstLimit"] <= 5_000


def test_public_methods_can_not_use_up_what_the_region_gives_the_account() -> None:
    settings = method_settings()
    public = {route for route, event in routes().items() if "Auth" in event}
    assert public <= set(settings)
    taken = sum(settings[route]["ThrottlingRateLimit"] for route in public)
    assert taken <= GIVEN_BY_THE_REGION // 2
    assert settings["GET", "/health"]["ThrottlingRateLimit"] <= 50
