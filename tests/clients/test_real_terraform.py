"""Each resource by the real Terraform, where it is installed: apply, an empty plan, a change, an empty plan, destroy."""

import pytest

from real_terraform import Terraform
from region import connect

# The provider waits between its looks at groups and clusters.
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(900)]


@pytest.fixture
def terraform(region, tmp_path):
    return Terraform(region, tmp_path)


def test_a_subnet_group(region, terraform):
    client = region.aws()
    shown = lambda: client.describe_cache_subnet_groups(CacheSubnetGroupName="tf-nets")["CacheSubnetGroups"][0]

    def resources(description, *subnets):
        listed = ", ".join(f'"{subnet}"' for subnet in subnets)
        return f"""
resource "aws_elasticache_subnet_group" "nets" {{
  name        = "tf-nets"
  description = "{description}"
  subnet_ids  = [{listed}]
  tags        = {{ team = "cache" }}
}}
output "vpc" {{ value = aws_elasticache_subnet_group.nets.vpc_id }}
"""

    terraform.apply(resources("first", "subnet-00000001", "subnet-00000002"))
    assert shown()["CacheSubnetGroupDescription"] == "first"
    terraform.apply(resources("second", "subnet-00000002", "subnet-0123456789abcdef0"))
    assert {subnet["SubnetIdentifier"] for subnet in shown()["Subnets"]} == {"subnet-00000002", "subnet-0123456789abcdef0"}
    terraform.destroy()
    with pytest.raises(client.exceptions.CacheSubnetGroupNotFoundFault):
        shown()


def test_a_parameter_group(region, terraform):
    client = region.aws()

    def apply(**values):
        blocks = "".join(f'  parameter {{\n    name  = "{name}"\n    value = "{value}"\n  }}\n' for name, value in values.items())
        terraform.apply(f"""
resource "aws_elasticache_parameter_group" "own" {{
  name        = "tf-own"
  family      = "valkey8"
  description = "from terraform"
  tags        = {{ team = "cache" }}
{blocks}
}}
""")
        rows = client.describe_cache_parameters(CacheParameterGroupName="tf-own", Source="user")["Parameters"]
        assert {row["ParameterName"]: row["ParameterValue"] for row in rows} == values

    apply(**{"maxmemory-policy": "allkeys-lru", "databases": "20", "cluster-enabled": "no", "notify-keyspace-events": "KEA"})
    # More than one call takes.
    rows = client.describe_engine_default_parameters(CacheParameterGroupFamily="valkey8")["EngineDefaults"]["Parameters"]
    plain = [row for row in rows if row["IsModifiable"] and row.get("ParameterValue") and not row["ParameterName"].startswith("reserved")]
    assert len(plain) > 40
    apply(**{row["ParameterName"]: row["ParameterValue"] for row in plain[:45]})
    terraform.destroy()
    with pytest.raises(client.exceptions.CacheParameterGroupNotFoundFault):
        client.describe_cache_parameter_groups(CacheParameterGroupName="tf-own")


def test_a_replication_group(region, terraform):
    def resources(node_type, clusters):
        return f"""
resource "aws_elasticache_replication_group" "web" {{
  replication_group_id       = "tf-web"
  description                = "from terraform"
  engine                     = "valkey"
  node_type                  = "{node_type}"
  num_cache_clusters         = {clusters}
  automatic_failover_enabled = true
  multi_az_enabled           = true
  apply_immediately          = true
  tags                       = {{ team = "cache" }}
}}
"""

    terraform.apply(resources("cache.t4g.micro", 2))
    group = region.group("tf-web")
    connect(group["NodeGroups"][0]["PrimaryEndpoint"]).set("kept", 1)
    terraform.apply(resources("cache.t4g.small", 3))
    group = region.group("tf-web")
    assert (group["CacheNodeType"], len(group["MemberClusters"])) == ("cache.t4g.small", 3)
    assert connect(group["NodeGroups"][0]["PrimaryEndpoint"]).get("kept") == "1"
    terraform.destroy()
    with pytest.raises(region.aws().exceptions.ReplicationGroupNotFoundFault):
        region.group("tf-web")


def test_a_cluster(region, terraform):
    def resources(window):
        return f"""
resource "aws_elasticache_cluster" "one" {{
  cluster_id         = "tf-one"
  engine             = "redis"
  node_type          = "cache.t4g.micro"
  num_cache_nodes    = 1
  maintenance_window = "{window}"
  apply_immediately  = true
}}
output "address" {{ value = aws_elasticache_cluster.one.cache_nodes[0].address }}
"""

    client = region.aws()
    shown = lambda: client.describe_cache_clusters(CacheClusterId="tf-one")["CacheClusters"][0]
    terraform.apply(resources("sun:05:00-sun:06:00"))
    assert shown()["PreferredMaintenanceWindow"] == "sun:05:00-sun:06:00"
    terraform.apply(resources("mon:05:00-mon:06:00"))
    assert shown()["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:00"
    terraform.destroy()
    with pytest.raises(client.exceptions.CacheClusterNotFoundFault):
        shown()
