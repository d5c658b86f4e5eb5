"""The main job by the panels of three real nodes; what the browser does is in test_main_job.mjs.
Pictures are kept in build/browser/."""

import json
import os
import shutil
import subprocess

import pytest
from node import TOP, Node

SECONDS = 180
SCREENS = TOP / "build/browser"


def setup_link(node):
    """The address with the one-time token, which the node prints at its first start."""
    return next(word for line in node.output for word in line.split() if "#/setup?token=" in word)


@pytest.mark.skipif(not (TOP / "webd/ui/dist/manifest.tsv").exists(), reason="the panel is not built")
def test_main_job_by_panels():
    shutil.rmtree(SCREENS, ignore_errors=True)
    nodes = [Node(name=f"ns{i}", password=None) for i in (1, 2, 3)]
    try:
        for node in nodes:
            node.start(wait=False)
        for node in nodes:
            node.wait_ready()
        told = [{"name": n.name, "url": n.url, "secure": n.https_url, "address": n.address,
                 "dnsPort": n.dns_port, "setup": setup_link(n)} for n in nodes]
        done = subprocess.run(["node", str(TOP / "tests/browser/test_main_job.mjs")],
                              env=dict(os.environ, NODES=json.dumps(told), SCREENS=str(SCREENS)),
                              capture_output=True, text=True, timeout=SECONDS)
        print(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr + "".join(n.logs() for n in nodes)
    finally:
        for node in nodes:
            node.stop()
    for node in nodes:
        node.check_logs()
        node.remove()
