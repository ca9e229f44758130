"""What AWS bounds by itself: a stream has two readers. The cases' stream has one."""

from tests.contract.templates import APPLICATION, Json, everywhere, resources

STREAM_READERS_MAX = 2
JOURNAL = {"Fn::GetAtt": ["Storage", "Outputs.JournalStreamArn"]}
IDENTITY = {"Fn::GetAtt": ["Storage", "Outputs.IdentityStreamArn"]}
CASES = {"Fn::GetAtt": ["KycStorage", "Outputs.ComplianceStreamArn"]}


def readers() -> list[Json]:
    """List what reads the journal's stream: functions by SAM, mappings and pipes by themselves."""
    found = [
        event["Properties"]
        for function in resources(APPLICATION, "AWS::Serverless::Function").values()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]
    others = everywhere("AWS::Lambda::EventSourceMapping", "AWS::Pipes::Pipe")
    return found + [body["Properties"] for body in others.values()]


def test_no_third_reader_throttles_the_two_of_the_journals_stream() -> None:
    streams = [str(reader.get("Stream") or reader.get("Source")) for reader in readers()]
    assert streams.count(str(JOURNAL)) == STREAM_READERS_MAX
    assert [one for one in streams if one != str(JOURNAL)] == [str(CASES), str(IDENTITY)]


def test_nothing_but_the_projector_and_the_feeds_may_read_it() -> None:
    streams = {
        name
        for name, role in everywhere("AWS::IAM::Role").items()
        if "dynamodb:GetRecords" in str(role)
    }
    # It is the cases' alone: what it is granted is the stream of its own stack's table.
    streams.remove("kyc.yaml:KycChangesRole")
    # And the identity table's alone.
    streams.remove("notifications.yaml:NotifyRole")
    assert streams == {
        "journal-permissions.yaml:ProjectorRole",
        "journal-permissions.yaml:FeedsRole",
    }
