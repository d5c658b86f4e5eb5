"""The cluster as clients of the API see it: refusals, forwarding, drift, catching up, kill -9."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import pytest
from node import ApiError, Cluster, Node, free_address, free_port, wait_until

DOMAIN = "cluster.test"


def refused(words, call, *args, **params):
    """The call fails, and its message has `words`."""
    with pytest.raises(ApiError) as e:
        call(*args, **params)
    assert words.lower() in str(e.value).lower(), f"{e.value!r} lacks {words!r}"
    return str(e.value)


def state(node):
    return node.api("admin/cluster/state")


def ctl(node, *words):
    return json.loads(node.ctl("--json", *words).stdout)


def is_blocked(node, name):
    return node.rcode(name) == "NXDOMAIN"


def zones(node):
    return {z["name"]: z["type"] for z in node.api("zones/list")["zones"]}


def snapshot(node):
    """What an operation that fails must leave as it was."""
    seen = ctl(node, "cluster", "state")
    name = node.api("settings/get")["dnsServerDomain"]
    return seen["initialized"], seen["serverName"], name, seen["digest"], zones(node)


def url_of(node):
    return next(n["url"] for n in state(node)["clusterNodes"] if n["state"] == "Self")


def node_id(at, name):
    return next(n["id"] for n in state(at)["clusterNodes"] if n["name"] == name)


def node_row(at, name):
    return next((n for n in state(at)["clusterNodes"] if n["name"] == name), None)


def join(node, primary, timeout=120, **changes):
    params = {"primaryNodeUrl": url_of(primary), "primaryNodeIpAddress": primary.address,
              "primaryNodeUsername": "admin", "primaryNodePassword": primary.password,
              "ignoreCertificateErrors": True, "secondaryNodeIpAddresses": node.address}
    params.update(changes)
    return node.api("admin/cluster/initJoin", timeout=timeout, **params)


def agree(*nodes, seconds=20):
    """All nodes hold one version with one digest; the version."""
    def same():
        seen = {(json.dumps(s["version"], sort_keys=True), s["digest"])
                for s in (ctl(n, "cluster", "state") for n in nodes)}
        return seen if len(seen) == 1 else None
    return wait_until(same, seconds, "all nodes on one version and digest")


def quiet(node):
    """Nothing is under way, and its state."""
    return wait_until(lambda: (lambda s: s["operation"] == "" and s)(ctl(node, "cluster", "state")),
                      40, "the operation to end")


@contextlib.contextmanager
def stopped(node, daemon):
    """The daemon stands still (its store is ours) and is killed at the end, to start anew."""
    pid = node.pid(daemon)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: node.pid(daemon) != pid and node.ctl("status", check=False).returncode == 0,
               20, f"{daemon} to be back")


def kill_node(node):
    """The whole node dies at once, as by a power cut."""
    pids = [node.pid(d) for d in ("dnsd", "clusterd", "webd")]
    node.process.send_signal(signal.SIGKILL)
    node.process.wait(10)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.process = None


@pytest.fixture
def two():
    with Cluster(2) as c:
        yield c


@pytest.fixture
def formed():
    with Cluster(2) as c:
        yield c.form(DOMAIN)


# ---- initialize --------------------------------------------------------------------------------

def test_init_refusals():
    with Cluster(1) as c:
        node = c[0]
        init = "admin/cluster/init"
        before = snapshot(node)
        for domain in ("", ".", "bad..domain", "a" * 64 + ".test"):
            with pytest.raises(ApiError):
                node.api(init, clusterDomain=domain, primaryNodeIpAddresses=node.address)
        refused("192.0.2.7", node.api, init, clusterDomain=DOMAIN, primaryNodeIpAddresses="192.0.2.7")
        refused("not an IP address", node.api, init, clusterDomain=DOMAIN,
                primaryNodeIpAddresses="nonsense")
        refused("primaryNodeIpAddresses", node.api, init, clusterDomain=DOMAIN)
        assert snapshot(node) == before
        node.api("zones/create", zone=DOMAIN, type="Catalog")
        refused("another type", node.api, init, clusterDomain=DOMAIN,
                primaryNodeIpAddresses=node.address)
        node.api("zones/delete", zone=DOMAIN)
        node.api("zones/create", zone=f"cluster-catalog.{DOMAIN}", type="Primary")
        refused("another type", node.api, init, clusterDomain=DOMAIN,
                primaryNodeIpAddresses=node.address)
        node.api("zones/delete", zone=f"cluster-catalog.{DOMAIN}")
        assert snapshot(node) == before


def test_init_keeps_the_records_of_an_existing_zone():
    with Cluster(1) as c:
        node = c[0]
        node.api("zones/create", zone=DOMAIN, type="Primary")
        node.api("zones/records/add", zone=DOMAIN, domain=f"www.{DOMAIN}", type="A",
                 ipAddress="192.0.2.1", ttl=300)
        reply = node.api("admin/cluster/init", clusterDomain=DOMAIN,
                         primaryNodeIpAddresses=node.address)
        assert reply["clusterInitialized"] and reply["clusterDomain"] == DOMAIN
        assert reply["dnsServerDomain"] == f"ns1.{DOMAIN}"
        assert node.answers(f"www.{DOMAIN}") == ["192.0.2.1"]
        assert node.answers(f"ns1.{DOMAIN}") == [node.address]
        assert f"ns1.{DOMAIN}." in node.answers(DOMAIN, "NS")
        assert len(node.answers(f"_{node.https_port}._tcp.ns1.{DOMAIN}", "TLSA")) == 1
        refused("already", node.api, "admin/cluster/init", clusterDomain="other.test",
                primaryNodeIpAddresses=node.address)
        node.api("admin/cluster/primary/delete")
        assert not state(node)["clusterInitialized"]
        assert node.answers(f"www.{DOMAIN}") == ["192.0.2.1"]
        assert node.answers(f"ns1.{DOMAIN}") == []


# ---- join --------------------------------------------------------------------------------------

def test_join_refusals_leave_both_sides_as_before(two):
    primary, node = two
    primary.api("admin/cluster/init", clusterDomain=DOMAIN, primaryNodeIpAddresses=primary.address)
    node.api("zones/create", zone="mine.test", type="Primary")
    sides = [snapshot(primary), snapshot(node)]
    closed = free_port(node.address)
    token = primary.api("admin/cluster/createJoinToken")["token"]
    sides[0] = snapshot(primary)
    tried = [
        ({"primaryNodePassword": "wrong"}, "password"),
        ({"primaryNodeUsername": "nobody"}, "password"),
        ({"primaryNodeUrl": f"https://{node.address}:{closed}/", "primaryNodeIpAddress": None},
         "does not answer"),
        ({"primaryNodeUrl": "http://x.test/"}, "https://"),
        ({"ignoreCertificateErrors": False}, "certificate"),
        ({"secondaryNodeIpAddresses": "192.0.2.9"}, "192.0.2.9"),
        ({"secondaryNodeIpAddresses": ""}, "secondaryNodeIpAddresses"),
        ({"joinToken": "garbage"}, "no join token"),
        ({"joinToken": token[:-30] + "A" * 30}, "token"),
    ]
    for changes, words in tried:
        refused(words, join, node, primary, **changes)
        quiet(node)
        assert [snapshot(primary), snapshot(node)] == sides, changes
        assert state(primary)["clusterNodes"][0]["name"] == f"ns1.{DOMAIN}"
    node.api("zones/create", zone=DOMAIN, type="Primary")
    refused("exists on this node already", join, node, primary)
    node.api("zones/delete", zone=DOMAIN)
    assert [snapshot(primary), snapshot(node)] == sides


def test_join_of_a_taken_name_and_of_a_member():
    with Cluster(1) as c, Node("ns1") as twin, Node("ns3") as other:
        primary = c[0]
        primary.api("admin/cluster/init", clusterDomain=DOMAIN,
                    primaryNodeIpAddresses=primary.address)
        sides = [snapshot(primary), snapshot(twin)]
        refused("is in the cluster already", join, twin, primary)
        assert [snapshot(primary), snapshot(twin)] == sides
        other.api("settings/set", webServiceEnableTls=True,
                  webServiceUseSelfSignedTlsCertificate=True)
        refused("in no cluster", join, twin, primary, primaryNodeUrl=other.https_url,
                primaryNodeIpAddress=other.address)
        other.api("admin/cluster/init", clusterDomain="other.test",
                  primaryNodeIpAddresses=other.address)
        before = snapshot(other)
        refused("already", join, other, primary)
        assert snapshot(other) == before


def test_join_tokens(two):
    primary, node = two
    primary.api("admin/cluster/init", clusterDomain=DOMAIN, primaryNodeIpAddresses=primary.address)
    expired = ctl(primary, "cluster", "token", "--valid", "1")
    wait_until(lambda: time.time() * 1000 > expired["expiresMs"] + 5, 5, "the token to expire")

    def by(token):
        return node.api("admin/cluster/initJoin", joinToken=token, timeout=120,
                        secondaryNodeIpAddresses=node.address)
    refused("expired", by, expired["token"])
    good = primary.api("admin/cluster/createJoinToken")["token"]
    reply = by(good)
    assert [n["name"] for n in reply["clusterNodes"]] == [f"ns1.{DOMAIN}", f"ns2.{DOMAIN}"]
    agree(primary, node)
    refused("primary", node.api, "admin/cluster/createJoinToken")
    node.api("admin/cluster/secondary/leave")
    refused("used", by, good)
    assert not state(node)["clusterInitialized"]


def test_join_brings_the_config_and_keeps_zones(two):
    primary, node = two
    node.api("zones/create", zone="mine.test", type="Primary")
    node.api("zones/records/add", zone="mine.test", domain="w.mine.test", type="A",
             ipAddress="192.0.2.5", ttl=60)
    node.api("blocked/add", domain="local-only.test")
    node.api("admin/users/create", user="gone", **{"pass": "password of gone 1"})
    primary.api("blocked/add", domain="ads.test")
    primary.api("allowed/add", domain="fine.test")
    primary.api("settings/set", blockingAnswerTtl=77)
    primary.api("admin/users/create", user="eve", **{"pass": "password of eve 1"})
    two.form(DOMAIN)
    assert "mine.test" in zones(node)
    assert node.answers("w.mine.test") == ["192.0.2.5"]
    assert node.api("settings/get")["blockingAnswerTtl"] == 77
    assert {u["username"] for u in node.api("admin/users/list")["users"]} == {"admin", "eve"}
    node.login("eve", "password of eve 1")
    node.login()
    with pytest.raises(ApiError):
        node.login("gone", "password of gone 1")
    wait_until(lambda: is_blocked(node, "ads.test"), 5, "the blocked name")
    assert node.rcode("local-only.test") == "REFUSED"
    node.api("zones/records/add", zone="mine.test", domain="v.mine.test", type="A",
             ipAddress="192.0.2.6", ttl=60)
    assert node.answers("v.mine.test") == ["192.0.2.6"]


# ---- writing through a secondary, node= --------------------------------------------------------

def test_write_through_a_secondary_is_read_after_it(formed):
    primary, node = formed
    for i in range(20):
        node.api("blocked/add", domain=f"b{i}.test")
        assert f"b{i}.test" in node.api("blocked/list", domain=f"b{i}.test")["domain"]
        wait_until(lambda: is_blocked(node, f"b{i}.test"), 1, "dnsd to have it, too", 0.002)
        node.api("settings/set", blockingAnswerTtl=100 + i)
        assert node.api("settings/get")["blockingAnswerTtl"] == 100 + i
        assert primary.api("settings/get")["blockingAnswerTtl"] == 100 + i
        node.api("admin/users/create", user=f"u{i}", **{"pass": "password 12345"})
        assert f"u{i}" in {u["username"] for u in node.api("admin/users/list")["users"]}
    wait_until(lambda: is_blocked(primary, "b3.test"), 5, "the blocked name")
    commit = primary.api("admin/config/history", limit=1)["commits"][0]
    assert commit["actor"] == "admin"
    agree(primary, node)


def test_node_parameter(formed):
    primary, node = formed
    name = f"ns2.{DOMAIN}"
    primary.api("zones/create", zone="far.test", type="Primary", node=name)
    assert "far.test" in zones(node) and "far.test" not in zones(primary)
    primary.api("zones/records/add", zone="far.test", domain="a.far.test", type="A",
                ipAddress="192.0.2.3", ttl=60, node=name)
    assert node.answers("a.far.test") == ["192.0.2.3"]
    got = primary.api("zones/records/get", zone="far.test", domain="a.far.test", node=name)
    assert got["records"][0]["rData"]["ipAddress"] == "192.0.2.3"
    refused("No such node exists", primary.api, "zones/list", node="nobody.test")
    assert "far.test" not in {z["name"] for z in
                              node.api("zones/list", node=f"ns1.{DOMAIN}")["zones"]}
    # The acting user's rights hold over there, too.
    primary.api("admin/users/create", user="weak", **{"pass": "password of weak"})
    agree(primary, node)
    primary.login("weak", "password of weak")
    with pytest.raises(ApiError):
        primary.api("zones/delete", zone="far.test", node=name)
    primary.login()
    kill_node(node)
    message = refused("", primary.api, "zones/list", node=name)
    assert name in message or "reach" in message or "answer" in message, message
    node.start()


# ---- options, addresses ------------------------------------------------------------------------

def test_options(formed):
    primary, node = formed
    options = "admin/cluster/primary/setOptions"
    reply = primary.api(options, heartbeatRefreshIntervalSeconds=20,
                        configRefreshIntervalSeconds=100)
    assert reply["heartbeatRefreshIntervalSeconds"] == 20
    agree(primary, node)
    assert state(node)["configRefreshIntervalSeconds"] == 100
    for wrong in ({"heartbeatRefreshIntervalSeconds": 9}, {"heartbeatRefreshIntervalSeconds": 301},
                  {"heartbeatRetryIntervalSeconds": 9}, {"configRefreshIntervalSeconds": 29},
                  {"configRefreshIntervalSeconds": 3601}, {"configRetryIntervalSeconds": "x"},
                  {"heartbeatRefreshIntervalSeconds": 200}):
        refused(next(iter(wrong)), primary.api, options, **wrong)
    refused("primary", node.api, options, heartbeatRefreshIntervalSeconds=50)
    assert state(primary)["heartbeatRefreshIntervalSeconds"] == 20


def test_update_addresses_and_primary(formed):
    primary, node = formed
    second = free_address()
    refused("192.0.2.4", node.api, "admin/cluster/updateIpAddress", ipAddresses="192.0.2.4")
    node.api("admin/cluster/updateIpAddress", ipAddresses=f"{node.address},192.0.2.4",
             allowForeignAddresses=True)
    agree(primary, node)
    assert node_row(primary, f"ns2.{DOMAIN}")["ipAddresses"] == [node.address, "192.0.2.4"]
    wait_until(lambda: node.answers(f"ns2.{DOMAIN}") == sorted([node.address, "192.0.2.4"]), 10,
               "the cluster zone to follow")
    primary.api("admin/cluster/updateIpAddress", ipAddresses=f"{primary.address},{second}",
                allowForeignAddresses=True)
    wait_until(lambda: second in primary.answers(f"ns1.{DOMAIN}"), 10, "own address in the zone")
    agree(primary, node)
    update = "admin/cluster/secondary/updatePrimary"
    refused("https://", node.api, update, primaryNodeUrl="ftp://x/")
    closed = free_port(node.address)
    refused("no answer", node.api, update, primaryNodeUrl=f"https://{node.address}:{closed}/",
            primaryNodeIpAddresses=node.address)
    refused("", node.api, update, primaryNodeUrl=url_of(node), primaryNodeIpAddresses=node.address)
    refused("secondary", primary.api, update, primaryNodeUrl=url_of(primary))
    node.api(update, primaryNodeUrl=url_of(primary), primaryNodeIpAddresses=primary.address)
    node.api("blocked/add", domain="after.test")
    agree(primary, node)


# ---- drift, catching up ------------------------------------------------------------------------

@pytest.mark.parametrize("harm", ["DELETE FROM object WHERE path = 'blocked/ads.test'",
                                  "UPDATE object SET value = '{}' WHERE path LIKE 'users/admin%'"])
def test_drift_is_found_and_repaired(formed, harm):
    primary, node = formed
    primary.api("blocked/add", domain="ads.test")
    agree(primary, node)
    wanted = ctl(primary, "cluster", "state")["digest"]
    with stopped(node, "clusterd"), sqlite3.connect(store_of(node)) as db:
        db.execute(harm)
        db.commit()
    wait_until(lambda: ctl(node, "cluster", "state")["digest"] == wanted, 20, "the repair")
    assert "drift" in node.log("clusterd")
    wait_until(lambda: is_blocked(node, "ads.test"), 10, "the blocked name")


def test_resync(formed):
    primary, node = formed
    primary.api("blocked/add", domain="ads.test")
    agree(primary, node)
    node.api("admin/cluster/secondary/resync")
    agree(primary, node)
    wait_until(lambda: is_blocked(node, "ads.test"), 5, "the blocked name")
    refused("secondary", primary.api, "admin/cluster/secondary/resync")
    assert node.ctl("cluster", "resync").returncode == 0


def store_of(node):
    found = [p for p in node.folder.rglob("*.db") if "clusterd" in str(p)]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("history", ["kept", "gone"])
def test_a_secondary_that_was_down_catches_up(formed, history):
    primary, node = formed
    node.stop()
    for i in range(200):
        primary.api("blocked/add", domain=f"x{i}.test")
    if history == "gone":
        with stopped(primary, "clusterd"), sqlite3.connect(store_of(primary)) as db:
            top = db.execute("SELECT max(revision) FROM commit_").fetchone()[0]
            db.execute("DELETE FROM change WHERE revision <= ?", (top - 10,))
            db.execute("DELETE FROM commit_ WHERE revision <= ?", (top - 10,))
            db.execute("UPDATE head SET floor = ?", (top - 10,))
            db.commit()
    node.start()
    agree(primary, node, seconds=30)
    wait_until(lambda: all(is_blocked(node, f"x{i}.test") for i in (0, 99, 199)), 10,
               "the blocked names")


def test_a_primary_restart(formed):
    primary, node = formed
    primary.stop()
    assert node.answers(f"ns1.{DOMAIN}") == [primary.address]
    message = refused("primary", node.api, "blocked/add", domain="no.test")
    assert "answer" in message or "reach" in message, message
    primary.start()
    wait_until(lambda: node.api("blocked/add", domain="yes.test") is not None, 30, "a write")
    agree(primary, node)


# ---- ways out ----------------------------------------------------------------------------------

def member_zone(primary, node, zone="shared.test"):
    primary.api("zones/create", zone=zone, type="Primary", catalog=f"cluster-catalog.{DOMAIN}")
    primary.api("zones/records/add", zone=zone, domain=f"w.{zone}", type="A",
                ipAddress="192.0.2.8", ttl=60)
    wait_until(lambda: node.answers(f"w.{zone}") == ["192.0.2.8"], 10, "the member zone")


@pytest.mark.parametrize("as_primary", [False, True])
def test_leave(formed, as_primary):
    primary, node = formed
    member_zone(primary, node)
    assert "primary cannot leave" in primary.ctl("cluster", "leave", check=False).stderr
    reply = node.api("admin/cluster/secondary/leave", zonesAsPrimary=as_primary)
    assert not reply["clusterInitialized"]
    assert [n["name"] for n in state(primary)["clusterNodes"]] == [f"ns1.{DOMAIN}"]
    wait_until(lambda: primary.answers(f"ns2.{DOMAIN}") == [], 10, "its records to go")
    assert node.answers("w.shared.test") == ["192.0.2.8"]
    kept = zones(node)
    assert kept["shared.test"] == ("Primary" if as_primary else "Secondary")
    assert f"cluster-catalog.{DOMAIN}" not in kept
    node.login()
    node.api("blocked/add", domain="own.test")
    wait_until(lambda: is_blocked(node, "own.test"), 5, "the blocked name")
    assert primary.rcode("own.test") == "REFUSED"


def test_remove(formed):
    primary, node = formed
    member_zone(primary, node)
    refused("no node", primary.api, "admin/cluster/primary/removeSecondary", secondaryNodeId=5)
    refused("itself", primary.api, "admin/cluster/primary/removeSecondary",
            secondaryNodeId=node_id(primary, f"ns1.{DOMAIN}"))
    primary.api("admin/cluster/primary/removeSecondary",
                secondaryNodeId=node_id(primary, f"ns2.{DOMAIN}"))
    wait_until(lambda: not state(node)["clusterInitialized"], 10, "the node to be out")
    assert len(state(primary)["clusterNodes"]) == 1
    assert zones(node)["shared.test"] == "Secondary"


def test_delete_a_dead_secondary(formed):
    primary, node = formed
    number = node_id(primary, f"ns2.{DOMAIN}")
    kill_node(node)
    refused("delete it", primary.api, "admin/cluster/primary/removeSecondary",
            secondaryNodeId=number)
    primary.api("admin/cluster/primary/deleteSecondary", secondaryNodeId=number)
    assert len(state(primary)["clusterNodes"]) == 1
    # Back from the dead, it is told that it is none of the cluster.
    primary.api("blocked/add", domain="later.test")
    node.start()
    message = refused("", node.api, "blocked/add", domain="from-the-dead.test")
    assert "primary" in message or "cluster" in message or "node" in message, message
    assert node.rcode("later.test") == "REFUSED"
    node.api("admin/cluster/secondary/leave", forceLeave=True)
    assert not state(node)["clusterInitialized"]


def test_forced_leave(formed):
    primary, node = formed
    member_zone(primary, node)
    kill_node(primary)
    refused("force", node.api, "admin/cluster/secondary/leave")
    assert state(node)["clusterInitialized"]
    node.api("admin/cluster/secondary/leave", forceLeave=True)
    assert not state(node)["clusterInitialized"]
    assert node.answers("w.shared.test") == ["192.0.2.8"]
    node.api("blocked/add", domain="own.test")
    wait_until(lambda: is_blocked(node, "own.test"), 5, "the blocked name")
    primary.start()
    wait_until(lambda: node_row(primary, f"ns2.{DOMAIN}")["state"] == "Unreachable", 30,
               "the primary to see that it is gone")


def test_delete_cluster(formed):
    primary, node = formed
    refused("secondaries", primary.api, "admin/cluster/primary/delete")
    refused("primary", node.api, "admin/cluster/primary/delete")
    primary.api("admin/cluster/primary/delete", forceDelete=True)
    assert not state(primary)["clusterInitialized"]
    wait_until(lambda: not state(node)["clusterInitialized"], 10, "the secondary to be out")
    assert f"cluster-catalog.{DOMAIN}" not in zones(primary)


# ---- history -----------------------------------------------------------------------------------

def test_history_diff_and_revert(formed):
    primary, node = formed
    primary.api("settings/set", blockingAnswerTtl=50)
    top = primary.api("admin/config/history", limit=1)["commits"][0]
    primary.api("settings/set", blockingAnswerTtl=60)
    primary.api("admin/users/create", user="eve", **{"pass": "secret of eve 12"})
    rows = primary.api("admin/config/diff", **{"from": top["revision"]})["rows"]
    changed = {r["path"]: (r["before"], r["after"]) for r in rows}
    assert changed["settings/blockingAnswerTtl"] == ("50", "60")
    assert any(p.startswith("users/") for p in changed)
    text = json.dumps(rows) + primary.ctl("config", "diff", str(top["revision"])).stdout
    assert "argon2" not in text and "secret of eve" not in text
    commits = primary.api("admin/config/history", limit=10)["commits"]
    one = next(c for c in commits if c["seq"] == top["seq"] + 1)
    primary.api("admin/config/revert", revision=one["revision"])
    assert primary.api("settings/get")["blockingAnswerTtl"] == 50
    agree(primary, node)
    assert node.api("settings/get")["blockingAnswerTtl"] == 50
    shown = primary.ctl("config", "history").stdout
    assert "revert" in shown.lower() or "undo" in shown.lower(), shown


# ---- kill -9 -----------------------------------------------------------------------------------

ROUNDS = int(os.environ.get("TRELLIS_KILL_ROUNDS", "5"))


def run_and_kill(node, seconds, *words):
    """Starts trellisctl, kills clusterd after a while, and waits until nothing is under way."""
    run = os.path.realpath(node.folder / "run")
    process = subprocess.Popen([str(node.bin / "trellisctl"), "-r", run, "-s",
                                str(node.folder / "spool"), *words],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    before = node.pid("clusterd")
    os.kill(before, signal.SIGKILL)
    process.kill()
    process.wait()
    wait_until(lambda: node.pid("clusterd") != before, 20, "clusterd to be back")
    return quiet(node)


def delete_own_zone(node):
    """The cluster zone, which stays with a node; webd may hear a little later that it may go."""
    if DOMAIN in zones(node):
        wait_until(lambda: node.api("zones/delete", zone=DOMAIN) is not None, 5, "the zone to go")


def test_kill_during_init():
    seen = set()
    with Cluster(1) as c:
        node = c[0]
        before = snapshot(node)
        for _ in range(ROUNDS):
            after = run_and_kill(node, random.uniform(0.0, 0.25), "cluster", "init", DOMAIN,
                                 node.address)
            seen.add(after["initialized"])
            if after["initialized"]:
                assert {DOMAIN, f"cluster-catalog.{DOMAIN}"} <= set(zones(node))
                wait_until(lambda: node.answers(f"ns1.{DOMAIN}") == [node.address], 10, "records")
                node.ctl("cluster", "delete")
                delete_own_zone(node)
            else:
                assert snapshot(node)[4] == before[4]
                assert ctl(node, "cluster", "state")["serverName"].split(".")[0] == "ns1"
    print("outcomes", seen)


def test_kill_during_join(two):
    primary, node = two
    primary.api("admin/cluster/init", clusterDomain=DOMAIN, primaryNodeIpAddresses=primary.address)
    node.api("zones/create", zone="mine.test", type="Primary")
    before = snapshot(node)
    seen = set()
    for _ in range(ROUNDS):
        token = primary.api("admin/cluster/createJoinToken")["token"]
        after = run_and_kill(node, random.uniform(0.0, 0.15), "cluster", "join", "--token", token,
                             node.address)
        seen.add(after["initialized"])
        names = [n["name"] for n in state(primary)["clusterNodes"]]
        if after["initialized"]:
            assert names == [f"ns1.{DOMAIN}", f"ns2.{DOMAIN}"]
            agree(primary, node)
            node.ctl("cluster", "leave")
            node.token = None
            node.login()
            delete_own_zone(node)
        else:
            assert names == [f"ns1.{DOMAIN}"]
            node.token = None
            now = snapshot(node)
            assert now[4] == before[4]
        assert "mine.test" in zones(node)
    print("outcomes", seen)
