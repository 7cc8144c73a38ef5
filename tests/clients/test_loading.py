"""Clients that come while nodes load their files."""

import os
import socket
import threading

from region import connect, primary_endpoint, reader_endpoint, wait_until


def test_nobody_is_refused_while_a_node_loads_its_file(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 1)
    region.aws().create_cache_cluster(
        CacheClusterId="alone", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1
    )
    describe = lambda: region.aws().describe_cache_clusters(CacheClusterId="alone", ShowCacheNodeInfo=True)["CacheClusters"][0]
    wait_until("alone available", lambda: describe()["CacheClusterStatus"] == "available")
    endpoints = {
        "primary": primary_endpoint(group),
        "reader": reader_endpoint(group),
        "alone": describe()["CacheNodes"][0]["Endpoint"],
    }
    node_of_group = region.node("web-001")["endpoint"].rsplit(":", 1)
    endpoints["node"] = {"Address": node_of_group[0], "Port": int(node_of_group[1])}
    for name in ["primary", "alone"]:
        connect(endpoints[name]).set("kept", 1)
    files = [region.data / "nodes" / node["node"] / "dump.rdb" for node in region.nodes()]
    region.stop()
    contents = [file.read_bytes() for file in files]
    # A file that gives nothing until somebody writes: they load for as long as the test wants.
    for file in files:
        file.unlink()
        os.mkfifo(file)
    region.start()
    found = {}

    def ask(name):
        found[name] = connect(endpoints[name]).get("kept")

    for endpoint in endpoints.values():
        socket.create_connection((endpoint["Address"], endpoint["Port"])).close()
    clients = [threading.Thread(target=ask, args=(name,)) for name in endpoints]
    for client in clients:
        client.start()
    for file, content in zip(files, contents):
        file.write_bytes(content)
    for client in clients:
        client.join()
    assert found == {name: "1" for name in endpoints}
