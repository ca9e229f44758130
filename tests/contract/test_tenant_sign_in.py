"""How a tenant's users sign in beside a password, and what its pool sends: the template's words.

None of it is carried out here: the emulator knows neither identity providers in templates nor risk
configurations nor passkeys, and sends no mail.
"""

from typing import Any

import pytest

from bursa.bootstrap.blueprints import POOL_EVENTS, SETTINGS_OF_POOLS
from bursa.dialects.operator.tenant_file import MAIL_LANGUAGES
from bursa.tenants.stacks import StackKind
from scripts.onboard.tenant_file import TenantFileError, parse
from scripts.templates import BLUEPRINTS
from tests.contract.templates import ROOT, Json, resources, template
from tests.unit.onboard.test_tenant_file import PLAIN

IDENTITY = template(BLUEPRINTS / "identity.yaml")
FOUND = resources(BLUEPRINTS / "identity.yaml")
POOL: Json = FOUND["UserPool"]["Properties"]
CLIENT: Json = FOUND["UserPoolClient"]["Properties"]
ABSENT = {"Ref": "AWS::NoValue"}

GOOGLE = """\
provider:
  name: Google
  issuer: https://accounts.google.com
  client_id: 123-abc.apps.googleusercontent.com
  secret: bursa/oidc/brand
  sign_in_domain: brand-sign-in
  callback_urls: ["https://trade.brand.example/signed-in", "http://localhost:3000/"]
"""


def choices(more: str = "") -> dict[str, str]:
    return parse(PLAIN + more, "brand.yaml").choices(StackKind.USERS)


def test_what_a_file_leaves_out_is_off() -> None:
    chosen = choices()
    assert (chosen["SignUp"], chosen["Language"]) == ("closed", "en")
    assert {value for name, value in chosen.items() if name not in {"SignUp", "Language"}} == {""}
    others = {"TenantName", POOL_EVENTS, *SETTINGS_OF_POOLS}
    assert set(chosen) == set(IDENTITY["Parameters"]) - others


LANGUAGES = {"de": "de", "pt-BR": "pt", "zh-Hant-TW": "en", "id": "id"}


@pytest.mark.parametrize(("first", "mails"), LANGUAGES.items(), ids=LANGUAGES)
def test_mails_are_in_the_brands_first_language_as_far_as_there_is_one(
    first: str, mails: str
) -> None:
    chosen = choices(f"branding: {{ display_name: 'A & <b>', languages: [{first}, en] }}\n")
    assert (chosen["Language"], chosen["BrandName"]) == (mails, "A & b")


def test_each_language_has_every_mail_and_each_mail_its_code() -> None:
    mails = IDENTITY["Mappings"]["Mails"]
    assert set(mails) == set(MAIL_LANGUAGES)
    assert set(MAIL_LANGUAGES) == set(IDENTITY["Parameters"]["Language"]["AllowedValues"])
    assert {tuple(sorted(one)) for one in mails.values()} == {
        ("Code", "CodeText", "Invitation", "InvitationText")
    }
    invitation = POOL["AdminCreateUserConfig"]["InviteMessageTemplate"]["EmailMessage"]
    code = POOL["VerificationMessageTemplate"]["EmailMessage"]
    assert "{username}" in str(invitation)
    for message in (invitation, code):
        text, values = message["Fn::Sub"]
        assert "{####}" in text
        assert "${Brand}" in text
        assert values["Brand"] == {
            "Fn::If": ["HasBrandName", {"Ref": "BrandName"}, {"Ref": "TenantName"}]
        }
        assert values["Text"]["Fn::FindInMap"][:2] == ["Mails", {"Ref": "Language"}]


def test_passkeys_are_for_the_brands_own_domain_and_verify_the_person() -> None:
    assert choices("passkey_domain: brand.example\n")["PasskeyDomain"] == "brand.example"
    policy = {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}
    assert POOL["Policies"]["SignInPolicy"]["Fn::If"] == ["HasPasskeys", policy, ABSENT]
    assert POOL["WebAuthnUserVerification"]["Fn::If"] == ["HasPasskeys", "required", ABSENT]
    # A session that began with a passkey alone must not pass for one that began with a code too.
    factor = POOL["WebAuthnFactorConfiguration"]["Fn::If"]
    assert factor == ["HasPasskeys", "SINGLE_FACTOR", ABSENT]
    domain = POOL["WebAuthnRelyingPartyID"]["Fn::If"]
    assert domain == ["HasPasskeys", {"Ref": "PasskeyDomain"}, ABSENT]
    # The tier that has them is the least one in use.
    assert POOL["UserPoolTier"]["Fn::If"][1:] == ["PLUS", "ESSENTIALS"]


def test_a_client_takes_passkeys_by_choice_where_the_pool_has_them_and_by_no_other_flow() -> None:
    flows = CLIENT["ExplicitAuthFlows"]
    by_choice = {"Fn::If": ["HasPasskeys", "ALLOW_USER_AUTH", ABSENT]}
    assert by_choice in flows
    named = [one for one in flows if isinstance(one, str)]
    assert named == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    assert "WEB_AUTHN" not in str(CLIENT)


def test_the_sign_in_pages_take_codes_alone_and_return_where_the_file_says() -> None:
    assert FOUND["SignInPages"]["Properties"]["Domain"] == {"Ref": "SignInDomain"}
    provided = {name: CLIENT[name]["Fn::If"] for name in CLIENT if "OAuth" in name}
    assert {condition for condition, *_ in provided.values()} == {"HasProvider"}
    assert provided["AllowedOAuthFlows"][1:] == [["code"], ABSENT]
    assert provided["AllowedOAuthScopes"][1][:2] == ["openid", "email"]
    assert CLIENT["CallbackURLs"]["Fn::If"] == ["HasProvider", {"Ref": "CallbackUrls"}, ABSENT]
    assert not CLIENT["GenerateSecret"]


