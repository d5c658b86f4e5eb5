"""The HTTP API as clients see it: first run, logins, tokens, every call with good and bad input."""

import gzip
import http.client
import json
import re
import socket
import threading
import time
import urllib.parse
from pathlib import Path

import pytest
from node import ApiError, Node, PASSWORD, wait_until


@pytest.fixture(scope="module")
def node():
    with Node("api") as n:
        yield n


def raw(node, method, path, headers=None, body=None):
    """(status, headers, body) of one request, nothing added or followed."""
    connection = http.client.HTTPConnection(node.address, node.http_port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def refused(node, path, says, **params):
    with pytest.raises(ApiError) as e:
        node.api(path, **params)
    assert says in str(e.value), e.value.reply
    assert e.value.reply["status"] == "error"


# ---- first run ----------------------------------------------------------------------------------

def test_first_run_with_the_setup_token():
    with Node("first", password=None) as n:
        assert n.call("user/setupStatus", token=False)["response"] == {"setupRequired": True}
        path = n.folder / "webd/setup-token"
        assert path.stat().st_mode & 0o777 == 0o600
        token = path.read_text().strip()
        assert token == n.ctl("setup-token").stdout.strip()
        assert re.fullmatch(r"([0-9a-f]{8}-){7}[0-9a-f]{8}", token)
        # No default password opens the door.
        for guess in ("admin", ""):
            assert n.call("user/login", {"user": "admin", "pass": guess}, token=False)["status"] == "error"
        wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
        assert n.call("user/setup", {"token": wrong, "pass": "x"}, token=False)["status"] == "error"
        reply = n.call("user/setup", {"token": token.upper().replace("-", " "), "pass": PASSWORD}, token=False)
        assert reply["status"] == "ok" and reply["username"] == "admin"
        assert n.call("user/session/get", token=reply["token"])["status"] == "ok"
        wait_until(lambda: not path.exists(), what="the set-up token to go")
        again = n.call("user/setup", {"token": token, "pass": "other"}, token=False)
        assert again["status"] == "error"
        n.password = PASSWORD
        n.login()


def test_setup_is_post_only(node):
    status, _, body = raw(node, "GET", "/api/user/setup?token=x&pass=y")
    assert json.loads(body)["status"] == "invalid-token" and status == 200


# ---- logins -------------------------------------------------------------------------------------

def test_failures_delay_and_block():
    with Node("block") as n:
        started = time.monotonic()
        reply = n.call("user/login", {"user": "admin", "pass": "wrong"}, token=False)
        assert reply["errorMessage"] == "Invalid username or password."
        assert time.monotonic() - started >= 1
        for _ in range(4):
            n.call("user/login", {"user": "nobody", "pass": "wrong"}, token=False)
        started = time.monotonic()
        reply = n.call("user/login", {"user": "admin", "pass": n.password}, token=False)
        assert "blocked" in reply["errorMessage"]
        assert time.monotonic() - started < 1
        # Behind a trusted proxy (loopback is one) the block is the client's own.
        reply = n.call("user/login", {"user": "admin", "pass": n.password}, token=False,
                       headers={"X-Real-IP": "192.0.2.77"})
        assert reply["status"] == "ok"


def test_parallel_guesses_do_not_pass_the_limit():
    with Node("parallel") as n:
        sockets = []
        body = "user=admin&pass=wrong"
        for _ in range(20):
            s = socket.create_connection((n.address, n.http_port))
            s.sendall((f"POST /api/user/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
                       f"{body}").encode())
            sockets.append(s)
        texts = []
        for s in sockets:
            data = b""
            while chunk := s.recv(65536):
                data += chunk
            s.close()
            texts.append(data.decode())
        assert sum("Invalid username" in t for t in texts) == 5
        assert sum("blocked" in t for t in texts) == 15


def test_many_logins_at_once(node):
    """More right logins at the same time than failures are allowed: all get in."""
    results = []

    def login():
        reply = node.call("user/login", {"user": "admin", "pass": node.password}, token=False)
        results.append(reply.get("errorMessage", "ok"))

    threads = [threading.Thread(target=login) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == ["ok"] * 20


def test_session_life(node):
    reply = node.login()
    assert re.fullmatch(r"[0-9a-f]{64}", reply["token"])
    assert set(reply) == {"displayName", "username", "isSsoUser", "totpEnabled", "token", "server", "status"}
    info = node.call("user/session/get")["info"]
    assert info["permissions"]["Administration"] == {"canView": True, "canModify": True, "canDelete": True}
    assert list(info["permissions"]) == ["Dashboard", "Zones", "Cache", "Allowed", "Blocked", "Apps", "DnsClient",
                                         "Settings", "DhcpServer", "Administration", "Logs"]
    token = node.login()["token"]
    assert node.call("user/logout", token=token)["status"] == "ok"
    assert node.call("user/session/get", token=token)["status"] == "invalid-token"
    assert node.call("user/logout", token="0" * 64)["status"] == "ok"
    node.token = None


def test_cookie_counts_only_for_the_panel(node):
    status, headers, body = raw(node, "POST", "/api/user/login", {"X-Trellis": "1", "Content-Type":
                                "application/x-www-form-urlencoded"},
                                urllib.parse.urlencode({"user": "admin", "pass": node.password}))
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    value = cookie.split(";")[0]

    def ask(method, extra):
        return json.loads(raw(node, method, "/api/user/session/get", {"Cookie": value, **extra})[2])["status"]

    assert ask("POST", {"X-Trellis": "1"}) == "ok"
    assert ask("POST", {}) == "invalid-token"
    assert ask("GET", {"X-Trellis": "1"}) == "invalid-token"
    assert "Set-Cookie" not in raw(node, "POST", "/api/user/logout")[1]


def test_sessions_survive_a_restart(node):
    token = node.login()["token"]
    api_token = node.api("user/createToken", tokenName="kept")["token"]
    before = node.pid("webd")
    node.kill("webd")
    wait_until(lambda: node.pid("webd") != before, what="a new webd")
    wait_until(lambda: node.call("user/session/get", token=token)["status"] == "ok", what="the session")
    reply = node.call("user/session/get", token=api_token)
    assert reply["status"] == "ok" and reply["tokenName"] == "kept"
    # The token itself is kept nowhere.
    for path in (node.folder / "webd").iterdir():
        assert token.encode() not in path.read_bytes(), path


def test_tokens(node):
    reply = node.call("user/createToken", {"user": "admin", "pass": node.password, "tokenName": "script"}, token=False)
    assert set(reply) == {"username", "tokenName", "token", "server", "status"}
    token = reply["token"]
    assert node.call("zones/list", token=token)["status"] == "ok"
    assert node.call("zones/list", {"token": token}, token=False)["status"] == "ok"
    assert node.call("user/createToken", {"tokenName": "x"}, token=token)["status"] == "error"
    assert node.call("user/changePassword", {"pass": "x", "newPass": "y"}, token=token)["status"] == "error"
    single = node.api("user/createSingleUseToken")["token"]
    assert node.call("blocked/export", {"token": single}, token=False, raw=True) is not None
    assert node.call("zones/list", {"token": single}, token=False)["status"] == "invalid-token"
    rows = [s for s in node.api("admin/sessions/list")["sessions"] if s["tokenName"] == "script"]
    assert len(rows) == 1 and rows[0]["type"] == "ApiToken" and rows[0]["partialToken"] == token[:16]
    node.api("admin/sessions/delete", partialToken=token[:16])
    assert node.call("zones/list", token=token)["status"] == "invalid-token"
    other = node.api("admin/sessions/createToken", user="admin", tokenName="by admin")["token"]
    assert node.call("zones/list", token=other)["status"] == "ok"
    node.api("user/session/delete", partialToken=other[:16])
    assert node.call("zones/list", token=other)["status"] == "invalid-token"
    refused(node, "user/session/delete", "No such session", partialToken="0" * 16)
    refused(node, "user/session/delete", "in use", partialToken=node.token[:16])
    refused(node, "user/createToken", "tokenName")
    refused(node, "user/createToken", "255", tokenName="x" * 256)


def test_change_password_and_profile(node):
    node.api("admin/users/create", user="carol", pass_="first secret")
    carol = node.call("user/login", {"user": "Carol", "pass": "first secret"}, token=False)["token"]
    other = node.call("user/login", {"user": "carol", "pass": "first secret"}, token=False)["token"]
    assert node.call("user/changePassword", {"pass": "bad", "newPass": "x"}, token=carol)["status"] == "error"
    assert node.call("user/changePassword", {"pass": "first secret", "newPass": "second"}, token=carol)["status"] == "ok"
    assert node.call("user/session/get", token=carol)["status"] == "ok"
    assert node.call("user/session/get", token=other)["status"] == "invalid-token"
    profile = node.call("user/profile/set", {"displayName": "Carol C.", "sessionTimeoutSeconds": 30},
                        token=carol)["response"]
    assert profile["displayName"] == "Carol C." and profile["sessionTimeoutSeconds"] == 60
    assert node.call("user/profile/get", token=carol)["response"]["memberOfGroups"] == []
    assert node.call("user/profile/set", {"sessionTimeoutSeconds": 604801}, token=carol)["status"] == "error"
    node.api("admin/users/delete", user="carol")
    assert node.call("user/session/get", token=carol)["status"] == "invalid-token"


# ---- form of answers ----------------------------------------------------------------------------

def test_envelope_is_exact(node):
    node.login()
    status, headers, body = raw(node, "GET", f"/api/blocked/add?token={node.token}&domain=exact.test")
    server = node.call("user/session/get")["server"]
    assert status == 200
    assert body.decode() == f'{{"response":{{}},"server":"{server}","status":"ok"}}'
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
    assert headers["Pragma"] == "no-cache" and headers["Expires"] == "0"
    status, _, body = raw(node, "GET", f"/api/zones/options/get?token={node.token}&zone=none.test")
    assert status == 200
    assert body.decode() == (f'{{"server":"{server}","status":"error",'
                             f'"errorMessage":"No such zone was found: none.test"}}')
    status, _, body = raw(node, "GET", "/api/zones/list")
    assert status == 200 and b'"status":"invalid-token"' in body
    node.api("blocked/delete", domain="exact.test")


def test_unknown_paths(node):
    node.login()
    assert raw(node, "GET", f"/api/no/such?token={node.token}")[::2] == (404, b"")
    assert b"invalid-token" in raw(node, "GET", "/api/no/such")[2]
    assert raw(node, "GET", "/no/such")[::2] == (404, b"")
    assert raw(node, "PUT", f"/api/zones/list?token={node.token}", body="")[::2] == (404, b"")
    assert raw(node, "GET", "/../../etc/passwd")[0] == 404
    assert raw(node, "GET", "/cluster/v1/heartbeat")[0] == 404


def test_parameters(node):
    node.login()

    def names(**params):
        return node.api("settings/set", **params)

    # Any letter case, query before form, true and false only.
    status, _, body = raw(node, "POST", f"/api/blocked/add?TOKEN={node.token}&DOMAIN=query.test",
                          {"Content-Type": "application/x-www-form-urlencoded"}, "domain=form.test")
    assert status == 200 and b'"status":"ok"' in body
    exported = node.call("blocked/export", raw=True).decode().split()
    assert "query.test" in exported and "form.test" not in exported
    refused(node, "zones/import", "true or false", zone="a.test", overwrite="yes")
    refused(node, "settings/set", "clientTimeout", clientTimeout="abc")
    refused(node, "blocked/add", "domain")
    # Multipart, with fields and a file.
    boundary = "xYzZy"
    body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"domain\"\r\n\r\nmultipart.test\r\n"
            f"--{boundary}--\r\n")
    reply = node.call("blocked/add", body=body.encode(),
                      headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert reply["status"] == "ok"
    assert b"multipart.test" in node.call("blocked/export", raw=True)
    reply = node.call("blocked/add", body=b"--wrong", headers={"Content-Type": "multipart/form-data; boundary=xx"})
    assert reply["status"] == "error"
    # Text that is no UTF-8, and a zero byte.
    for bad in ("%ff", "a%00b"):
        assert b'"status":"error"' in raw(node, "GET", f"/api/blocked/add?token={node.token}&domain={bad}")[2]
    node.api("blocked/flush")
    assert names(clientTimeout=2000)["clientTimeout"] == 2000


def test_limits(node):
    node.login()
    assert raw(node, "GET", "/" + "x" * 40000)[0] in (400, 413, 414, 431)
    # Without a session, a large body is refused, and the server stays well.
    try:
        status, _, body = raw(node, "POST", "/api/user/login", {"Content-Type": "text/plain"}, b"x" * 3_000_000)
        assert b"too large" in body
    except (BrokenPipeError, ConnectionError):
        pass
    assert node.call("user/session/get")["status"] == "ok"


MALFORMED = {
    "half a head": b"GET /api/zones/list HTTP/1.1\r\nHost: x\r\n",
    "no colon": b"GET /api/zones/list HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n",
    "negative length": b"POST /api/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "half a body": b"POST /api/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nuser=",
    "bad chunk": b"POST /api/user/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": bytes(5000),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_requests(node, text):
    """Each ends alone: the server stays well, and idle."""
    with socket.create_connection((node.address, node.http_port), timeout=5) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        assert node.call("user/setupStatus", token=False)["status"] == "ok"
        before = cpu_seconds(node.pid("webd"))
        for _ in range(3):
            assert node.call("user/setupStatus", token=False)["status"] == "ok"
            time.sleep(0.1)
        assert cpu_seconds(node.pid("webd")) - before < 0.2


# ---- settings -----------------------------------------------------------------------------------

def test_settings(node):
    before = node.api("settings/get")
    assert before["version"] and before["clusterInitialized"] is False
    assert node.api("settings/set", defaultRecordTtl="1h30m")["defaultRecordTtl"] == 5400
    assert node.api("settings/get")["defaultRecordTtl"] == 5400
    reply = node.api("settings/set", body=json.dumps({"recursionNetworkACL": ["10.0.0.0/8", "!192.0.2.1"]}).encode(),
                     headers={"Content-Type": "application/json"})
    assert reply["recursionNetworkACL"] == ["10.0.0.0/8", "!192.0.2.1"]
    assert node.api("settings/set", recursionNetworkACL="false")["recursionNetworkACL"] == []
    keys = node.api("settings/set", tsigKeys="transfer.test||hmac-sha256")["tsigKeys"]
    assert keys[0]["keyName"] == "transfer.test" and keys[0]["algorithmName"] == "hmac-sha256"
    assert node.api("settings/getTsigKeyNames") == {"tsigKeyNames": ["transfer.test"]}
    refused(node, "settings/set", "udpPayloadSize", udpPayloadSize=100)
    # All or nothing.
    refused(node, "settings/set", "clientTimeout", defaultRecordTtl=77, clientTimeout=1)
    assert node.api("settings/get")["defaultRecordTtl"] == 5400
    reply = node.call("settings/set", body=b"[1]", headers={"Content-Type": "application/json"})
    assert reply["status"] == "error"
    node.api("settings/set", defaultRecordTtl=3600, tsigKeys="false")


def test_https_and_rebinding(node):
    import ssl
    import urllib.request
    node.api("settings/set", webServiceEnableTls=True)
    context = ssl._create_unverified_context()

    def https():
        with urllib.request.urlopen(node.https_url + "/api/user/setupStatus", context=context, timeout=5) as r:
            return r.status == 200

    wait_until(https, what="HTTPS")
    assert node.call("user/session/get")["status"] == "ok"     # HTTP went on
    node.api("settings/set", webServiceHttpToTlsRedirect=True)
    status, headers, _ = raw(node, "GET", "/api/zones/list?x=1", {"Host": f"{node.address}:{node.http_port}"})
    assert status == 307
    assert headers["Location"] == f"https://{node.address}:{node.https_port}/api/zones/list?x=1"
    node.ctl("config", "set", "webServiceHttpToTlsRedirect=false")
    wait_until(lambda: raw(node, "GET", "/")[0] == 200, what="HTTP")
    # A port in use: the old one stays and the log says why.
    with socket.socket() as other:
        other.bind((node.address, 0))
        other.listen()
        node.api("settings/set", webServiceHttpPort=other.getsockname()[1])
        assert node.call("user/session/get")["status"] == "ok"
        wait_until(lambda: "cannot listen" in node.log("webd"), what="the log line")
    node.api("settings/set", webServiceHttpPort=node.http_port, webServiceEnableTls=False)


def test_certificates(node, tmp_path):
    """The self-signed one is kept over restarts; a file of one's own is used, and read again."""
    import signal
    import ssl
    import subprocess

    def served():
        return ssl.get_server_certificate((node.address, node.https_port), timeout=5)

    def make(name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", "key.pem", "-out", "cert.pem", "-subj", f"/CN={name}", "-days", "2"],
                       cwd=tmp_path, check=True, capture_output=True)
        text = (tmp_path / "cert.pem").read_text()
        (tmp_path / "new.pem").write_text(text + (tmp_path / "key.pem").read_text())
        (tmp_path / "new.pem").rename(tmp_path / "both.pem")
        return text

    node.api("settings/set", webServiceEnableTls=True)
    own = wait_until(served, what="HTTPS")
    before = node.pid("webd")
    node.kill("webd")
    wait_until(lambda: node.pid("webd") != before, what="a new webd")
    assert wait_until(served, what="HTTPS again") == own
    wait_until(lambda: node.call("user/setupStatus", token=False)["status"] == "ok", what="HTTP again")
    first = make("first.test")
    node.api("settings/set", webServiceTlsCertificatePath=str(tmp_path / "both.pem"))
    wait_until(lambda: served() == first, what="the first certificate")
    second = make("second.test")
    with socket.create_connection((node.address, node.https_port)) as plain, \
            ssl._create_unverified_context().wrap_socket(plain) as open_before:
        node.kill("webd", signal.SIGHUP)
        wait_until(lambda: served() == second, what="the second certificate")
        # What was connected before goes on.
        open_before.sendall(b"GET /api/user/setupStatus HTTP/1.1\r\nHost: x\r\n\r\n")
        assert open_before.recv(100).startswith(b"HTTP/1.1 200")
    (tmp_path / "both.pem").write_text("nonsense")
    node.kill("webd", signal.SIGHUP)
    wait_until(lambda: "cannot be used" in node.log("webd"), what="the log line")
    assert served() == second
    node.api("settings/set", webServiceTlsCertificatePath="", webServiceEnableTls=False)


# ---- allowed and blocked ------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["allowed", "blocked"])
def test_name_lists(node, kind):
    node.api(f"{kind}/flush")
    node.api(f"{kind}/add", domain="Ads.Example.COM.")
    node.api(f"{kind}/add", domain="ads.example.com")
    node.api(f"{kind}/add", domain="192.0.2.1")
    node.api(f"{kind}/import", **{f"{kind}Zones": "a.test, b.test,münchen.test"})
    text = node.call(f"{kind}/export", raw=True).decode()
    assert text.split() == ["1.2.0.192.in-addr.arpa", "a.test", "ads.example.com", "b.test",
                            "xn--mnchen-3ya.test"]
    assert node.api(f"{kind}/list")["zones"] == ["arpa", "com", "test"]
    assert node.api(f"{kind}/list", domain="test")["zones"] == ["a.test", "b.test", "xn--mnchen-3ya.test"]
    listed = node.api(f"{kind}/list", domain="com")
    assert listed["domain"] == "ads.example.com" and listed["records"]
    assert node.api(f"{kind}/list", domain="ads.example.com", direction="up")["domain"] == "ads.example.com"
    assert node.api(f"{kind}/list", domain="example.com", direction="up")["domain"] == ""
    node.api(f"{kind}/delete", domain="a.test")
    node.api(f"{kind}/delete", domain="a.test")
    assert "a.test" not in node.call(f"{kind}/export", raw=True).decode().split()
    refused(node, f"{kind}/add", "Invalid domain name", domain="a..b")
    refused(node, f"{kind}/add", "root", domain=".")
    refused(node, f"{kind}/import", "Entry 2", **{f"{kind}Zones": "ok.test,bad..test"})
    assert "ok.test" not in node.call(f"{kind}/export", raw=True).decode().split()
    refused(node, f"{kind}/list", "direction", direction="sideways")
    node.api(f"{kind}/flush")
    assert node.call(f"{kind}/export", raw=True) == b""


def test_a_large_import(node):
    names = ",".join(f"n{i}.large.test" for i in range(30_000))
    node.api("blocked/import", blockedZones=names, timeout=120)
    assert len(node.call("blocked/export", raw=True).splitlines()) == 30_000
    node.api("blocked/flush", timeout=120)


# ---- administration -----------------------------------------------------------------------------

def test_users_groups_permissions(node):
    created = node.api("admin/users/create", user="Bob", pass_="bob secret", displayName="B")
    assert created["username"] == "bob" and "sessions" not in created
    refused(node, "admin/users/create", "already exists", user="bob", pass_="x")
    refused(node, "admin/users/create", "letters", user="b b", pass_="x")
    refused(node, "admin/users/get", "No such user", user="nobody")
    node.api("admin/groups/create", group="Readers", description="may look")
    refused(node, "admin/groups/create", "already exists", group="readers")
    details = node.api("admin/groups/set", group="Readers", members="bob", newGroup="Viewers")
    assert details == {"name": "Viewers", "description": "may look", "members": ["bob"]}
    assert node.api("admin/users/get", user="bob", includeGroups=True)["memberOfGroups"] == ["Viewers"]
    bob = node.call("user/login", {"user": "bob", "pass": "bob secret"}, token=False)["token"]
    assert node.call("settings/get", token=bob)["errorMessage"] == "Access was denied."
    rows = node.api("admin/permissions/set", section="Settings", groupPermissions="Viewers|true|false|false")
    assert {"name": "Viewers", "canView": True, "canModify": False, "canDelete": False} in rows["groupPermissions"]
    assert {"name": "Administrators", "canView": True, "canModify": True, "canDelete": True} in rows["groupPermissions"]
    assert node.call("settings/get", token=bob)["status"] == "ok"
    assert node.call("settings/set", {"defaultRecordTtl": 1}, token=bob)["status"] == "error"
    refused(node, "admin/permissions/set", "name|view|modify|delete", section="Settings", userPermissions="bob|true")
    refused(node, "admin/permissions/get", "section", section="Nothing")
    assert len(node.api("admin/permissions/list")["permissions"]) == 11
    node.api("admin/users/set", user="bob", disabled=True)
    assert node.call("settings/get", token=bob)["status"] == "invalid-token"
    node.api("admin/users/set", user="bob", disabled=False, newUser="bobby", memberOfGroups="DNS Administrators")
    assert node.api("admin/users/get", user="bobby")["memberOfGroups"] == ["DNS Administrators"]
    refused(node, "admin/users/set", "disable themselves", user="admin", disabled=True)
    refused(node, "admin/users/set", "No such group", user="bobby", memberOfGroups="Nobodies")
    refused(node, "admin/users/delete", "delete themselves", user="admin")
    refused(node, "admin/groups/delete", "built-in", group="Everyone")
    node.api("admin/groups/delete", group="Viewers")
    node.api("admin/users/delete", user="bobby")
    assert [u["username"] for u in node.api("admin/users/list")["users"]] == ["admin"]


def test_history_diff_revert(node):
    node.api("blocked/add", domain="history.test")
    newest = node.api("admin/config/history", limit=1)["commits"][0]
    assert newest["actor"] == "admin" and newest["changes"] == 1 and "history.test" in newest["summary"]
    diff = node.api("admin/config/diff", from_=newest["revision"] - 1, to=newest["revision"])
    assert diff["rows"] == [{"path": "blocked/history.test", "before": "", "after": "{}"}]
    node.api("admin/config/revert", revision=newest["revision"])
    assert b"history.test" not in node.call("blocked/export", raw=True)
    refused(node, "admin/config/diff", "from")
    refused(node, "admin/config/revert", "", revision=999999)
    text = json.dumps(node.api("admin/config/diff", from_=0))
    assert "argon2" not in text


# ---- zones --------------------------------------------------------------------------------------

def test_zones(node):
    assert node.api("zones/create", zone="Api.Test.", type="primary") == {"domain": "api.test"}
    refused(node, "zones/create", "already exists", zone="api.test")
    refused(node, "zones/create", "wildcard", zone="*.api.test")
    refused(node, "zones/create", "type", zone="x.test", type="Nonsense")
    assert node.api("zones/create", zone="192.0.2.0/24")["domain"] == "2.0.192.in-addr.arpa"
    zones = {z["name"]: z for z in node.api("zones/list")["zones"]}
    assert zones["api.test"]["type"] == "Primary" and zones["api.test"]["disabled"] is False
    page = node.api("zones/list", pageNumber=1, zonesPerPage=1)
    assert page["pageNumber"] == 1 and len(page["zones"]) == 1 and page["totalPages"] == page["totalZones"]
    assert node.api("zones/list", pageNumber=999, zonesPerPage=1)["pageNumber"] == page["totalPages"]
    node.api("zones/disable", zone="api.test")
    assert {z["name"]: z["disabled"] for z in node.api("zones/list")["zones"]}["api.test"] is True
    node.api("zones/enable", domain="api.test")
    for path in ("enable", "disable", "delete", "resync", "export", "options/get", "options/set",
                 "permissions/get", "permissions/set"):
        refused(node, f"zones/{path}", "No such zone was found", zone="none.test")
        refused(node, f"zones/{path}", "zone")
    node.api("zones/create", zone="cat.test", type="Catalog")
    assert node.api("zones/catalogs/list") == {"catalogZoneNames": ["cat.test"]}
    node.api("zones/delete", zone="cat.test")
    node.api("zones/delete", zone="2.0.192.in-addr.arpa")


def test_zone_options(node):
    node.api("zones/create", zone="opt.test")
    options = node.api("zones/options/get", zone="opt.test", includeAvailableTsigKeyNames=True,
                       includeAvailableCatalogZoneNames=True)
    assert options["name"] == "opt.test" and options["availableTsigKeyNames"] == []
    node.api("zones/options/set", zone="opt.test", zoneTransfer="UseSpecifiedNetworkACL",
             zoneTransferNetworkACL="127.0.0.0/8,!192.0.2.1", notify="None", queryAccess="Nonsense")
    options = node.api("zones/options/get", zone="opt.test")
    assert options["zoneTransfer"] == "UseSpecifiedNetworkACL"
    assert options["zoneTransferNetworkACL"] == ["127.0.0.0/8", "!192.0.2.1"]
    assert options["notify"] == "None"
    node.api("zones/options/set", zone="opt.test", zoneTransferNetworkACL="false")
    assert node.api("zones/options/get", zone="opt.test")["zoneTransferNetworkACL"] == []
    refused(node, "zones/options/set", "true or false", zone="opt.test", disabled="maybe")
    node.api("zones/delete", zone="opt.test")


def test_zone_permissions(node):
    node.api("zones/create", zone="perm.test")
    node.api("admin/users/create", user="zoe", pass_="zoe secret")
    zoe = node.call("user/login", {"user": "zoe", "pass": "zoe secret"}, token=False)["token"]
    assert all(z["name"] != "perm.test" for z in node.call("zones/list", token=zoe)["response"]["zones"])
    assert node.call("zones/records/get", {"domain": "perm.test"}, token=zoe)["status"] == "error"
    rows = node.api("zones/permissions/set", zone="perm.test", userPermissions="zoe|true|false|false|ghost|true|true|true")
    assert rows["subItem"] == "perm.test" and rows["section"] == "Zones"
    assert rows["userPermissions"] == [{"username": "zoe", "canView": True, "canModify": False, "canDelete": False}]
    assert node.call("zones/records/get", {"domain": "perm.test"}, token=zoe)["status"] == "ok"
    add = {"domain": "x.perm.test", "type": "A", "ipAddress": "192.0.2.1"}
    assert node.call("zones/records/add", add, token=zoe)["status"] == "error"
    assert node.api("zones/permissions/get", zone="perm.test", includeUsersAndGroups=True)["users"] == ["admin", "zoe"]
    node.api("admin/users/delete", user="zoe")
    assert node.api("zones/permissions/get", zone="perm.test")["userPermissions"] == []
    node.api("zones/delete", zone="perm.test")


def test_import_and_export(node):
    node.api("zones/create", zone="file.test")
    text = "$TTL 300\n@ IN SOA ns1 host 7 900 300 604800 900\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.80\n"
    node.api("zones/import", zone="file.test", body=text.encode(), headers={"Content-Type": "text/plain"})
    assert "192.0.2.80" in node.call("zones/export", {"zone": "file.test"}, raw=True).decode()
    node.api("zones/import", zone="file.test", records="mail A 192.0.2.25\n")
    boundary = "b0undary"
    part = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"z\"\r\n"
            f"Content-Type: text/plain\r\n\r\nftp A 192.0.2.21\n\r\n--{boundary}--\r\n")
    node.api("zones/import", zone="file.test", body=part.encode(),
             headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
    node.login()
    status, headers, body = raw(node, "GET", f"/api/zones/export?zone=file.test&token={node.token}")
    assert headers["Content-Disposition"] == "attachment;filename=file.test.zone"
    assert headers["Content-Type"].startswith("text/plain")
    for address in ("192.0.2.80", "192.0.2.25", "192.0.2.21"):
        assert address in body.decode()
    with pytest.raises(ApiError) as e:
        node.api("zones/import", zone="file.test", records="www A nonsense\n")
    assert ":1:" in str(e.value) or "line 1" in str(e.value)
    refused(node, "zones/import", "missing", zone="file.test")
    node.api("zones/delete", zone="file.test")
    node.api("zones/create", zone="file.test", body=text.encode(), headers={"Content-Type": "text/plain"})
    assert node.answers("www.file.test") == ["192.0.2.80"]
    with pytest.raises(ApiError):
        node.api("zones/create", zone="bad.test", body=b"www A nonsense\n", headers={"Content-Type": "text/plain"})
    refused(node, "zones/delete", "No such zone", zone="bad.test")
    assert not [p for p in (node.folder / "spool").iterdir()], "the spool is empty again"
    node.api("zones/delete", zone="file.test")


RECORDS = [
    ("A", {"ipAddress": "192.0.2.1"}, {"newIpAddress": "192.0.2.2"}, {"ipAddress": "192.0.2.2"}),
    ("AAAA", {"ipAddress": "2001:db8::1"}, {"newIpAddress": "2001:db8::2"}, {"ipAddress": "2001:db8::2"}),
    ("NS", {"nameServer": "ns.other.test"}, {"newNameServer": "ns2.other.test"}, {"nameServer": "ns2.other.test"}),
    ("PTR", {"ptrName": "p.other.test"}, {"newPtrName": "p2.other.test"}, {"ptrName": "p2.other.test"}),
    ("MX", {"preference": 10, "exchange": "m.other.test"}, {"newPreference": 20},
     {"preference": 20, "exchange": "m.other.test"}),
    ("TXT", {"text": "hello world"}, {"newText": "good bye"},
     {"text": "good bye", "splitText": False, "characterStrings": ["good bye"]}),
    ("SRV", {"priority": 1, "weight": 2, "port": 3, "target": "t.other.test"}, {"newPort": 4},
     {"priority": 1, "weight": 2, "port": 4, "target": "t.other.test"}),
    ("CAA", {"flags": 0, "tag": "issue", "value": "ca.test"}, {"newTag": "iodef"},
     {"flags": 0, "tag": "iodef", "value": "ca.test"}),
    ("DS", {"keyTag": 1, "algorithm": "ECDSAP256SHA256", "digestType": "SHA256", "digest": "AB" * 32},
     {"newKeyTag": 2}, {"keyTag": 2, "algorithm": "ECDSAP256SHA256", "algorithmNumber": 13, "digestType": "SHA256",
                        "digestTypeNumber": 2, "digest": "AB" * 32}),
    ("SSHFP", {"sshfpAlgorithm": "Ed25519", "sshfpFingerprintType": "SHA256", "sshfpFingerprint": "CD" * 32},
     {"newSshfpAlgorithm": "RSA"}, {"algorithm": "RSA", "fingerprintType": "SHA256", "fingerprint": "CD" * 32}),
    ("TLSA", {"tlsaCertificateUsage": "DANE-EE", "tlsaSelector": "SPKI", "tlsaMatchingType": "SHA2-256",
              "tlsaCertificateAssociationData": "EF" * 32}, {"newTlsaSelector": "Cert"},
     {"certificateUsage": "DANE-EE", "selector": "Cert", "matchingType": "SHA2-256",
      "certificateAssociationData": "EF" * 32}),
    ("NAPTR", {"naptrOrder": 1, "naptrPreference": 2, "naptrFlags": "u", "naptrServices": "E2U+sip",
               "naptrRegexp": "!^.*$!sip:a@b!", "naptrReplacement": ""}, {"naptrNewOrder": 3},
     {"order": 3, "preference": 2, "flags": "u", "services": "E2U+sip", "regexp": "!^.*$!sip:a@b!",
      "replacement": "."}),
    ("RP", {"mailbox": "a@b.test", "txtDomain": "t.test"}, {"newTxtDomain": "u.test"},
     {"mailbox": "a@b.test", "txtDomain": "u.test"}),
    ("URI", {"uriPriority": 1, "uriWeight": 2, "uri": "https://a.test/"}, {"newUri": "https://b.test/"},
     {"priority": 1, "weight": 2, "uri": "https://b.test/"}),
    ("SVCB", {"svcPriority": 1, "svcTargetName": "s.other.test", "svcParams": "alpn|h2|port|443"},
     {"newSvcParams": "alpn|h3"}, {"svcPriority": 1, "svcTargetName": "s.other.test",
                                  "svcParams": {"alpn": "h3"}, "autoIpv4Hint": False, "autoIpv6Hint": False}),
    ("HTTPS", {"svcPriority": 1, "svcTargetName": ".", "svcParams": "false"}, {"newSvcPriority": 2},
     {"svcPriority": 2, "svcTargetName": ".", "svcParams": {}, "autoIpv4Hint": False, "autoIpv6Hint": False}),
    ("ANAME", {"aname": "lb.other.test"}, {"newAName": "lb2.other.test"}, {"aname": "lb2.other.test"}),
    ("65333", {"rdata": "00:11"}, {"newRData": "2233"}, {"value": "22:33"}),
]


@pytest.fixture(scope="module")
def zone(node):
    node.api("zones/create", zone="rec.test")
    yield "rec.test"
    node.api("zones/delete", zone="rec.test")


@pytest.mark.parametrize("kind,first,change,shown", RECORDS, ids=[r[0] for r in RECORDS])
def test_records(node, zone, kind, first, change, shown):
    domain = f"t-{kind.lower()}.{zone}"
    added = node.api("zones/records/add", domain=domain, type=kind, ttl="5m", comments="by test", **first)
    record = added["addedRecord"]
    assert (record["name"], record["type"], record["ttl"], record["ttlString"]) == (domain, kind, 300, "5m")
    assert record["comments"] == "by test" and record["disabled"] is False and added["zone"]["name"] == zone
    refused(node, "zones/records/add", "record already exists", domain=domain, type=kind, **first)
    updated = node.api("zones/records/update", domain=domain, zone=zone, type=kind, ttl=600, **first, **change)
    assert updated["updatedRecord"]["rData"] == shown and updated["updatedRecord"]["ttl"] == 600
    got = node.api("zones/records/get", domain=domain)["records"]
    assert len(got) == 1 and got[0]["rData"] == shown and "comments" not in got[0]
    now = {**first, **{re.sub("^naptrNew", "naptr", k) if k.startswith("naptrNew") else
                       {"newAName": "aname", "newRData": "rdata", "newUri": "uri"}.get(k, k[3].lower() + k[4:]): v
                       for k, v in change.items()}}
    node.api("zones/records/delete", domain=domain, type=kind, **now)
    assert node.api("zones/records/get", domain=domain)["records"] == []
    with pytest.raises(ApiError):
        node.api("zones/records/delete", domain=domain, type=kind, **now)


def test_single_records(node, zone):
    for kind, name in (("CNAME", "cname"), ("DNAME", "dname")):
        domain = f"one-{name}.{zone}"
        node.api("zones/records/add", domain=domain, type=kind, **{name: "a.other.test"})
        refused(node, "zones/records/add", "", domain=domain, type=kind, **{name: "b.other.test"})
        node.api("zones/records/add", domain=domain, type=kind, overwrite=True, **{name: "b.other.test"})
        node.api("zones/records/update", domain=domain, type=kind, **{name: "c.other.test"})
        assert node.api("zones/records/get", domain=domain)["records"][0]["rData"][name] == "c.other.test"
        node.api("zones/records/delete", domain=domain, type=kind)


def test_record_rules(node, zone):
    node.api("zones/records/add", domain=f"www.{zone}", type="A", ipAddress="192.0.2.1")
    refused(node, "zones/records/add", "", domain=f"www.{zone}", type="CNAME", cname="x.test")
    refused(node, "zones/records/add", "type", domain=f"www.{zone}", type="NONSENSE")
    refused(node, "zones/records/add", "ipAddress", domain=f"www.{zone}", type="A")
    refused(node, "zones/records/add", "cannot be changed", domain=f"www.{zone}", type="RRSIG")
    refused(node, "zones/records/add", "SOA", domain=zone, type="SOA")
    refused(node, "zones/records/add", "No such zone was found", domain="www.none.test", type="A", ipAddress="192.0.2.1")
    refused(node, "zones/records/add", "ttl", domain=f"www.{zone}", type="A", ipAddress="192.0.2.3", ttl="soon")
    reply = node.api("zones/records/update", domain=f"www.{zone}", newDomain=f"new.{zone}", type="A",
                     ipAddress="192.0.2.1", disable=True, comments="off", expiryTtl="1d")
    assert reply["updatedRecord"]["disabled"] is True and reply["updatedRecord"]["expiryTtl"] == 86400
    assert node.api("zones/records/get", domain=f"www.{zone}")["records"] == []
    assert node.rcode(f"new.{zone}") == "NXDOMAIN"
    node.api("zones/records/update", domain=f"new.{zone}", type="A", ipAddress="192.0.2.1")
    assert node.answers(f"new.{zone}") == ["192.0.2.1"]
    node.api("zones/records/delete", domain=f"new.{zone}", type="A", value="192.0.2.1")
    everything = node.api("zones/records/get", domain=zone, listZone=True)
    assert everything["records"][0]["type"] == "SOA" and everything["zone"]["name"] == zone
    soa = everything["records"][0]["rData"]
    node.api("zones/records/update", domain=zone, type="SOA", primaryNameServer="ns1.rec.test",
             responsiblePerson="host.master@rec.test", serial=soa["serial"] + 10, refresh="1h", retry=600, expire="1w",
             minimum=300)
    soa = node.api("zones/records/get", domain=zone)["records"][0]["rData"]
    assert soa["responsiblePerson"] == "host.master@rec.test" and soa["refresh"] == 3600


def test_reverse_records(node, zone):
    refused(node, "zones/records/add", "No reverse zone", domain=f"r.{zone}", type="A", ipAddress="198.51.100.7", ptr=True)
    assert node.api("zones/records/get", domain=f"r.{zone}")["records"] == []
    node.api("zones/records/add", domain=f"r.{zone}", type="A", ipAddress="198.51.100.7", ptr=True, createPtrZone=True)
    name = "7.100.51.198.in-addr.arpa"
    assert node.api("zones/records/get", domain=name)["records"][0]["rData"]["ptrName"] == f"r.{zone}"
    node.api("zones/records/delete", domain=f"r.{zone}", type="A", ipAddress="198.51.100.7")
    assert node.api("zones/records/get", domain=name)["records"] == []
    node.api("zones/delete", zone="100.51.198.in-addr.arpa")


def test_acme_clients(node, zone):
    """What ACME clients send: GET, no zone, the token in the query."""
    node.login()
    path = f"domain=_acme-challenge.{zone}&type=TXT&text=proof&token={node.token}"
    assert b'"status":"ok"' in raw(node, "GET", f"/api/zones/records/add?ttl=60&{path}")[2]
    assert node.answers(f"_acme-challenge.{zone}", "TXT") == ['"proof"']
    assert b'"status":"ok"' in raw(node, "GET", f"/api/zones/records/delete?{path}")[2]


# ---- the other daemons away ---------------------------------------------------------------------

def test_daemons_down(node):
    node.login()
    for daemon, path in (("dnsd", "zones/list"), ("clusterd", "admin/config/history")):
        import os
        import signal
        pid = node.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        reply = node.call(path)
        assert reply["status"] in ("ok", "error")
        if reply["status"] == "error":
            assert daemon in reply["errorMessage"] or "time" in reply["errorMessage"]
        wait_until(lambda: node.call(path)["status"] == "ok", what=f"{path} after {daemon} came back")
    assert node.call("user/session/get")["status"] == "ok"


# ---- the panel's files --------------------------------------------------------------------------

def test_panel_files(node):
    manifest = next((line.split("=", 1)[1].strip() for line in (node.folder / "etc/webd.conf").read_text().splitlines()
                     if line.startswith("panel_dir")), None)
    status, headers, body = raw(node, "GET", "/")
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "trusted-types 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-cache"
    if manifest is None:
        assert b"not installed" in body
        return
    for line in (Path(manifest) / "manifest.tsv").read_text().splitlines():
        name, media, size, sha, has_gz, has_br = line.split("\t")
        status, headers, body = raw(node, "GET", f"/{name}")
        assert status == 200 and len(body) == int(size) and headers["Content-Type"] == media
        assert headers["Vary"] == "Accept-Encoding"
        plain = headers["ETag"]
        if has_gz == "1":
            _, zipped, data = raw(node, "GET", f"/{name}", {"Accept-Encoding": "gzip"})
            assert zipped["Content-Encoding"] == "gzip" and gzip.decompress(data) == body
            assert zipped["ETag"] != plain
            _, best, _ = raw(node, "GET", f"/{name}", {"Accept-Encoding": "gzip, br;q=0.9"})
            assert best["Content-Encoding"] == "br"
            assert "Content-Encoding" not in raw(node, "GET", f"/{name}", {"Accept-Encoding": "gzip;q=0"})[1]
        status, again, body = raw(node, "GET", f"/{name}", {"If-None-Match": plain})
        assert status == 304 and body == b""
        if name != "index.html" and re.search(r"-[A-Z0-9]{8}\.", name):
            assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert raw(node, "HEAD", f"/{name}")[2] == b""
    assert raw(node, "GET", "/manifest.tsv")[0] == 404
    assert raw(node, "GET", "/%2e%2e/manifest.tsv")[0] == 404
    assert raw(node, "POST", "/index.html", body="")[0] == 404


# ---- the same calls by trellisctl ---------------------------------------------------------------

def test_trellisctl(node, tmp_path):
    node.ctl("api", "zones/create", "zone=ctl.test")
    big = tmp_path / "big.zone"
    big.write_text("$TTL 300\n@ SOA ns1 host 1 900 300 604800 900\n@ NS ns1\nns1 A 192.0.2.1\n" +
                   "".join(f"h{i} A 192.0.2.{i % 250}\n" for i in range(5000)))
    node.ctl("zone", "import", "ctl.test", str(big))
    assert len(node.api("zones/records/get", domain="ctl.test", listZone=True)["records"]) == 5003
    assert node.ctl("zone", "export", "ctl.test").stdout.count("192.0.2.") == 5001
    assert "ctl.test" in node.ctl("zone", "list").stdout
    failed = node.ctl("api", "zones/delete", "zone=none.test", check=False)
    assert failed.returncode != 0 and "No such zone was found" in failed.stderr
    node.ctl("api", "zones/delete", "zone=ctl.test")
    node.ctl("api", "blocked/add", "domain=by-ctl.test")
    newest = node.api("admin/config/history", limit=1)["commits"][0]
    assert newest["actor"] == "local"
    node.ctl("config", "revert", str(newest["revision"]))
    assert b"by-ctl.test" not in node.call("blocked/export", raw=True)
    assert not list((node.folder / "spool").iterdir())
