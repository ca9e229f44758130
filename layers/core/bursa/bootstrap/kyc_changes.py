"""What the function on the compliance table's stream calls."""

from bursa.aws.clients import background_dynamodb_client, events_client, step_functions_client
from bursa.compliance.account_levels_dynamodb import AccountLevelsTable
from bursa.compliance.case_changes import CaseChanges
from bursa.compliance.notices_eventbridge import EventBridgeNotices
from bursa.compliance.waits_dynamodb import WaitsTable
from bursa.compliance.workflow_stepfunctions import StepFunctionsWorkflow
from bursa.kernel.settings import KycChangesSettings, read_settings


def kyc_changes_services() -> CaseChanges:
    """Build it from the environment."""
    settings = read_settings(KycChangesSettings)
    client = background_dynamodb_client()
    waits = WaitsTable(client, settings.compliance_table)
    return CaseChanges(
        AccountLevelsTable(client, settings.directory_table),
        StepFunctionsWorkflow(step_functions_client(), settings.kyc_workflow, waits),
        EventBridgeNotices(events_client(), settings.event_bus),
    )
