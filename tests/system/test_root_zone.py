"""The real root zone on a cluster of three: every name and type in it, and 1,000 names that are not.

All three nodes answer alike, and as NSD answers for the same file: rcode, AA, TC, and each section as
a set of records with their TTLs. Asked by TCP, so that sizes do not matter, with DO and without.
"""

import gzip
import random
import time

import pytest

from node import Cluster, TOP, wait_until
from peers import Nsd
from wire import TYPES, Query, ask_all, normal

ROOT = TOP.parent / "shared/data/root.zone.gz"
MISSING = 1000


def queries_of(text):
    """Each owner with each of its types, and a few types that it may not have."""
    pairs = set()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 4 and fields[3] in TYPES:
            pairs.add((fields[0], TYPES[fields[3]]))
    names = sorted({name for name, _ in pairs})
    pairs |= {(name, TYPES["TXT"]) for name in names}
    r = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    existing = set(names)
    while len(existing) < len(names) + MISSING:
        label = "x" + "".join(r.choice(letters) for _ in range(r.randrange(1, 20))) + "q"
        # Straight below the root, below an existing name, or two labels deep.
        name = r.choice([f"{label}.", f"{label}.{r.choice(names)}", f"a.{label}."]).replace("..", ".")
        if name not in existing:
            existing.add(name)
            pairs.add((name, r.choice([TYPES["A"], TYPES["NS"], TYPES["DS"]])))
    ordered = sorted(pairs)
    return [Query(n, t, d) for d in (False, True) for n, t in ordered]


def without_last_soa(text):
    """The file is a transfer's dump: the SOA stands at its end once more, which NSD does not read."""
    lines = text.splitlines(keepends=True)
    assert lines[-1].split()[3] == "SOA" and lines[-1] == lines[0]
    return "".join(lines[:-1])


def describe(query, ours, theirs):
    lines = [f"{query}: rcode {ours.rcode}/{theirs.rcode} aa {ours.aa}/{theirs.aa} tc {ours.tc}/{theirs.tc}"]
    for section in ("answer", "authority", "additional"):
        a, b = getattr(ours, section), getattr(theirs, section)
        if a != b:
            lines.append(f"  {section}: only Trellis {sorted(a - b)[:4]}, only NSD {sorted(b - a)[:4]}")
    return "\n".join(lines)


@pytest.mark.skipif(not ROOT.exists(), reason="the shared data is not beside the project")
def test_the_root_zone_is_answered_alike_by_three_nodes_and_as_by_nsd(capsys):
    text = gzip.decompress(ROOT.read_bytes())
    queries = queries_of(text.decode())
    with Cluster(3) as c, Nsd() as nsd:
        c.form("root.test")
        nsd.primary(".", without_last_soa(text.decode())).start()
        first = c[0]
        first.api("zones/create", zone=".", type="Primary", catalog="cluster-catalog.root.test")
        reply = first.call("zones/import", {"zone": ".", "overwriteZone": "true", "overwriteSoaSerial": "true"},
                           body=text, headers={"Content-Type": "text/plain"})
        assert reply["status"] == "ok", reply
        started = time.monotonic()
        serial = first.answers(".", "SOA")
        for node in c:
            wait_until(lambda: node.answers(".", "SOA") == serial, 60, f"the root zone on {node.name}")
        arrived = time.monotonic() - started
        replies = [ask_all((node.address, node.dns_port), queries) for node in c]
        expected = ask_all(nsd.at, queries)
    for other in replies[1:]:
        assert other == replies[0], "two nodes answer differently"
    wrong = []
    for query, ours, theirs in zip(queries, replies[0], expected):
        a, b = normal(ours), normal(theirs)
        if a != b:
            wrong.append(describe(query, a, b))
    with capsys.disabled():
        print(f"\nmeasured: root zone: {len(queries)} questions to 3 nodes and NSD, {len(wrong)} differences; "
              f"on all nodes {arrived * 1000:.0f} ms after the import")
    assert not wrong, f"{len(wrong)} of {len(queries)}:\n" + "\n".join(wrong[:12])
