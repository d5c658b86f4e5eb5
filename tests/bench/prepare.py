#!/usr/bin/python3
"""prepare.py DIR PORT SCENARIO: a Trellis node under DIR/node that holds the scenario's zones.

Starts a node, imports every zone of the scenario, stops the node. What stays is dnsd's store and its
last configuration, from which dnsd alone serves on 127.0.0.1:PORT. A folder that is prepared already
is kept. Prints what the import took.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from node import Node, TOP     # noqa: E402

import os


def main():
    folder, port, scenario = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    done = folder / "node" / "prepared"
    if done.exists():
        return
    node = Node(folder=folder / "node", address="127.0.0.1",
                bin=os.environ.get("TRELLIS_BIN", TOP / "build/release/bin"))
    node.dns_port = port
    node.start()
    start = time.monotonic()
    for zone, path in scenario["zones"]:
        with open(path, "rb") as f:
            node.call("zones/create", {"zone": zone, "type": "Primary"})
            reply = node.call("zones/import", {"zone": zone, "overwriteZone": "true"}, body=f.read(),
                              headers={"Content-Type": "text/plain"}, timeout=300)
        if reply["status"] != "ok":
            raise SystemExit(f"{path}: {reply['errorMessage']}")
    print(f"  trellis: {len(scenario['zones'])} zones in {time.monotonic() - start:.2f} s", flush=True)
    node.stop()
    done.write_text("")


if __name__ == "__main__":
    main()
