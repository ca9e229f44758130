"""What verifies the signatures of API keys, in every function with signed-in routes."""

from typing import TYPE_CHECKING

from bursa.aws.clients import guard_dynamodb_client, kms_client
from bursa.identity.seals_kms import Seals
from bursa.identity.signatures_cryptography import is_ed25519
from bursa.identity.signed_requests import SignedRequests
from bursa.identity.signed_requests_dynamodb import SignedRequestTables
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.intake.key_budgets import KeyBudgets

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.intake.budgets import Report
    from bursa.kernel.clock import Clock
    from bursa.kernel.settings import SignedRequestSettings


def open_signed_requests(
    settings: "SignedRequestSettings", client: "DynamoDBClient", clock: "Clock", report: "Report"
) -> SignedRequests:
    """Build it; what only some requests need is opened by the first of them."""
    return SignedRequests(
        is_ed25519,
        Seals(kms_client, settings.credentials_key, clock),
        SignedRequestTables(
            client, guard_dynamodb_client, settings.nonces_table, settings.identity_table
        ),
        KeyBudgets(DynamoBuckets(guard_dynamodb_client, settings.budgets_table), clock, report),
    )
