"""User pools, what stands before the APIs, and what watches the account: the templates' words."""

import pytest

from bursa.identity.principal import Scope
from bursa.identity.sign_in import granted_scopes
from tests.contract.templates import APPLICATION, ROOT, Json, everywhere, resources, template

EDGE = ROOT / "infra" / "edge.yaml"
AUDIT = ROOT / "infra" / "audit.yaml"
POOLS = everywhere("AWS::Cognito::UserPool")
CLIENTS = everywhere("AWS::Cognito::UserPoolClient")


def defaults() -> Json:
    return {
        name: parameter.get("Default")
        for name, parameter in template(APPLICATION)["Parameters"].items()
    }


@pytest.mark.parametrize("name", POOLS)
def test_a_user_pool_lets_nobody_in_by_itself(name: str) -> None:
    """Unless its tenant wants it, and then with an address whose code was entered."""
    pool = POOLS[name]["Properties"]
    only_admins = {"Fn::If": ["IsSignUpClosed", True, False]}
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] == only_admins
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert defaults()["SignUp"] == "closed"
    changes = pool["UserAttributeUpdateSettings"]
    assert changes == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
    rules = pool["Policies"]["PasswordPolicy"]
    assert rules["MinimumLength"] >= 12
    assert {rules[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers")} == {True}
    assert rules["TemporaryPasswordValidityDays"] == 1
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}


def test_threat_protection_takes_the_tier_that_has_it() -> None:
    (pool,) = POOLS.values()
    assert pool["Properties"]["UserPoolTier"] == {
        "Fn::If": ["HasThreatProtection", "PLUS", "ESSENTIALS"]
    }
    condition, on, off = pool["Properties"]["UserPoolAddOns"]["Fn::If"]
    assert condition == "HasThreatProtection"
    assert on == {
        "AdvancedSecurityMode": {"Fn::If": ["EnforcesThreatProtection", "ENFORCED", "AUDIT"]}
    }
    assert off == {"Ref": "AWS::NoValue"}
    assert defaults()["ThreatProtection"] == "off"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_says_nothing_of_who_exists_and_its_tokens_can_be_revoked(name: str) -> None:
    client = CLIENTS[name]["Properties"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
    # What a stolen access token could change about its user.
    assert client["WriteAttributes"] == ["email"]
    assert client["TokenValidityUnits"]["AccessToken"] == "minutes"
    assert client["AccessTokenValidity"] <= 60
    assert client["RefreshTokenValidity"] <= 7


def test_the_resource_server_has_our_scopes() -> None:
    (server,) = everywhere("AWS::Cognito::UserPoolResourceServer").values()
    identifier = server["Properties"]["Identifier"]
    names = {f"{identifier}/{scope['ScopeName']}" for scope in server["Properties"]["Scopes"]}
    assert {scope for name in names for scope in granted_scopes(frozenset({name}))} == set(Scope)
    assert len(names) == len(Scope)


# --- edge -----------------------------------------------------------------------------------------


def test_edge_and_audit_are_off_unless_asked_for() -> None:
    expected = {"DomainNames": "", "RequestsPerAddress": 0, "Watch": "none", "MonthlyBudget": 0}
    assert {name: defaults()[name] for name in expected} == expected
    assert resources(APPLICATION)["Edge"]["Condition"] == "HasEdge"
    assert resources(ROOT / "infra" / "alarms.yaml")["Audit"]["Condition"] == "HasAudit"
    for path in (EDGE, AUDIT):
        assert all("Condition" in body for body in resources(path).values())


def test_domains_take_tls_1_2_and_newer_and_close_the_gateways_own_names() -> None:
    rest = resources(EDGE)["RestDomain"]["Properties"]
    assert rest["SecurityPolicy"] == "TLS_1_2"
    (sockets,) = resources(EDGE)["WebSocketDomain"]["Properties"]["DomainNameConfigurations"]
    assert sockets["SecurityPolicy"] == "TLS_1_2"
    for api in ("RestApi", "WebSocketApi"):
        own_name = resources(APPLICATION)[api]["Properties"]["DisableExecuteApiEndpoint"]
        assert own_name == {"Fn::If": ["HasDomains", True, False]}
    # The closed name leads the functions to no connection either.
    variables = template(APPLICATION)["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["WEBSOCKET_ENDPOINT"]["Fn::If"][0] == "HasDomains"


def test_the_public_paths_are_the_same_behind_a_domain() -> None:
    assert resources(EDGE)["RestMapping"]["Properties"]["BasePath"] == "v1"
    assert resources(EDGE)["WebSocketMapping"]["Properties"]["ApiMappingKey"] == "v1"


def test_the_firewall_counts_addresses_first_and_answers_as_the_api_does() -> None:
    acl = resources(EDGE)["WebAcl"]["Properties"]
    assert acl["Scope"] == "REGIONAL"
    rate, *managed = sorted(acl["Rules"], key=lambda rule: rule["Priority"])
    statement = rate["Statement"]["RateBasedStatement"]
    assert statement["AggregateKeyType"] == "IP"
    assert statement["Limit"] == {"Ref": "RequestsPerAddress"}
    assert rate["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    groups = [rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in managed]
    assert groups == [
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesCommonRuleSet",
    ]
    assert all(rule["OverrideAction"] == {"None": {}} for rule in managed)


def test_the_firewalls_log_holds_no_token() -> None:
    logging = resources(EDGE)["FirewallLogging"]["Properties"]
    assert logging["RedactedFields"] == [{"SingleHeader": {"Name": "authorization"}}]
    name = resources(EDGE)["FirewallLog"]["Properties"]["LogGroupName"]
    assert name["Fn::Sub"].startswith("aws-waf-logs-")


# --- audit ----------------------------------------------------------------------------------------


def test_the_trail_covers_what_holds_truth_and_can_be_verified() -> None:
    trail = resources(AUDIT)["Trail"]["Properties"]
    assert trail["EnableLogFileValidation"] is True
    assert trail["IsMultiRegionTrail"] is True
    kinds = [
        {field["Field"]: field.get("Equals") for field in selector["FieldSelectors"]}
        for selector in trail["AdvancedEventSelectors"]
    ]
    assert {str(kind.get("resources.type")) for kind in kinds} == {
        "None",
        "['AWS::S3::Object']",
        "['AWS::DynamoDB::Table']",
    }


def test_nobody_deletes_the_trail_and_only_the_trail_writes_it() -> None:
    bucket = resources(AUDIT)["TrailBucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    rule = bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule["Mode"] == "COMPLIANCE"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    policy = resources(AUDIT)["TrailBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = [statement for statement in policy if statement["Effect"] == "Allow"]
    for statement in allowed:
        assert statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        # Or a trail of another account could write here (the confused deputy).
        assert "aws:SourceArn" in statement["Condition"]["StringEquals"]
    assert {statement["Action"] for statement in allowed} == {"s3:GetBucketAcl", "s3:PutObject"}
    (tls,) = [statement for statement in policy if statement["Effect"] == "Deny"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
