"""Other name servers for comparison and transfer tests: NSD, Knot, BIND, Unbound from Debian's packages.

    key = Key("k.example", "hmac-sha256")
    with Nsd() as nsd:
        nsd.primary("a.test", text, key=key, notify=[(node.address, node.dns_port)])
        nsd.secondary("b.test", (node.address, node.dns_port), key=key)
        nsd.start()

A peer runs in the foreground from a temporary folder, on an address and port of its own, with its
services neither installed nor enabled by us. Zones are declared before `start`. It says what it did in
`log()`.
"""

import base64
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from node import free_address, free_port, wait_until

START_SECONDS = 30


class Key:
    """A TSIG key; without a secret it draws one."""

    def __init__(self, name, algorithm="hmac-sha256", secret=None):
        self.name = name
        self.algorithm = algorithm
        self.secret = secret or base64.b64encode(os.urandom(32)).decode()

    def spoiled(self):
        """The same name and algorithm with another secret."""
        return Key(self.name, self.algorithm)


class Zone:
    def __init__(self, name, key):
        self.name = name
        self.key = key
        self.primary = None     # (address, port) of a secondary zone's primary
        self.text = None        # zone file of a primary zone
        self.notify = []        # [(address, port)]
        self.path = None


class Peer:
    program = None
    stop_signal = signal.SIGTERM

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"trellis-{type(self).__name__.lower()}-"))
        self.address = free_address()
        self.port = free_port(self.address)
        self.zones = {}
        self.process = None

    @classmethod
    def missing(cls):
        """Why it cannot run here; None = it can."""
        return None if shutil.which(cls.program) or Path(f"/usr/sbin/{cls.program}").exists() else \
            f"{cls.program} is not installed"

    @property
    def at(self):
        return self.address, self.port

    # ---- zones ----

    def primary(self, name, text, key=None, notify=()):
        zone = self.zones[name] = Zone(name, key)
        zone.notify = list(notify)
        zone.path = self.folder / f"{len(self.zones)}.zone"
        self.write(name, text)
        return self

    def secondary(self, name, primary, key=None):
        zone = self.zones[name] = Zone(name, key)
        zone.primary = primary
        zone.path = self.folder / f"{len(self.zones)}.zone"
        return self

    def write(self, name, text):
        """New contents of a primary zone; taken up by `reload`."""
        zone = self.zones[name]
        zone.text = text
        # Whole or not at all, and newer to the second: servers compare the file's time.
        new = zone.path.with_suffix(".new")
        new.write_text(text)
        if zone.path.exists():
            later = zone.path.stat().st_mtime + 2
            os.utime(new, (later, later))
        new.rename(zone.path)

    def keys(self):
        return {z.key.name: z.key for z in self.zones.values() if z.key}.values()

    # ---- life ----

    def start(self):
        (self.folder / "server.conf").write_text(self.config())
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, start_new_session=True)
        wait_until(self.answers, START_SECONDS, f"{self.program} answers")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.program} ended with {self.process.returncode}:\n{self.log()}")
        name = next((z.name for z in self.zones.values() if z.text), ".")
        reply = self.query(name, "SOA", timeout=0.5)
        return reply.rcode() == dns.rcode.NOERROR or not any(z.text for z in self.zones.values())

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)   # the session that was made for it
                self.process.wait()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # ---- asking ----

    def query(self, name, kind="A", tcp=False, timeout=5, **options):
        message = dns.message.make_query(name, kind, **options)
        message.flags &= ~dns.flags.RD
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, self.address, port=self.port, timeout=timeout)

    def serial(self, name):
        """The SOA serial that it answers with; None = it has no answer."""
        reply = self.query(name, "SOA", timeout=2)
        for rrset in reply.answer:
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset[0].serial
        return None

    def command(self):
        raise NotImplementedError

    def config(self):
        raise NotImplementedError


class Nsd(Peer):
    """`minimal`: NSD leaves out what a referral or answer can do without (its default)."""

    program = "nsd"

    def __init__(self, minimal=True):
        super().__init__()
        self.minimal = minimal

    def command(self):
        return ["nsd", "-d", "-c", str(self.folder / "server.conf")]

    def config(self):
        f = self.folder
        text = f"""server:
    ip-address: {self.address}
    port: {self.port}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{f}"
    pidfile: "{f}/nsd.pid"
    xfrdfile: "{f}/xfrd.state"
    xfrdir: "{f}"
    zonelistfile: "{f}/zone.list"
    verbosity: 3
    rrl-ratelimit: 0
    minimal-responses: {"yes" if self.minimal else "no"}
    refuse-any: no
remote-control:
    control-enable: no
"""
        for key in self.keys():
            text += f'key:\n    name: "{key.name}"\n    algorithm: {key.algorithm}\n    secret: "{key.secret}"\n'
        for zone in self.zones.values():
            key = zone.key.name if zone.key else "NOKEY"
            text += f'zone:\n    name: "{zone.name}"\n    zonefile: "{zone.path}"\n    outgoing-interface: {self.address}\n'
            text += f"    provide-xfr: 127.0.0.0/8 {key}\n"
            if zone.primary:
                address, port = zone.primary
                # NOTIFY may come unsigned: it only makes the secondary look.
                text += "".join(f"    allow-notify: 127.0.0.0/8 {k}\n" for k in {key, "NOKEY"})
                text += f"    request-xfr: {address}@{port} {key}\n"
            for address, port in zone.notify:
                text += f"    notify: {address}@{port} {key}\n"
        return text


