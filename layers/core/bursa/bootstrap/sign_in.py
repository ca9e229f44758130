"""What turns a token into a principal."""

from bursa.aws.clients import dynamodb_client
from bursa.identity.sign_in import SignIn
from bursa.identity.tokens_jwt import CognitoTokens, KeySets
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import AuthorizerSettings
from bursa.tenants.dynamodb import DirectoryTable


def open_sign_in(settings: AuthorizerSettings) -> SignIn:
    """Build the sign-in of all tenants."""
    return SignIn(
        DirectoryTable(dynamodb_client(), settings.directory_table),
        CognitoTokens(KeySets(SystemClock(), settings.aws_endpoint_url)),
    )
