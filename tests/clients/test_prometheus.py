"""What Prometheus gets of the region, and the files that are made for it and for Grafana."""

import json
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from conftest import binary, free_port
from region import connect, primary_endpoint, wait_until

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.fixture
def promtool():
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not there: it is part of Debian's package prometheus")
    return found


def fetch(url, token=None, path="/metrics"):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def samples(text):
    """Values by name and member."""
    found = re.findall(r'^(\w+)\{region="[^"]+",deployment="[^"]+",member="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    return {(name, member): float(value) for name, member, value in found}


@pytest.fixture
def exposed(new_region):
    url = f"http://127.0.0.1:{free_port()}"
    region = new_region("--no-default-cache", "--metrics", url.removeprefix("http://")).start()
    return region, url


def test_what_is_exposed_is_what_was_done(exposed):
    region, url = exposed
    group = region.create("seen", 2)
    server = connect(primary_endpoint(group))
    server.set("key", "value")
    assert server.get("key") == "value" and server.get("nothing") is None
    now = lambda: samples(fetch(url)[1])
    primary = region.primary("seen")["member"]
    wait_until("the misses", lambda: now().get(("engram_cache_misses_total", primary)) == 1)
    status, text = fetch(url)
    told = samples(text)
    for name, value in [
        ("engram_up", 1),
        ("engram_cache_hits_total", 1),
        ("engram_get_type_cmds_total", 2),
        ("engram_set_type_cmds_total", 1),
        ("engram_curr_items", 1),
        ("engram_is_master", 1),
    ]:
        assert told[(name, primary)] == value, name
    assert 0 < told[("engram_set_type_cmds_latency_seconds_total", primary)] < 60
    replica = next(node for node in region.nodes("seen") if node["role"] == "replica")
    assert told[("engram_is_master", replica["member"])] == 0
    assert fetch(url, path="/")[0] == 404


def test_promtool_accepts_what_is_exposed(exposed, promtool):
    region, url = exposed
    region.create("checked", 1)
    wait_until("a second", lambda: "engram_processed_commands_total" in fetch(url)[1])
    wait_until("a second with values", lambda: "engram_cpu_utilization_ratio" in fetch(url)[1])
    checked = subprocess.run([promtool, "check", "metrics"], input=fetch(url)[1], text=True, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_promtool_accepts_the_rules(promtool):
    command = [promtool, "check", "rules", "--lint-fatal", str(DOCS / "prometheus-rules.yml")]
    checked = subprocess.run(command, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"SUCCESS: \d+ rules found", checked.stdout)


def test_rules_and_dashboard_ask_for_what_is_exposed(exposed):
    region, url = exposed
    region.create("asked", 2)
    names = lambda: set(re.findall(r"^# TYPE (\w+)", fetch(url)[1], re.MULTILINE))
    wait_until("values", lambda: {"engram_cpu_utilization_ratio", "engram_replication_lag_seconds"} <= names())
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]
    asked = {name for panel in panels for name in re.findall(r"engram_\w+", panel["targets"][0]["expr"])}
    # What is of look-ups is not there while nobody looks up, and this version of the engine may lack a field.
    assert names() <= asked
    assert len(names()) > 50


@pytest.fixture
def prometheus(tmp_path):
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("prometheus is not there: it is Debian's package of this name")
    started = []

    def start(target):
        port = free_port()
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(DOCS / "prometheus-rules.yml")],
            "scrape_configs": [{"job_name": "engram", "static_configs": [{"targets": [target]}]}],
        }
        # JSON is YAML too.
        (tmp_path / "prometheus.yml").write_text(json.dumps(config))
        command = [program, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
        command.append(f"--web.listen-address=127.0.0.1:{port}")
        with open(tmp_path / "prometheus.log", "w") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        return f"http://127.0.0.1:{port}/api/v1"

    yield start
    for process in started:
        process.terminate()
        process.wait()


def asked(api, what, **parameters):
    try:
        with urllib.request.urlopen(f"{api}/{what}?{urllib.parse.urlencode(parameters)}", timeout=60) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as refused:
        if refused.code == 503:
            # It is still starting.
            return {}
        return pytest.fail(f"{parameters}: {refused.read().decode()}")
    except urllib.error.URLError:
        # It does not listen yet.
        return {}


def test_prometheus_scrapes_and_evaluates_everything(exposed, prometheus):
    region, url = exposed
    server = connect(primary_endpoint(region.create("scraped", 2)))
    server.set("key", "value")
    server.get("key")
    api = prometheus(url.removeprefix("http://"))
    value = lambda query: [one["value"][1] for one in asked(api, "query", query=query).get("result", [])]
    hits = 'sum(engram_cache_hits_total{deployment="scraped"})'
    wait_until("a scrape", lambda: value(hits) == ["1"])
    assert value("up") == ["1"] and value("engram_up") == ["1", "1"]
    rules = lambda: [rule for group in asked(api, "rules")["groups"] for rule in group["rules"]]
    wait_until("an evaluation", lambda: all(rule["health"] != "unknown" for rule in rules()))
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules()} == {("ok", "")}
    # The panels' queries, with what Grafana puts in place of its variables.
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]
    fill = lambda query: re.sub(r"\$(region|deployment|member)\b", ".*", query).replace("$__rate_interval", "1m")
    queries = [fill(target["expr"]) for panel in panels for target in panel["targets"]]
    assert not any("$" in query for query in queries), queries
    wait_until("a rate", lambda: value(next(query for query in queries if "engram_cache_hits_total" in query)))
    answered = [query for query in queries if value(query)]
    assert len(answered) > 50


def test_a_token_is_demanded(new_region, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-this-test\n")
    url = f"http://127.0.0.1:{free_port()}"
    args = ["--metrics", url.removeprefix("http://"), "--metrics-token-file", str(token)]
    new_region("--no-default-cache", *args).start()
    assert fetch(url)[0] == 401
    assert fetch(url, "another-token-of-this")[0] == 401
    status, text = fetch(url, "a-token-of-this-test")
    assert status == 200 and "# TYPE engram_up gauge" in text


@pytest.mark.parametrize(
    "args, why",
    [
        (
            ["--metrics", "0.0.0.0:9121"],
            "other hosts can reach 0.0.0.0:9121; choose an address of this host alone with --metrics, or demand a token of "
            "them with --metrics-token-file",
        ),
        (["--metrics", "127.0.0.1:9121", "--metrics-token-file", "SHORT"], "SHORT holds no token: a token has at least 16 characters"),
        (["--metrics", "127.0.0.1:9121", "--metrics-token-file", "NONE"], "cannot read NONE (No such file or directory)"),
    ],
)
def test_what_would_be_open_is_refused(tmp_path, args, why):
    (tmp_path / "SHORT").write_text("short\n")
    command = [binary(), "serve", "--data-dir", str(tmp_path / "data"), "--api", "127.0.0.1:0", *args]
    refused = subprocess.run(command, text=True, capture_output=True, cwd=tmp_path)
    assert refused.returncode == 1 and refused.stderr == f"engram: {why}\n"