class Knot(Peer):
    program = "knotd"

    def command(self):
        return ["knotd", "-c", str(self.folder / "server.conf")]

    def config(self):
        f = self.folder
        text = f"""server:
    rundir: "{f}"
    listen: {self.address}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{f}"
"""
        keys = list(self.keys())
        if keys:
            text += "key:\n"
        for key in keys:
            text += f'  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: "{key.secret}"\n'
        remotes = {}
        for zone in self.zones.values():
            for address, port in [zone.primary] if zone.primary else zone.notify:
                remotes[f"r{len(remotes)}"] = (zone, address, port)
        if remotes:
            text += "remote:\n"
        for name, (zone, address, port) in remotes.items():
            text += f"  - id: {name}\n    address: {address}@{port}\n    via: {self.address}\n"
            text += f"    key: {zone.key.name}\n" if zone.key else ""
        # NOTIFY may come unsigned: it only makes the secondary look.
        text += "acl:\n  - id: notify\n    address: 127.0.0.0/8\n    action: notify\n"
        for i, zone in enumerate(self.zones.values()):
            text += f"  - id: a{i}\n    address: 127.0.0.0/8\n    action: [transfer, notify]\n"
            text += f"    key: {zone.key.name}\n" if zone.key else ""
        text += "zone:\n"
        for i, zone in enumerate(self.zones.values()):
            names = [n for n, (z, _, _) in remotes.items() if z is zone]
            text += f'  - domain: "{zone.name}"\n    file: "{zone.path}"\n    acl: [a{i}, notify]\n'
            if zone.primary:
                text += f"    master: {names[0]}\n"
            elif names:
                text += f"    notify: [{', '.join(names)}]\n"
        return text


class Bind(Peer):
    """On 127.0.0.1: named listens on addresses that an interface has, not on all that it could."""

    program = "named"

    def __init__(self):
        super().__init__()
        self.address = "127.0.0.1"
        self.port = free_port(self.address)

    def command(self):
        return ["named", "-g", "-n", "1", "-U", "1", "-c", str(self.folder / "server.conf")]

    def config(self):
        f = self.folder
        text = f"""options {{
    directory "{f}";
    pid-file "{f}/named.pid";
    session-keyfile "{f}/session.key";
    managed-keys-directory "{f}";
    listen-on port {self.port} {{ {self.address}; }};
    listen-on-v6 {{ none; }};
    notify-source {self.address};
    transfer-source {self.address};
    query-source {self.address};
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    minimal-responses yes;
    notify explicit;
    notify-delay 0;
    check-names primary ignore;
    check-names secondary ignore;
    allow-transfer {{ none; }};
    max-refresh-time 60;
    min-refresh-time 1;
}};
controls {{ }};
"""
        for key in self.keys():
            text += f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n'
        for zone in self.zones.values():
            key = f' key "{zone.key.name}"' if zone.key else ""
            text += f'zone "{zone.name}" {{\n    file "{zone.path}";\n'
            if zone.primary:
                address, port = zone.primary
                text += f"    type secondary;\n    masterfile-format text;\n    request-ixfr yes;\n"
                text += f"    primaries {{ {address} port {port}{key}; }};\n"
                text += f"    allow-notify {{ 127.0.0.0/8; }};\n"
            allowed = f'key "{zone.key.name}"' if zone.key else "127.0.0.0/8"
            text += f"    allow-transfer {{ {allowed}; }};\n"
            if not zone.primary:
                notify = "".join(f" {a} port {p}{key};" for a, p in zone.notify)
                text += "    type primary;\n"
                text += f"    also-notify {{{notify} }};\n" if notify else ""
            text += "};\n"
        return text


class Unbound(Peer):
    """A resolver that asks `forward` (or its stub zones) and nobody else."""

    program = "unbound"

    def __init__(self, stubs=None):
        super().__init__()
        self.stubs = stubs or {}    # zone: (address, port)

    def command(self):
        return ["unbound", "-d", "-p", "-c", str(self.folder / "server.conf")]

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"unbound ended with {self.process.returncode}:\n{self.log()}")
        self.query("localhost", "A", timeout=0.5)
        return True

    def config(self):
        text = f"""server:
    interface: {self.address}
    port: {self.port}
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    do-not-query-localhost: no
    username: ""
    chroot: ""
    directory: "{self.folder}"
    pidfile: ""
    use-syslog: no
    module-config: "iterator"
    num-threads: 1
remote-control:
    control-enable: no
"""
        for zone, (address, port) in self.stubs.items():
            text += f'stub-zone:\n    name: "{zone}"\n    stub-addr: {address}@{port}\n'
        return text


TRANSFER_PEERS = [Nsd, Knot, Bind]
