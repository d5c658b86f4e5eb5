"""Starting where something is wrong: each fault has a clear text, and nothing is lost."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from node import Node, wait_until


def run_to_end(node):
    """Starts a node that is expected to give up; returns its output."""
    node.start(wait=False)
    node.process.wait(60)
    node.ended.wait(5)
    code, node.process = node.process.returncode, None
    assert code == 1, "\n".join(node.output)
    return "\n".join(node.output)


@pytest.mark.parametrize("kind, port, word", [
    (socket.SOCK_DGRAM, "dns_port", "DNS port"),
    (socket.SOCK_STREAM, "dns_port", "DNS port"),
    (socket.SOCK_STREAM, "http_port", "HTTP port"),
])
def test_a_taken_port_is_named(kind, port, word):
    node = Node()
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as taken:
        taken.bind((node.address, getattr(node, port)))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        text = run_to_end(node)
    assert f"{word} {getattr(node, port)} on {node.address}" in text and "in use" in text, text
    node.start()          # and with the port free again it runs
    node.stop()
    node.remove()


def test_a_folder_that_is_not_writable_is_named():
    if os.geteuid() != 0:
        pytest.skip("needs root to make a read-only mount")
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", top], check=True)
        try:
            node = Node(folder=Path(top) / "node")
            node.password = None
            text = run_to_end(node)
        finally:
            subprocess.run(["umount", top], check=True)
    assert "cannot write below" in text and "Read-only" in text, text


def damage(path):
    with open(path, "r+b") as f:
        f.write(b"\xff" * 8192)


@pytest.mark.parametrize("daemon, pattern", [("clusterd", "*.db"), ("dnsd", "**/data.mdb")])
def test_a_corrupt_store_names_its_file_and_the_way_back(daemon, pattern):
    node = Node().start()
    node.api("zones/create", zone="kept.test", type="Primary")
    node.stop()
    files = list((node.folder / daemon).glob(pattern))
    assert files, f"no store of {daemon}"
    saved = {path: path.read_bytes() for path in files}
    for path in files:
        damage(path)
        for side in path.parent.glob(path.name + "-*"):
            side.unlink()
    text = run_to_end(node)
    assert str(files[0]) in text, text
    assert "put back a backup" in text or "put a copy" in text, text
    for path, content in saved.items():
        path.write_bytes(content)
    node.start()
    assert node.answers("kept.test", "SOA")
    node.stop()
    node.remove()


def test_a_node_keeps_its_zones_and_settings_over_a_restart():
    node = Node().start()
    node.api("zones/create", zone="kept.test", type="Primary")
    node.api("zones/records/add", zone="kept.test", domain="www.kept.test", type="A", ipAddress="192.0.2.9")
    node.api("blocked/add", domain="ads.example")
    node.api("settings/set", defaultRecordTtl=1234)
    node.stop()
    with node:
        node.token = None
        assert node.answers("www.kept.test") == ["192.0.2.9"]
        assert node.rcode("sub.ads.example") == "NXDOMAIN"
        assert node.api("settings/get")["defaultRecordTtl"] == 1234


def test_every_daemon_can_be_killed_and_comes_back():
    with Node() as node:
        node.api("zones/create", zone="kept.test", type="Primary")
        for daemon in ("dnsd", "clusterd", "webd"):
            before = node.pid(daemon)
            node.kill(daemon)
            wait_until(lambda: node.pid(daemon) != before, 10, f"{daemon} is started again")
            wait_until(lambda: node.answers("kept.test", "SOA"), 10, "DNS answers")
            wait_until(lambda: node.api("zones/list")["zones"], 10, "the API answers")
        node.api("zones/records/add", zone="kept.test", domain="a.kept.test", type="A", ipAddress="192.0.2.1")
        assert node.answers("a.kept.test") == ["192.0.2.1"]


def test_dnsd_starts_and_serves_alone():
    """With clusterd and webd gone, dnsd restarted from its own files answers as before."""
    with Node() as node:
        node.api("zones/create", zone="kept.test", type="Primary")
        node.api("blocked/add", domain="ads.example")
        wait_until(lambda: node.rcode("ads.example") == "NXDOMAIN", 5, "the name is blocked")
        config = node.folder / "etc/dnsd.conf"
        node.stop()
        with subprocess.Popen([str(node.bin / "dnsd"), "-c", str(config)]) as alone:
            try:
                wait_until(lambda: node.answers("kept.test", "SOA"), 20, "dnsd alone answers")
                assert node.rcode("x.ads.example") == "NXDOMAIN"
            finally:
                alone.terminate()
        node.start()


def test_a_full_disk_refuses_changes_and_goes_on_serving():
    if os.geteuid() != 0:
        pytest.skip("needs root to make a small file system")
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", top], check=True)
        try:
            node = Node(folder=Path(top) / "node").start()
            node.api("zones/create", zone="kept.test", type="Primary")
            filler = Path(top) / "filler"
            with contextlib.suppress(OSError), open(filler, "wb") as f:
                while True:
                    f.write(b"x" * 4096)
                    f.flush()
            replies = []
            for i in range(300):
                replies.append(node.call("zones/records/add", {
                    "zone": "kept.test", "domain": f"h{i}.kept.test", "type": "TXT", "text": "x" * 250}))
                replies.append(node.call("blocked/add", {"domain": f"b{i}.example"}))
            refused = [r for r in replies if r["status"] != "ok"]
            assert refused, "the file system was not filled"
            assert all("space" in r["errorMessage"] or "full" in r["errorMessage"] for r in refused), refused[0]
            assert node.answers("kept.test", "SOA")
            kept = [i for i in range(300) if replies[2 * i]["status"] == "ok"]
            filler.unlink()
            wait_until(lambda: node.call("zones/records/add", {
                "zone": "kept.test", "domain": "after.kept.test", "type": "A",
                "ipAddress": "192.0.2.1"})["status"] == "ok", 20, "changes are taken again")
            for i in kept[-3:]:
                assert node.answers(f"h{i}.kept.test", "TXT")
            node.stop()
            node.check_logs()
        finally:
            subprocess.run(["umount", "-l", top], check=True)


def test_a_seed_is_applied_at_the_first_start_only():
    seed = {"settings": {"defaultRecordTtl": 777}, "allowed": ["good.example"], "blocked": ["bad.example"],
            "users": [{"username": "ops", "password": "Quite a long pass 1", "displayName": "Ops",
                       "groups": ["DNS Administrators"]}],
            "zones": [{"name": "seed.test", "type": "Primary",
                       "records": [{"domain": "www.seed.test", "type": "A", "ipAddress": "192.0.2.5"}]}]}
    node = Node(seed=seed).start()
    assert node.answers("www.seed.test") == ["192.0.2.5"]
    wait_until(lambda: node.rcode("bad.example") == "NXDOMAIN", 5, "the name is blocked")
    assert node.api("settings/get")["defaultRecordTtl"] == 777
    node.api("blocked/delete", domain="bad.example")
    node.stop()
    with node:
        node.token = None
        wait_until(lambda: node.rcode("bad.example") == "REFUSED", 5, "the name is no longer blocked")
        reply = node.login("ops", "Quite a long pass 1")
        assert reply["username"] == "ops"


def test_it_stops_within_five_seconds_and_says_where_it_listens():
    import time
    node = Node().start()
    assert json.loads(node.ctl("--json", "status").stdout)
    begin = time.monotonic()
    node.stop()
    assert time.monotonic() - begin < 5
    assert not list(node.folder.glob("*.pid"))
    node.remove()
