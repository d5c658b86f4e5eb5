"""Operations of the cluster on real nodes: what they do, what they refuse, what they leave behind."""

import base64
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from node import PASSWORD, Cluster, Node, wait_until  # noqa: E402

DOMAIN = "ops.test"
CATALOG = f"cluster-catalog.{DOMAIN}"


def state(node):
    return json.loads(node.ctl("--json", "cluster", "state").stdout)


def init(node, domain=DOMAIN):
    return node.ctl("cluster", "init", domain, node.address)


def token(node, *words):
    return node.ctl("cluster", "token", *words).stdout.strip()


def join(primary, node):
    return node.ctl("cluster", "join", "--token", token(primary), node.address)


def password_file(node, text):
    path = node.folder / "typed-password"
    path.write_text(text + "\n")
    return str(path)


def join_by_password(primary, node, password=PASSWORD, url=None, check=False):
    url = url or state(primary)["nodes"][0]["url"]
    return node.ctl("cluster", "join", url, node.address, "--primary-address", primary.address,
                    "--ignore-certificate", "--password-file", password_file(node, password), check=check)


def zones(node):
    return {z["name"]: z for z in json.loads(node.ctl("--json", "zone", "list").stdout)}


def agree(*nodes):
    """All on one version with one digest."""
    def same():
        seen = {(s["version"]["epoch"], s["version"]["seq"], s["digest"]) for s in map(state, nodes)}
        return len(seen) == 1
    wait_until(same, 15, "one version and digest on all nodes")


def is_untouched(node, before):
    """Config, zones and name are what they were, and nothing is under way."""
    after = state(node)
    assert not after["initialized"]
    assert after["operation"] == ""
    assert after["serverName"] == before["serverName"]
    assert after["digest"] == before["digest"]
    assert zones(node) == {}


@contextlib.contextmanager
def cluster(count):
    with Cluster(count) as c:
        init(c[0])
        for node in c.nodes[1:]:
            join(c[0], node)
        agree(*c)
        yield c


# ---- becoming a cluster ------------------------------------------------------------------------


def test_initialize_makes_zones_and_records():
    with Node("ns1") as n:
        shown = json.loads(n.ctl("--json", "cluster", "init", DOMAIN, n.address).stdout)
        assert shown["initialized"] and shown["domain"] == DOMAIN and shown["catalog"] == CATALOG
        assert shown["serverName"] == f"ns1.{DOMAIN}"
        (me,) = shown["nodes"]
        assert (me["type"], me["state"], me["addresses"]) == ("Primary", "Self", [n.address])
        assert me["url"] == f"https://ns1.{DOMAIN}:{n.https_port}/"
        assert n.answers(DOMAIN, "NS") == [f"ns1.{DOMAIN}."]
        assert n.answers(f"ns1.{DOMAIN}") == [n.address]
        (tlsa,) = n.answers(f"_{n.https_port}._tcp.ns1.{DOMAIN}", "TLSA")
        assert tlsa.split()[:3] == ["3", "1", "1"]
        assert zones(n)[CATALOG]["type"] == "Catalog"
        assert zones(n)[DOMAIN]["catalog"] == CATALOG
        again = n.ctl("cluster", "init", "other.test", n.address, check=False)
        assert again.returncode == 1 and DOMAIN in again.stderr


@pytest.mark.parametrize(("domain", "address", "said"), [
    ("bad..name", None, "domain"),
    ("", None, "domain"),
    (DOMAIN, "nonsense", "not an IP address"),
    (DOMAIN, "198.51.100.7", "no address of this host"),
])
def test_initialize_refuses(domain, address, said):
    with Node("ns1") as n:
        before = state(n)
        done = n.ctl("cluster", "init", domain, address or n.address, check=False)
        assert done.returncode == 1 and said in done.stderr
        is_untouched(n, before)


def test_initialize_keeps_a_zone_that_is_there_and_refuses_one_of_another_type():
    with Node("ns1") as n:
        n.ctl("zone", "create", DOMAIN)
        n.api("zones/records/add", zone=DOMAIN, domain=f"www.{DOMAIN}", type="A", ipAddress="192.0.2.80")
        n.ctl("zone", "create", "cluster-catalog.taken.test")
        refused = n.ctl("cluster", "init", "taken.test", n.address, check=False)
        assert refused.returncode == 1 and "another type" in refused.stderr
        assert not state(n)["initialized"]
        init(n)
        assert n.answers(f"www.{DOMAIN}") == ["192.0.2.80"]
        assert n.answers(f"ns1.{DOMAIN}") == [n.address]


