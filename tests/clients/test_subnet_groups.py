"""Subnet groups by boto3, and by the real Terraform where it is installed."""

import os
import pathlib
import shutil
import subprocess

import botocore.exceptions
import pytest

# A mirror of providers: the one that is named, or where terraform itself looks.
MIRRORS = [os.environ.get("TF_PLUGINS", "~/.terraform.d/plugins"), "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"]
PROVIDER = "registry.terraform.io/hashicorp/aws"
PLUGINS = next((place for place in (pathlib.Path(one).expanduser() for one in MIRRORS) if (place / PROVIDER).is_dir()), None)

TERRAFORM = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region = "us-east-1"
  endpoints {{
    elasticache = "{url}"
    sts         = "{url}"
  }}
}}
resource "aws_elasticache_subnet_group" "nets" {{
  name        = "tf-nets"
  description = "{description}"
  subnet_ids  = {subnets}
  tags        = {{ team = "cache" }}
}}
output "vpc" {{ value = aws_elasticache_subnet_group.nets.vpc_id }}
"""


def test_a_group_outlives_the_control_plane(region):
    client = region.aws()
    made = client.create_cache_subnet_group(
        CacheSubnetGroupName="Nets", CacheSubnetGroupDescription="two zones",
        SubnetIds=["subnet-00000001", "subnet-00000002"], Tags=[{"Key": "team", "Value": "cache"}],
    )["CacheSubnetGroup"]  # fmt: skip
    assert made["CacheSubnetGroupName"] == "nets" and made["VpcId"] == "vpc-00000000"
    zones = [subnet["SubnetAvailabilityZone"]["Name"] for subnet in made["Subnets"]]
    assert zones == ["us-east-1b", "us-east-1c"]
    region.crash()
    region.start()
    client = region.aws()
    (found,) = client.describe_cache_subnet_groups(CacheSubnetGroupName="nets")["CacheSubnetGroups"]
    assert found == made
    assert client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "team", "Value": "cache"}]
    client.create_cache_cluster(
        CacheClusterId="in-nets", CacheNodeType="cache.t4g.micro", Engine="valkey", NumCacheNodes=1, CacheSubnetGroupName="nets"
    )
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="in-nets", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (cluster,) = client.describe_cache_clusters(CacheClusterId="in-nets")["CacheClusters"]
    assert cluster["CacheSubnetGroupName"] == "nets" and cluster["PreferredAvailabilityZone"] == "us-east-1b"
    with pytest.raises(client.exceptions.CacheSubnetGroupInUse, match="nets is currently in use by a cache cluster"):
        client.delete_cache_subnet_group(CacheSubnetGroupName="nets")
    with pytest.raises(client.exceptions.SubnetInUse, match="us-east-1b"):
        client.modify_cache_subnet_group(CacheSubnetGroupName="nets", SubnetIds=["subnet-00000002"])
    client.delete_cache_cluster(CacheClusterId="in-nets")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="in-nets", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.delete_cache_subnet_group(CacheSubnetGroupName="nets")
    with pytest.raises(client.exceptions.CacheSubnetGroupNotFoundFault) as gone:
        client.describe_cache_subnet_groups(CacheSubnetGroupName="nets")
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_wrong_calls(region):
    client = region.aws()
    usual = {"CacheSubnetGroupName": "g", "CacheSubnetGroupDescription": "d", "SubnetIds": ["subnet-00000001"]}
    for change, code in [
        ({"CacheSubnetGroupName": "1g"}, "InvalidParameterValue"),
        ({"CacheSubnetGroupName": "g" * 256}, "InvalidParameterValue"),
        ({"CacheSubnetGroupName": "default"}, "CacheSubnetGroupAlreadyExists"),
        ({"CacheSubnetGroupDescription": ""}, "InvalidParameterValue"),
        ({"SubnetIds": []}, "InvalidParameterValue"),
        ({"SubnetIds": ["none"]}, "InvalidParameterValue"),
        ({"SubnetIds": [f"subnet-{number:08}" for number in range(21)]}, "CacheSubnetQuotaExceededFault"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client.create_cache_subnet_group(**{**usual, **change})
        assert refused.value.response["Error"]["Code"] == code, change


@pytest.mark.timeout(600)
def test_terraform(region, tmp_path):
    if not shutil.which("terraform") or not PLUGINS:
        pytest.skip(f"could not run: it needs the program terraform, and {PROVIDER} below a directory that TF_PLUGINS names")
    client = region.aws()
    environment = {**region.environment(), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "HOME": str(tmp_path)}

    def terraform(*arguments, status=0):
        done = subprocess.run(
            ["terraform", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == status, done.stdout + done.stderr

    def write(description, subnets):
        text = TERRAFORM.format(url=client.meta.endpoint_url, description=description, subnets=str(subnets).replace("'", '"'))
        (tmp_path / "main.tf").write_text(text)

    unchanged = lambda: terraform("plan", "-input=false", "-detailed-exitcode")
    shown = lambda: client.describe_cache_subnet_groups(CacheSubnetGroupName="tf-nets")["CacheSubnetGroups"][0]
    write("first", ["subnet-00000001", "subnet-00000002"])
    terraform("init", "-input=false", f"-plugin-dir={PLUGINS}")
    terraform("apply", "-input=false", "-auto-approve")
    assert shown()["CacheSubnetGroupDescription"] == "first"
    unchanged()
    write("second", ["subnet-00000002", "subnet-0123456789abcdef0"])
    terraform("apply", "-input=false", "-auto-approve")
    assert {subnet["SubnetIdentifier"] for subnet in shown()["Subnets"]} == {"subnet-00000002", "subnet-0123456789abcdef0"}
    unchanged()
    terraform("destroy", "-input=false", "-auto-approve")
    with pytest.raises(client.exceptions.CacheSubnetGroupNotFoundFault):
        shown()
