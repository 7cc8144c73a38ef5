"""The wires, by botocore: what its parsers read in answers, and how a region refuses in each protocol."""

import datetime
import json
import pathlib

import botocore.exceptions
import botocore.model
import botocore.parsers
import botocore.session
import pytest

ANSWERS = pathlib.Path(__file__).parents[2] / "crates/aws-protocol/tests/data/answers.json"
REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"
UTC = datetime.timezone.utc

POINTS = [datetime.datetime(2026, 11, 22, 23, 51, tzinfo=UTC), datetime.datetime(2026, 11, 22, 23, 50, 0, 500000, UTC)]
EVENT_DATE = datetime.datetime(2026, 11, 22, 23, 51, 22, 250000, UTC)
INTERNAL = "An internal error has occurred. Please try your query again at a later time."

READ = {
    "GetMetricData": {"MetricDataResults": [{"Id": "m1", "Timestamps": POINTS, "Values": [0.1, 3.0], "StatusCode": "Complete"}]},
    "GetMetricWidgetImage": {"MetricWidgetImage": b"\x89PNG\xff"},
    "PutMetricData": {},
    "DescribeEvents": {"Events": [{"SourceName": "orders", "SourceType": "cluster", "Message": "ü 🦀", "Date": EVENT_DATE}]},
    "GetDashboard": (404, "ResourceNotFound", "Dashboard x does not exist"),
    "ListMetrics": (500, "InternalFailure", INTERNAL),
    "DescribeClusters": (400, "ClusterNotFoundFault", "Cluster x not found."),
}  # fmt: skip


def answers():
    for answer in json.loads(ANSWERS.read_text()):
        yield pytest.param(answer, id=f"{answer['operation']}-{answer['protocol']}")


@pytest.mark.parametrize("answer", answers())
def test_botocore_reads_what_is_written(answer):
    model = botocore.session.get_session().get_service_model(answer["service"]).operation_model(answer["operation"])
    body = bytes.fromhex(answer["body"]) if answer["protocol"] == "smithy-rpc-v2-cbor" else answer["body"].encode()
    response = {"status_code": answer["status"], "headers": answer["headers"], "body": body, "context": {}}
    parsed = botocore.parsers.create_parser(answer["protocol"]).parse(response, model.output_shape)
    metadata = parsed.pop("ResponseMetadata", {})
    # An operation without an output is not looked into.
    if model.output_shape is not None or answer["status"] != 200:
        assert metadata["RequestId"] == REQUEST_ID, parsed
    if answer["operation"] == "ListTags":
        # A common error, in the words of services with documents.
        assert (answer["status"], parsed["Error"]["Code"]) == (400, "UnrecognizedClientException")
    elif answer["status"] == 200:
        assert parsed == READ[answer["operation"]]
    else:
        status, code, message = READ[answer["operation"]]
        error = parsed["Error"]
        assert (answer["status"], error["Code"], error["Message"]) == (status, code, message)
        if answer["service"] == "cloudwatch":
            assert error["Type"] == ("Sender" if status < 500 else "Receiver")


SERVICES = [
    ("cloudwatch", "smithy-rpc-v2-cbor", "list_metrics", 404, "UnknownOperationException"),
    ("cloudwatch", "json", "list_metrics", 400, "UnknownOperationException"),
    ("cloudwatch", "query", "list_metrics", 400, "InvalidAction"),
    ("memorydb", "smithy-rpc-v2-cbor", "describe_clusters", 404, "UnknownOperationException"),
    ("memorydb", "json", "describe_clusters", 400, "UnknownOperationException"),
]


@pytest.mark.parametrize("service, protocol, operation, status, code", SERVICES)
def test_a_service_that_is_not_served_is_refused_in_each_of_its_protocols(
    region, monkeypatch, service, protocol, operation, status, code
):
    # Which of them a client takes depends on its version.
    monkeypatch.setattr(botocore.model.ServiceModel, "resolved_protocol", protocol)
    client = region.aws(service)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(client, operation)()
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    assert answer["Error"]["Code"] == code and "is not served by Engram" in answer["Error"]["Message"], answer
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_a_signature_that_is_wrong_is_refused_in_the_protocol_of_the_call(region, monkeypatch):
    for service, protocol, operation, status, code in [
        ("memorydb", "json", "describe_clusters", 400, "UnrecognizedClientException"),
        ("cloudwatch", "smithy-rpc-v2-cbor", "list_metrics", 400, "UnrecognizedClientException"),
        ("elasticache", "query", "describe_events", 403, "InvalidClientTokenId"),
    ]:
        monkeypatch.setattr(botocore.model.ServiceModel, "resolved_protocol", protocol)
        client = region.aws(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            getattr(client, operation)()
        answer = refused.value.response
        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code), answer


def test_elasticache_is_not_spoken_to_in_json(region, monkeypatch):
    """The operation exists, but not by this protocol; the answer is in it all the same."""
    monkeypatch.setattr(botocore.model.ServiceModel, "resolved_protocol", "json")
    client = region.aws()
    client.meta.service_model.metadata.update(targetPrefix="AmazonElastiCacheV9", jsonVersion="1.1")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.describe_events()
    answer = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (400, "UnknownOperationException")