def test_initialize_that_fails_leaves_the_node_as_it_was():
    with Node("ns1") as n:
        n.ctl("zone", "create", CATALOG, "--type", "Primary")
        before = state(n)
        done = n.ctl("cluster", "init", DOMAIN, n.address, check=False)
        assert done.returncode == 1
        after = state(n)
        assert (after["digest"], after["serverName"]) == (before["digest"], before["serverName"])
        assert list(zones(n)) == [CATALOG]


# ---- joining -----------------------------------------------------------------------------------


def test_join_by_token_takes_config_and_zones():
    with Cluster(2) as c:
        c[0].api("blocked/add", domain="ads.example")
        c[1].api("blocked/add", domain="own.example")
        c[1].ctl("zone", "create", "kept.example")
        init(c[0])
        c[0].ctl("zone", "create", "member.example", "--catalog", CATALOG)
        text = token(c[0])
        shown = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        assert shown["url"] == f"https://ns1.{DOMAIN}:{c[0].https_port}/"
        started = time.monotonic()
        c[1].ctl("cluster", "join", "--token", text, c[1].address)
        print(f"join: {time.monotonic() - started:.3f} s")
        agree(*c)
        assert state(c[1])["serverName"] == f"ns2.{DOMAIN}"
        wait_until(lambda: c[1].rcode("ads.example") == "NXDOMAIN", 10, "dnsd has it")
        assert c[1].rcode("own.example") == "REFUSED"       # cluster config was overwritten
        assert "kept.example" in zones(c[1])                # its own zones stay
        wait_until(lambda: zones(c[1]).get("member.example", {}).get("state") == "ok", 15, "member zone")
        assert c[1].answers(DOMAIN, "NS") == [f"ns1.{DOMAIN}.", f"ns2.{DOMAIN}."]
        assert c[0].answers(f"ns2.{DOMAIN}") == [c[1].address]
        used = c[1].ctl("cluster", "join", "--token", text, c[1].address, check=False)
        assert used.returncode == 1 and "already" in used.stderr


def test_join_by_password_through_the_api():
    with Cluster(2) as c:
        c.form(DOMAIN)
        agree(*c)
        listed = c[1].api("admin/cluster/state")
        assert listed["clusterInitialized"] and listed["clusterDomain"] == DOMAIN
        kinds = {n["name"]: (n["type"], n["state"]) for n in listed["clusterNodes"]}
        assert kinds[f"ns2.{DOMAIN}"] == ("Secondary", "Self")
        assert kinds[f"ns1.{DOMAIN}"][0] == "Primary"


