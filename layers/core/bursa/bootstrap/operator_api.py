"""What the routes of the operator's API call."""

from bursa.aws.clients import dynamodb_client, step_functions_client
from bursa.dialects.operator.routes import OperatorRoutes
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import OperatorApiSettings, read_settings
from bursa.market_data.dynamodb import MarketsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.jobs_stepfunctions import StepFunctionsJobs
from bursa.tenants.records_dynamodb import TenantRecords


def operator_routes() -> OperatorRoutes:
    """Build them from the environment."""
    settings, client = read_settings(OperatorApiSettings), dynamodb_client()
    directory = DirectoryTable(client, settings.directory_table)
    return OperatorRoutes(
        TenantRecords(settings.directory_table, directory),
        # It is asked little, and shows what is.
        MarketsTable(client, settings.markets_table, SystemClock(), 0),
        StepFunctionsJobs(step_functions_client(), settings.operator_workflow),
    )
