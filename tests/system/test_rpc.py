"""The local calls under the worst that can happen to their server: kill -9, again and again."""

import collections
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("TRELLIS_BIN", TOP / "build/san/bin")).absolute()
PROGRAMS = BIN.parent / "test-programs"
RESTARTS = 100
BETWEEN = 40          # commits done by each run of the server before it is killed
LIMIT = 20            # seconds that one of these may take
OK, UNAVAILABLE, TIMEOUT = 0, 8, 9


@pytest.fixture
def folder(tmp_path_factory):
    # Socket names are short: pytest's own folders may be too deep.
    import shutil
    import tempfile
    path = Path(tempfile.mkdtemp(prefix="trellis-rpc-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def start_server(folder):
    server = subprocess.Popen([PROGRAMS / "rpc_echo_server", folder / "run", folder / "executed"],
                              stdout=subprocess.PIPE)
    assert server.stdout.readline() == b"ready\n"
    return server


def wait_for_lines(path, wanted, client):
    end = time.monotonic() + LIMIT
    while path.stat().st_size < wanted:
        assert client.poll() is None, "the client ended"
        assert time.monotonic() < end, f"{path} stopped growing"
        time.sleep(0.002)


def test_killed_and_restarted_100_times(folder):
    executed = folder / "executed"
    outcomes = folder / "outcomes"
    executed.touch()
    server = start_server(folder)
    client = subprocess.Popen([PROGRAMS / "rpc_load_client", folder / "run", outcomes],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begin = time.monotonic()
    try:
        for _ in range(RESTARTS):
            wait_for_lines(executed, executed.stat().st_size + BETWEEN * 4, client)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server.stdout.close()
            server = start_server(folder)
        wait_for_lines(executed, executed.stat().st_size + BETWEEN * 4, client)
        out, _ = client.communicate("", timeout=60)
    finally:
        for process in (server, client):
            if process.poll() is None:
                process.kill()
            process.wait()
    took = time.monotonic() - begin
    assert client.returncode == 0, out
    counts = dict(word.split("=") for word in out.split())
    assert counts["issued"] == counts["answered"]
    assert counts["gets_failed"] == "0"          # may run twice, so they are simply sent again

    runs = collections.Counter(executed.read_text().split())
    twice = [number for number, count in runs.items() if count > 1]
    assert not twice, f"ran more than once: {twice[:10]}"
    told = dict(line.split() for line in outcomes.read_text().splitlines())
    codes = collections.Counter(int(code) for code in told.values())
    assert set(codes) <= {OK, TIMEOUT, UNAVAILABLE}, codes
    for number, code in told.items():
        if int(code) == OK:
            assert runs[number] == 1, f"{number} was acknowledged but did not run"
        elif int(code) == UNAVAILABLE:
            assert runs[number] == 0, f"{number} was said not to be sent but ran"
    assert set(runs) <= set(told), "ran, but its caller was told nothing"
    print(f"measured: rpc: {RESTARTS} kills in {took:.0f} s, {counts['issued']} calls, "
          f"{codes[OK]} commits ok, {codes[TIMEOUT]} not known, "
          f"{sum(1 for n, c in told.items() if int(c) == TIMEOUT and runs[n])} of those done")