def test_join_refusals_leave_both_sides_as_they_were():
    with Cluster(2) as c:
        init(c[0])
        before = [state(n) for n in c]

        def refused(done, *words):
            assert done.returncode == 1
            assert any(w in done.stderr for w in words), done.stderr
            is_untouched(c[1], before[1])
            assert [n["name"] for n in state(c[0])["nodes"]] == [f"ns1.{DOMAIN}"]

        refused(join_by_password(c[0], c[1], password="wrong"), "assword", "user name")
        refused(join_by_password(c[0], c[1], url="https://ns1.ops.test:1/"), "does not answer")
        refused(join_by_password(c[0], c[1], url="http://ns1.ops.test/"), "https://")
        url = state(c[0])["nodes"][0]["url"]
        strict = c[1].ctl("cluster", "join", url, c[1].address, "--primary-address", c[0].address,
                          "--password-file", password_file(c[1], PASSWORD), check=False)
        refused(strict, "certificate", "SSL", "self")        # PKI does not know the certificate
        refused(c[1].ctl("cluster", "join", "--token", "abcd", c[1].address, check=False), "join token")
        expired = token(c[0], "--valid", "1")
        wait_until(lambda: time.sleep(1.1) or True, 3)
        refused(c[1].ctl("cluster", "join", "--token", expired, c[1].address, check=False), "expired")
        # A token whose fingerprint is another's: the certificate is not the primary's.
        good = token(c[0])
        parts = json.loads(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
        parts["spki"] = "00" * 32
        forged = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
        refused(c[1].ctl("cluster", "join", "--token", forged, c[1].address, check=False), "does not answer")
        c[1].ctl("cluster", "join", "--token", good, c[1].address)   # it is unused yet
        agree(*c)


def test_join_refuses_taken_names_zones_in_the_way_and_members():
    with Cluster(2) as c, Node("ns2", seed=None) as twin:
        init(c[0])
        join(c[0], c[1])
        before = state(twin)
        taken = twin.ctl("cluster", "join", "--token", token(c[0]), twin.address, check=False)
        assert taken.returncode == 1 and f"ns2.{DOMAIN}" in taken.stderr
        is_untouched(twin, before)
        twin.ctl("config", "set", "dnsServerDomain=ns9")
        twin.ctl("zone", "create", DOMAIN)
        blocked = twin.ctl("cluster", "join", "--token", token(c[0]), twin.address, check=False)
        assert blocked.returncode == 1 and DOMAIN in blocked.stderr and "exists" in blocked.stderr
        assert len(state(c[0])["nodes"]) == 2
        member = c[1].ctl("cluster", "join", "--token", token(c[0]), c[1].address, check=False)
        assert member.returncode == 1 and "already" in member.stderr
        # A secondary admits nobody, and says who does.
        secondary = twin.ctl("zone", "delete", DOMAIN) and join_by_password(c[1], twin, url=next(
            n["url"] for n in state(c[1])["nodes"] if n["state"] == "Self"))
        assert secondary.returncode == 1 and f"ns1.{DOMAIN}" in secondary.stderr


# ---- keeping in step ---------------------------------------------------------------------------


def test_commits_reach_the_secondaries_at_once_with_their_history():
    with cluster(3) as c:
        times = []
        for i in range(40):
            started = time.monotonic()
            c[0].ctl("config", "set", f"blockingAnswerTtl={100 + i}")
            wait_until(lambda: len({s["version"]["seq"] for s in map(state, c)}) == 1, 10, "one version",
                       step=0)
            times.append(time.monotonic() - started)
        times.sort()
        print(f"commit by trellisctl to all three: median {times[20] * 1000:.0f} ms, worst {times[-1] * 1000:.0f} ms "
              "(with the start of 4 trellisctl)")
        agree(*c)
        history = [json.loads(n.ctl("--json", "config", "history", "--limit", "1").stdout)[0] for n in c]
        assert len({(h["version"]["seq"], h["timeMs"], h["actor"], h["node"], h["summary"]) for h in history}) == 1
        assert history[1]["node"] == f"ns1.{DOMAIN}"


def test_secondary_refuses_cluster_config_and_takes_its_own():
    with cluster(2) as c:
        refused = c[1].ctl("config", "set", "blockingAnswerTtl=77", check=False)
        assert refused.returncode == 1 and f"ns1.{DOMAIN}" in refused.stderr
        c[1].ctl("config", "set", "cacheMaximumEntries=5000")
        assert '"cacheMaximumEntries": 5000' in c[1].ctl("--json", "config", "get", "cacheMaximumEntries").stdout
        assert '"cacheMaximumEntries": 5000' not in c[0].ctl("--json", "config", "get", "cacheMaximumEntries").stdout
        agree(*c)


def test_a_write_on_a_secondary_shows_there_when_it_is_answered():
    with cluster(2) as c:
        c[1].token = None
        for i in range(5):
            c[1].api("blocked/add", domain=f"n{i}.example")
            assert f"n{i}.example" in c[1].ctl("config", "get", "blocked/").stdout
            wait_until(lambda: c[1].rcode(f"n{i}.example") == "NXDOMAIN", 2, "dnsd has it")
        agree(*c)


def test_large_commits_and_catching_up():
    with cluster(2) as c:
        c[1].kill("clusterd", signal.SIGSTOP)
        try:
            for start in (0, 3000):
                names = ",".join(f"host-number-{i}.blocked-somewhere.example" for i in range(start, start + 3000))
                c[0].api("blocked/import", blockedZones=names)
            for i in range(30):
                c[0].ctl("config", "set", f"blockingAnswerTtl={200 + i}")
        finally:
            c[1].kill("clusterd", signal.SIGCONT)
        agree(*c)
        wait_until(lambda: c[1].rcode("host-number-5999.blocked-somewhere.example") == "NXDOMAIN", 15, "dnsd has it")
        # Beyond what goes as commits: a snapshot.
        c[1].kill("clusterd", signal.SIGSTOP)
        try:
            for part in range(5):
                c[0].api("blocked/import", blockedZones=",".join(f"h{part}x{i}.example" for i in range(5000)))
        finally:
            c[1].kill("clusterd", signal.SIGCONT)
        agree(*c)
        wait_until(lambda: c[1].rcode("h4x4999.example") == "NXDOMAIN", 15, "dnsd has it")


def test_resync_and_drift():
    with cluster(2) as c:
        c[0].api("blocked/add", domain="one.example")
        agree(*c)
        c[1].ctl("cluster", "resync")
        agree(*c)
        on_primary = c[0].ctl("cluster", "resync", check=False)
        assert on_primary.returncode == 1 and "secondary" in on_primary.stderr
        # Something else has changed the secondary's store: the next commit finds it out.
        database = c[1].folder / "clusterd" / "config.db"
        c[1].kill("clusterd")
        with contextlib.closing(sqlite3.connect(database, timeout=10, isolation_level=None)) as store:
            store.execute("UPDATE head SET digest = zeroblob(32)")
        wait_until(lambda: state(c[1])["digest"] is not None, 15, "clusterd again")
        c[0].api("blocked/add", domain="two.example")
        agree(*c)
        assert "drifted" in c[1].log("clusterd")


def test_restarts_catch_up():
    with cluster(3) as c:
        for daemon in ("clusterd", "webd"):
            for node in c:
                node.kill(daemon)
        for i in range(3):
            wait_until(lambda: c[0].ctl("config", "set", f"blockingAnswerTtl={300 + i}", check=False).returncode == 0,
                       20, "the primary takes commits")
        agree(*c)


def test_options():
    with cluster(2) as c:
        c[0].ctl("cluster", "options", "--heartbeat", "20", "--config", "600")
        agree(*c)
        shown = state(c[1])["options"]
        assert (shown["heartbeatRefreshIntervalSeconds"], shown["configRefreshIntervalSeconds"]) == (20, 600)
        for words, said in ((("--heartbeat", "5"), "10 to 300"), (("--heartbeat", "300", "--config", "300"), "longer")):
            done = c[0].ctl("cluster", "options", *words, check=False)
            assert done.returncode == 1 and said in done.stderr
        done = c[1].ctl("cluster", "options", "--heartbeat", "40", check=False)
        assert done.returncode == 1 and f"ns1.{DOMAIN}" in done.stderr


# ---- ways out ----------------------------------------------------------------------------------


def test_leave_and_join_again():
    with cluster(2) as c:
        c[0].ctl("zone", "create", "member.example", "--catalog", CATALOG)
        wait_until(lambda: zones(c[1]).get("member.example", {}).get("state") == "ok", 15, "member zone")
        c[1].ctl("cluster", "leave")
        assert not state(c[1])["initialized"]
        assert [n["name"] for n in state(c[0])["nodes"]] == [f"ns1.{DOMAIN}"]
        wait_until(lambda: c[0].answers(DOMAIN, "NS") == [f"ns1.{DOMAIN}."], 10, "NS of the one left")
        assert c[0].answers(f"ns2.{DOMAIN}") == []
        left = zones(c[1])
        assert left["member.example"]["type"] == "Secondary" and CATALOG not in left
        assert c[1].rcode("member.example", "SOA") == "NOERROR"
        c[1].ctl("config", "set", "blockingAnswerTtl=55")     # its config is its own again
        for name in list(left):
            c[1].ctl("zone", "delete", name)
        join(c[0], c[1])
        agree(*c)


def test_leave_with_zones_as_primary_and_without_the_primary():
    with cluster(2) as c:
        c[0].ctl("zone", "create", "member.example", "--catalog", CATALOG)
        wait_until(lambda: zones(c[1]).get("member.example", {}).get("state") == "ok", 15, "member zone")
        for daemon in ("webd", "clusterd"):
            c[0].kill(daemon, signal.SIGSTOP)
        try:
            refused = c[1].ctl("cluster", "leave", check=False)
            assert refused.returncode == 1 and "force" in refused.stderr
            assert state(c[1])["initialized"]
            c[1].ctl("cluster", "leave", "--force", "--zones-as-primary")
        finally:
            for daemon in ("webd", "clusterd"):
                c[0].kill(daemon, signal.SIGCONT)
        assert not state(c[1])["initialized"]
        assert zones(c[1])["member.example"]["type"] == "Primary"


def test_remove_a_secondary():
    with cluster(3) as c:
        before = c[0].ctl("config", "get", "tsig/").stdout
        c[0].ctl("cluster", "remove", f"ns2.{DOMAIN}")
        wait_until(lambda: not state(c[1])["initialized"], 10, "the removed node knows")
        assert "************" in before or "secret" not in before
        agree(c[0], c[2])
        assert [n["name"] for n in state(c[2])["nodes"]] == [f"ns1.{DOMAIN}", f"ns3.{DOMAIN}"]
        c[0].api("zones/records/add", zone=DOMAIN, domain=f"new.{DOMAIN}", type="A", ipAddress="192.0.2.9")
        wait_until(lambda: c[2].answers(f"new.{DOMAIN}") == ["192.0.2.9"], 10, "transfers with the new key")
        for words, said in (((f"ns1.{DOMAIN}",), "delete the cluster"), (("nobody",), "no node")):
            done = c[0].ctl("cluster", "remove", *words, check=False)
            assert done.returncode == 1 and said in done.stderr
        done = c[2].ctl("cluster", "remove", f"ns1.{DOMAIN}", check=False)
        assert done.returncode == 1 and "primary" in done.stderr


def test_delete_a_dead_secondary_and_its_return():
    with cluster(3) as c:
        for daemon in ("webd", "clusterd"):
            c[1].kill(daemon, signal.SIGSTOP)
        try:
            refused = c[0].ctl("cluster", "remove", f"ns2.{DOMAIN}", check=False)
            assert refused.returncode == 1 and "could not be told" in refused.stderr
            assert len(state(c[0])["nodes"]) == 3
            c[0].ctl("cluster", "remove", f"ns2.{DOMAIN}", "--force")
        finally:
            for daemon in ("webd", "clusterd"):
                c[1].kill(daemon, signal.SIGCONT)
        agree(c[0], c[2])
        # Its credential has ended: the others refuse it, and it stays readable by itself.
        c[1].ctl("cluster", "resync", check=False)
        wait_until(lambda: "no longer" in c[0].log("clusterd"), 15, "refused by the primary")
        gone = c[1].ctl("cluster", "leave", check=False)
        assert gone.returncode == 1
        c[1].ctl("cluster", "leave", "--force")
        assert not state(c[1])["initialized"]


def test_delete_the_cluster():
    with cluster(2) as c:
        refused = c[0].ctl("cluster", "delete", check=False)
        assert refused.returncode == 1 and "secondaries" in refused.stderr
        done = c[1].ctl("cluster", "delete", check=False)
        assert done.returncode == 1 and "primary" in done.stderr
        c[0].ctl("cluster", "delete", "--force")
        assert not state(c[0])["initialized"]
        wait_until(lambda: not state(c[1])["initialized"], 10, "the secondary knows")
        assert CATALOG not in zones(c[0])
        assert c[0].answers(f"ns2.{DOMAIN}") == []
        init(c[0])                                             # and again
        assert state(c[0])["version"]["epoch"] == 2


# ---- changes of members ------------------------------------------------------------------------


def test_addresses_name_and_certificate_follow():
    with cluster(2) as c:
        other = "127.250.3.4"
        c[1].ctl("cluster", "addresses", f"{c[1].address},{other}")
        agree(*c)
        wait_until(lambda: c[0].answers(f"ns2.{DOMAIN}") == sorted([c[1].address, other]), 10, "both addresses")
        bad = c[1].ctl("cluster", "addresses", "203.0.113.1", check=False)
        assert bad.returncode == 1 and "no address of this host" in bad.stderr
        c[1].ctl("config", "set", f"dnsServerDomain=other.{DOMAIN}")
        wait_until(lambda: f"other.{DOMAIN}" in [n["name"] for n in state(c[0])["nodes"]], 20, "the new name")
        wait_until(lambda: c[0].answers(DOMAIN, "NS") == [f"ns1.{DOMAIN}.", f"other.{DOMAIN}."], 10, "NS follows")
        agree(*c)


@pytest.mark.parametrize("which", [0, 1])
def test_a_new_certificate_is_published_and_trusted(which):
    with cluster(2) as c:
        node = c[which]
        name = f"_{node.https_port}._tcp.ns{which + 1}.{DOMAIN}"
        (old,) = wait_until(lambda: c[1].answers(name, "TLSA"), 10, "TLSA")
        for path in (node.folder / "webd").glob("*.pem"):
            path.unlink()
        node.kill("webd")
        wait_until(lambda: len(c[0].answers(name, "TLSA")) == 2, 30, "the new TLSA beside the old one")
        assert old in c[0].answers(name, "TLSA")
        c[0].ctl("config", "set", "blockingAnswerTtl=99")
        agree(*c)


def test_primary_at_another_address():
    with cluster(2) as c:
        url = state(c[0])["nodes"][0]["url"]
        c[1].ctl("cluster", "primary", url, c[0].address)
        dead = c[1].ctl("cluster", "primary", url.replace(str(c[0].https_port), "1"), c[0].address, check=False)
        assert dead.returncode == 1 and "no answer" in dead.stderr
        not_primary = c[0].ctl("cluster", "primary", url, check=False)
        assert not_primary.returncode == 1
        c[0].ctl("config", "set", "blockingAnswerTtl=98")
        agree(*c)


# ---- history -----------------------------------------------------------------------------------


def test_history_diff_and_revert():
    with Node("ns1") as n:
        def revision():
            return state(n)["revision"]
        n.ctl("config", "set", "blockingAnswerTtl=41")
        first = revision()
        n.ctl("config", "set", "blockingAnswerTtl=42", "proxyType=Http", "proxyAddress=192.0.2.1",
              "proxyPort=3128", "proxyUsername=u", "proxyPassword=hush-hush")
        second = revision()
        diff = n.ctl("config", "diff", str(first), str(second)).stdout
        assert "- settings/blockingAnswerTtl = 41" in diff and "+ settings/blockingAnswerTtl = 42" in diff
        assert "hush-hush" not in diff
        assert "hush-hush" not in n.ctl("config", "get", "settings/").stdout
        n.ctl("config", "set", "blockingAnswerTtl=43")
        refused = n.ctl("config", "revert", str(second), check=False)
        assert refused.returncode == 1 and "changed again" in refused.stderr
        n.ctl("config", "revert", str(first), "--everything-after")
        assert json.loads(n.ctl("--json", "config", "get", "blockingAnswerTtl").stdout) == {"blockingAnswerTtl": 41}
        newest = json.loads(n.ctl("--json", "config", "history", "--limit", "1").stdout)[0]
        assert newest["actor"] == "local" and str(first) in newest["summary"]
        unknown = n.ctl("config", "set", "noSuchThing=1", check=False)
        assert unknown.returncode == 1 and "noSuchThing" in unknown.stderr
        for words in (("nonsense",), ("config", "nonsense"), ("config", "set", "word"), ("cluster", "init", "x"),
                      ("status", "--nonsense"), ("config", "diff", "x")):
            assert n.ctl(*words, check=False).returncode == 2, words


def test_trellisctl_says_which_daemon_is_down():
    with Node("ns1") as n:
        n.kill("dnsd", signal.SIGSTOP)
        try:
            done = n.ctl("zone", "list", check=False)
            assert done.returncode == 1 and "dnsd" in done.stderr
            shown = json.loads(n.ctl("--json", "status", check=False).stdout)
            assert [shown[d]["up"] for d in ("dnsd", "clusterd", "webd")] == [False, True, True]
        finally:
            n.kill("dnsd", signal.SIGCONT)


# ---- interrupted operations --------------------------------------------------------------------


@pytest.mark.parametrize("delay_ms", [1, 10, 25, 40, 55, 65, 75, 90])
def test_join_interrupted_by_a_kill_ends_before_or_after(delay_ms):
    with Cluster(2) as c:
        init(c[0])
        before = state(c[1])
        command = [str(c[1].bin / "trellisctl"), "-r", str((c[1].folder / "run").resolve()), "-s",
                   str(c[1].folder / "spool"), "cluster", "join", "--token", token(c[0]), c[1].address]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay_ms / 1000)   # the moment is the thing tested
        c[1].kill("clusterd")
        running.wait(60)

        def settled():
            now = state(c[1])
            return now["operation"] == "" and now
        after = wait_until(settled, 30, "the operation is finished or undone")
        if after["initialized"]:
            agree(*c)
        else:
            is_untouched(c[1], before)
            wait_until(lambda: len(state(c[0])["nodes"]) == 1, 20, "the primary has forgotten the node")


@pytest.mark.parametrize("delay_ms", [1, 10, 25, 40])
def test_initialize_interrupted_by_a_kill_ends_before_or_after(delay_ms):
    with Node("ns1") as n:
        before = state(n)
        command = [str(n.bin / "trellisctl"), "-r", str((n.folder / "run").resolve()), "cluster", "init",
                   DOMAIN, n.address]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay_ms / 1000)   # the moment is the thing tested
        n.kill("clusterd")
        running.wait(150)
        after = wait_until(lambda: (s := state(n))["operation"] == "" and s, 30, "finished or undone")
        if not after["initialized"]:
            is_untouched(n, before)
            init(n)
        assert n.answers(DOMAIN, "NS") == [f"ns1.{DOMAIN}."]