def test_enforced_protection_refuses_leaked_passwords_and_likely_takeovers() -> None:
    risks = FOUND["Risks"]
    assert risks["Condition"] == "EnforcesThreatProtection"
    leaked = risks["Properties"]["CompromisedCredentialsRiskConfiguration"]
    assert leaked["Actions"] == {"EventAction": "BLOCK"}
    assert set(leaked["EventFilter"]) == {"SIGN_IN", "PASSWORD_CHANGE", "SIGN_UP"}
    takeover = risks["Properties"]["AccountTakeoverRiskConfiguration"]["Actions"]
    assert takeover["HighAction"]["EventAction"] == "BLOCK"
    assert takeover["MediumAction"]["EventAction"] == "MFA_IF_CONFIGURED"


def test_a_provider_is_the_tenants_own_and_its_secret_is_in_no_file() -> None:
    chosen = choices(GOOGLE)
    assert chosen["OidcName"] == "Google"
    assert chosen["CallbackUrls"] == (
        "https://trade.brand.example/signed-in,http://localhost:3000/"
    )
    provider = FOUND["Provider"]
    details = provider["Properties"]["ProviderDetails"]
    assert details["client_secret"] == {
        "Fn::Sub": "{{resolve:secretsmanager:${OidcSecret}:SecretString:client_secret}}"
    }
    assert set(details["authorize_scopes"].split()) == {"openid", "email"}
    assert {FOUND[name]["Condition"] for name in ("Provider", "SignInPages")} == {"HasProvider"}
    assert "OidcClientSecret" not in IDENTITY["Parameters"]


def test_a_pool_asks_who_a_providers_user_is_and_whether_its_address_is_verified() -> None:
    """Without asking, it would make a second user of the same person (`FirstSignIns`)."""
    mapping = FOUND["Provider"]["Properties"]["AttributeMapping"]
    assert mapping == {"email": "email", "email_verified": "email_verified"}
    function = {"Ref": POOL_EVENTS}
    asked = {"PreSignUp": function, "PostConfirmation": function}
    assert POOL["LambdaConfig"]["Fn::If"] == ["HasPoolEvents", asked, ABSENT]
    rule: Any = IDENTITY["Rules"]["ProviderNeedsAllOfIt"]
    assert POOL_EVENTS in str(rule["Assertions"][1]["Assert"])
    application = template(ROOT / "template.yaml")
    assert application["Outputs"][POOL_EVENTS] == {"Value": {"Fn::GetAtt": ["PoolEvents", "Arn"]}}


def test_pools_may_call_the_function_and_nobody_elses_pools() -> None:
    found = resources(ROOT / "infra" / "pool-events.yaml", "AWS::Lambda::Permission")
    pools = found["PoolsMayCall"]["Properties"]
    assert pools["Principal"] == "cognito-idp.amazonaws.com"
    assert pools["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert pools["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:userpool/*")
    rule = found["RuleMayCall"]["Properties"]
    assert rule["SourceArn"] == {"Fn::GetAtt": ["ChangesAtPools", "Arn"]}


def test_the_pages_give_codes_and_no_tokens_and_only_with_a_provider() -> None:
    for name, value in (
        ("AllowedOAuthFlows", ["code"]),
        ("AllowedOAuthFlowsUserPoolClient", True),
        ("AllowedOAuthScopes", ["openid", "email", "aws.cognito.signin.user.admin"]),
        ("CallbackURLs", {"Ref": "CallbackUrls"}),
        ("SupportedIdentityProviders", ["COGNITO", {"Ref": "Provider"}]),
    ):
        assert CLIENT[name]["Fn::If"] == ["HasProvider", value, ABSENT]


FAULTS: dict[str, tuple[str, str]] = {
    "plain HTTP": ("https://accounts", "http://accounts"),
    "a secret in the file": ("bursa/oidc/brand", "'GOCSPX secret!'"),
    "a callback over plain HTTP": ("https://trade", "http://trade"),
    "two callbacks in one": ("/signed-in", "/a,https://evil.example/"),
    "no callback": ('["https://trade.brand.example/signed-in", "http://localhost:3000/"]', "[]"),
    "a name of two words": ("name: Google", "name: My provider"),
    "a domain with a full stop": ("brand-sign-in", "brand.sign.in"),
    "no client": ("  client_id: 123-abc.apps.googleusercontent.com\n", ""),
    "a client secret": ("  secret:", "  client_secret: x\n  secret:"),
}


@pytest.mark.parametrize(("old", "new"), FAULTS.values(), ids=FAULTS)
def test_a_provider_that_would_harm_is_refused(old: str, new: str) -> None:
    assert old in GOOGLE
    with pytest.raises(TenantFileError):
        choices(GOOGLE.replace(old, new, 1))


@pytest.mark.parametrize("domain", ["brand", "https://brand.example", "brand.example/", "*.a.b"])
def test_a_passkey_domain_is_a_plain_domain(domain: str) -> None:
    with pytest.raises(TenantFileError):
        choices(f"passkey_domain: '{domain}'\n")


def test_rules_refuse_half_a_provider() -> None:
    rule: Any = IDENTITY["Rules"]["ProviderNeedsAllOfIt"]
    needed = str(rule["Assertions"][0]["Assert"])
    for name in ("OidcIssuer", "OidcClientId", "OidcSecret", "SignInDomain"):
        assert name in needed
