"""Real nodes for tests: each is a packaging/trellis-node process on its own loopback address.

    with Cluster(3) as c:
        c.form("example.test")
        c[0].api("zones/create", zone="a.test", type="Primary")

Addresses and ports are free ones of the moment; folders are temporary and removed on success, kept
(and named in the failure) when the node died by itself. Nothing here sleeps for a result: waits are
on a condition, with a deadline.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode

TOP = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TRELLIS_BIN", TOP / "build/san/bin")).absolute()
PASSWORD = "correct horse battery staple 7"
START_SECONDS = 60


class ApiError(Exception):
    def __init__(self, reply):
        super().__init__(reply.get("errorMessage") or reply.get("status"))
        self.reply = reply


def wait_until(test, seconds=20, what="condition", step=0.01):
    """Calls `test` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    error = None
    while time.monotonic() < deadline:
        try:
            value = test()
            if value:
                return value
            error = None
        except (OSError, ApiError, dns.exception.DNSException) as e:
            error = e
        time.sleep(step)
    raise AssertionError(f"{what}: not within {seconds} s" + (f" (last error: {error})" if error else ""))


_addresses = iter(random.sample(range(2, 250 * 250), 4000))


def free_address():
    """A loopback address that no other test of this machine is likely to use."""
    n = next(_addresses)
    return f"127.{random.randrange(16, 240)}.{n // 250 + 1}.{n % 250 + 2}"


def free_port(address):
    """A port that is free for UDP and TCP at `address` now."""
    for _ in range(100):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as t, \
                contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as u:
            t.bind((address, 0))
            port = t.getsockname()[1]
            try:
                u.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port at {address}")


class Node:
    """One node. `start()` returns when it said `ready`."""

    def __init__(self, name="ns1", folder=None, seed=None, password=PASSWORD, address=None, bin=None):
        self.name = name
        self.folder = Path(folder or tempfile.mkdtemp(prefix=f"trellis-{name}-"))
        self.keep = folder is not None
        self.address = address or free_address()
        self.dns_port = free_port(self.address)
        self.http_port = free_port(self.address)
        self.https_port = free_port(self.address)
        self.password = password
        self.seed = seed
        self.bin = Path(bin or BIN)
        self.process = None
        self.token = None
        self.output = []

    # ---- life ----

    def command(self):
        words = [str(TOP / "packaging/trellis-node"), str(self.folder), "--address", self.address,
                 "--dns-port", str(self.dns_port), "--http-port", str(self.http_port),
                 "--https-port", str(self.https_port), "--name", self.name]
        if self.password:
            path = self.folder.parent / f"{self.folder.name}.password"
            path.write_text(self.password + "\n")
            path.chmod(0o600)
            words += ["--admin-password-file", str(path)]
        if self.seed is not None:
            path = self.folder.parent / f"{self.folder.name}.seed.json"
            path.write_text(json.dumps(self.seed))
            words += ["--seed", str(path)]
        return words

    def start(self, wait=True):
        env = dict(os.environ, TRELLIS_BIN=str(self.bin))
        env.setdefault("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=env)
        threading.Thread(target=self._follow, daemon=True).start()
        if wait:
            self.wait_ready()
        return self

    def _follow(self):
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.strip() == "ready":
                self.ready.set()
        self.ended.set()
        self.ready.set()

    def wait_ready(self):
        if not self.ready.wait(START_SECONDS) or self.ended.is_set():
            raise AssertionError(f"{self.name} did not start:\n" + "\n".join(self.output) + self.logs())
        return self

    def stop(self):
        """Stops the node as an operator would; its exit code must be 0."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"{self.name} did not stop within 15 s") from None
        self.process = None
        assert code == 0, f"{self.name} ended with {code}:\n" + "\n".join(self.output) + self.logs()

    def remove(self):
        for path in self.folder.parent.glob(self.folder.name + ".*"):
            path.unlink()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise
        if kind is None:
            self.check_logs()
            self.remove()

    def logs(self, lines=15):
        text = ""
        for path in sorted((self.folder / "log").glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            text += f"\n--- {path}\n" + "\n".join(tail)
        return text

    def log(self, daemon):
        path = self.folder / "log" / f"{daemon}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def check_logs(self):
        """A sanitizer's report fails the test that caused it."""
        for path in (self.folder / "log").glob("*.log"):
            text = path.read_text(errors="replace")
            for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "Assertion"):
                if mark in text:
                    at = text.index(mark)
                    raise AssertionError(f"{path}:\n{text[max(0, at - 300):at + 4000]}")

    def pid(self, daemon):
        return int((self.folder / f"{daemon}.pid").read_text())

    def kill(self, daemon, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self.pid(daemon), number)

    def ctl(self, *words, check=True):
        run = os.path.realpath(self.folder / "run")
        done = subprocess.run([str(self.bin / "trellisctl"), "-r", run, "-s",
                               str(self.folder / "spool"), *words],
                              capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"trellisctl {' '.join(words)}: {done.stderr or done.stdout}")
        return done

    # ---- HTTP ----

    @property
    def url(self):
        return f"http://{self.address}:{self.http_port}"

    @property
    def https_url(self):
        return f"https://{self.address}:{self.https_port}"

    def login(self, user="admin", password=None):
        reply = self.call("user/login", {"user": user, "pass": password or self.password}, token=False)
        if reply["status"] != "ok":
            raise ApiError(reply)
        self.token = reply["token"]
        return reply

    def call(self, path, params=None, token=None, body=None, headers=None, timeout=60, method=None,
             raw=False):
        """The JSON reply whatever its status (or the bytes, `raw`). Parameters go as a form, or in
        the query when there is a body."""
        sent = dict(headers or {})
        if token is None:
            if self.token is None:
                self.login()
            token = self.token
        if token:
            sent["Authorization"] = f"Bearer {token}"
        url = f"{self.url}/api/{path}"
        encoded = urllib.parse.urlencode({k: v for k, v in (params or {}).items() if v is not None})
        if body is None and method != "GET":
            body = encoded.encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif encoded:
            url += "?" + encoded
        request = urllib.request.Request(url, data=None if method == "GET" else body, headers=sent,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                content = answer.read()
        except urllib.error.HTTPError as e:
            content = e.read()
            if not content:
                raise
        return content if raw else json.loads(content)

    def api(self, path, body=None, headers=None, timeout=60, **params):
        """The payload of a successful call; ApiError otherwise. Booleans become true/false."""
        shown = {k.rstrip("_"): str(v).lower() if isinstance(v, bool) else v for k, v in params.items()}
        reply = self.call(path, shown, body=body, headers=headers, timeout=timeout)
        if reply.get("status") != "ok":
            raise ApiError(reply)
        return reply.get("response", reply)

    # ---- DNS ----

    def query(self, name, kind="A", tcp=False, timeout=5, **options):
        message = dns.message.make_query(name, kind, **options)
        message.flags &= ~dns.flags.RD
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, self.address, port=self.dns_port, timeout=timeout)

    def answers(self, name, kind="A"):
        """Texts of the answer section's records, sorted."""
        return sorted(r.to_text() for s in self.query(name, kind).answer for r in s)

    def rcode(self, name, kind="A"):
        return dns.rcode.to_text(self.query(name, kind).rcode())


