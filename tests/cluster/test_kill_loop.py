"""webd and clusterd of every node are killed for a minute under load: DNS never misses an answer."""

import os
import random
import re
import subprocess
import tempfile
import threading
import time

from node import ApiError, Cluster, wait_until

SECONDS = int(os.environ.get("KILL_SECONDS", "60"))
QUERIES_PER_SECOND = 5000     # over all nodes
WORST_PAUSE = 1.0             # between two kills


def start_dnsperf(node, names, rate):
    return subprocess.Popen(["dnsperf", "-s", node.address, "-p", str(node.dns_port), "-d", names,
                             "-Q", str(rate), "-l", str(SECONDS), "-t", "5", "-c", "4"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def write_until(c, stop, acknowledged):
    """Blocks names through any node; what was acknowledged must be there at the end."""
    number = 0
    while not stop.is_set():
        node = random.choice(c.nodes)
        name = f"n{number}.killed.example"
        number += 1
        try:
            node.api("blocked/add", domain=name, timeout=10)
            acknowledged.append(name)
        except (ApiError, OSError, ValueError):
            stop.wait(0.05)


def test_killing_webd_and_clusterd_loses_no_query_and_no_commit(capsys):
    with Cluster(3) as c:
        c.form("kill.test")
        c[0].api("zones/create", zone="a.test", type="Primary", catalog="cluster-catalog.kill.test")
        for i in range(20):
            c[0].api("zones/records/add", zone="a.test", domain=f"h{i}.a.test", type="A",
                     ipAddress=f"192.0.2.{i + 1}")
        for node in c:
            wait_until(lambda: node.answers("h19.a.test") == ["192.0.2.20"], 30, "the zone everywhere")
        for node in c:
            node.login()
        with tempfile.NamedTemporaryFile("w", suffix=".queries") as names:
            names.write("".join(f"h{i % 25}.a.test A\n" for i in range(1000)))
            names.flush()
            loads = [start_dnsperf(node, names.name, QUERIES_PER_SECOND // 3) for node in c]
            stop, acknowledged = threading.Event(), []
            writer = threading.Thread(target=write_until, args=(c, stop, acknowledged))
            writer.start()
            kills = 0
            end = time.monotonic() + SECONDS - 2
            while time.monotonic() < end:
                random.choice(c.nodes).kill(random.choice(("webd", "clusterd")))
                kills += 1
                stop.wait(random.uniform(0.1, WORST_PAUSE))
            stop.set()
            writer.join(60)
            outputs = [load.communicate(timeout=60)[0] for load in loads]
        wait_until(lambda: all(node.call("user/session/get", token="0" * 64, timeout=3)["status"] ==
                               "invalid-token" for node in c), 30, "all panels answer")
        wait_until(lambda: len(c.converged()) == 1, 60, "versions and digests are equal")
        sent = sum(int(re.search(r"Queries sent:\s+(\d+)", text).group(1)) for text in outputs)
        lost = sum(int(re.search(r"Queries lost:\s+(\d+)", text).group(1)) for text in outputs)
        with capsys.disabled():
            print(f"\nmeasured: {kills} kills in {SECONDS} s, {sent} queries, {lost} lost, "
                  f"{len(acknowledged)} commits acknowledged")
        assert lost == 0, "\n".join(outputs)
        assert sent > QUERIES_PER_SECOND * SECONDS * 0.9
        assert acknowledged, "no write went through at all"
        for node in c:
            for name in acknowledged:
                wait_until(lambda: node.rcode(name) == "NXDOMAIN", 10, f"{name} is blocked on {node.name}")
