"""Who may call: SigV4 by botocore, right and wrong."""

import datetime

import botocore.auth
import botocore.exceptions
import pytest


def code_of(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


def test_the_caller_is_the_root_of_the_account(region):
    identity = region.aws("sts").get_caller_identity()
    assert identity["Account"] == "000000000000" and identity["Arn"] == "arn:aws:iam::000000000000:root"


def test_a_wrong_key_and_a_wrong_secret(region):
    assert code_of(region.aws(aws_access_key_id="AKIAAAAAAAAAAAAAAAAA").describe_events) == "InvalidClientTokenId"
    assert code_of(region.aws(aws_secret_access_key="x" * 40).describe_events) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_wrong(region, monkeypatch, minutes):
    wrong = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: wrong.replace(tzinfo=None))
    assert code_of(region.aws().describe_events) == "SignatureDoesNotMatch"


def test_a_request_that_nobody_signed(region):
    import urllib.error
    import urllib.request

    url = region.environment()["AWS_ENDPOINT_URL"] + "/?Action=DescribeEvents&Version=2015-02-02"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)
    assert caught.value.code == 403 and b"<Code>MissingAuthenticationToken</Code>" in caught.value.read()


def test_a_presigned_address_is_good_for_a_while(region):
    import urllib.request

    url = region.aws("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url) as answer:
        assert b"<Account>000000000000</Account>" in answer.read()