class Cluster:
    """Several nodes; `form` makes them a cluster with the first as primary."""

    def __init__(self, count, **options):
        self.nodes = [Node(f"ns{i + 1}", **options) for i in range(count)]
        self.domain = None

    def __getitem__(self, index):
        return self.nodes[index]

    def __iter__(self):
        return iter(self.nodes)

    def __enter__(self):
        for node in self.nodes:
            node.start(wait=False)
        try:
            for node in self.nodes:
                node.wait_ready()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        failures = []
        for node in self.nodes:
            try:
                node.stop()
                if kind is None:
                    node.check_logs()
            except AssertionError as e:
                failures.append(e)
        if kind is None and failures:
            raise failures[0]
        if kind is None:
            for node in self.nodes:
                node.remove()

    def form(self, domain="cluster.test"):
        self.domain = domain
        first = self.nodes[0]
        first.api("admin/cluster/init", clusterDomain=domain, primaryNodeIpAddresses=first.address)
        for node in self.nodes[1:]:
            self.join(node)
        wait_until(lambda: len(self.converged()) == 1, 30, "all nodes on one version")
        return self

    def join(self, node):
        first = self.nodes[0]
        url = next(n["url"] for n in first.api("admin/cluster/state")["clusterNodes"] if n["state"] == "Self")
        reply = node.api("admin/cluster/initJoin", primaryNodeUrl=url,
                         primaryNodeIpAddress=first.address, primaryNodeUsername="admin",
                         primaryNodePassword=first.password, ignoreCertificateErrors=True,
                         secondaryNodeIpAddresses=node.address, timeout=120)
        node.token = None           # users come from the primary now
        node.password = first.password
        return reply

    def converged(self):
        """The set of (version, digest) over all nodes; one member = all agree."""
        seen = set()
        for node in self.nodes:
            state = json.loads(node.ctl("--json", "cluster", "state").stdout)
            seen.add((json.dumps(state.get("version"), sort_keys=True), state.get("digest")))
        return seen
