#!/usr/bin/env python3
"""TLS to a real server: a gallery is opened only where the server proves that it is the one that was named.

usage: pg_tls_test.py FACET

Needs Debian's PostgreSQL, which knows TLS, and openssl; exit status 77 without."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from cluster import Cluster, NoServer, as_nobody
from report import Report

HOST = "db.example.org"  # which nothing resolves: the addresses say where it is (hostaddr)
WHERE = "127.0.0.2"  # this machine as well, but not by one of the names that need no proof


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """Two authorities, and a certificate of the first for HOST and localhost."""
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Authority " + name,
                "-keyout", name + ".key", "-out", name + ".pem")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + HOST, "-keyout", "server.key",
            "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:%s,DNS:localhost\n" % HOST)
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", "server.pem")
    user = as_nobody()
    if user:
        for name in ("server.pem", "server.key"):
            os.chown(folder / name, user.pw_uid, user.pw_gid)


class Client:
    def __init__(self, facet, folder, port):
        self.facet, self.folder, self.port = facet, folder, port
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.env["HOME"] = str(folder)  # without ~/.postgresql

    def open(self, host=HOST, **more):
        """Exit status and messages of opening the gallery; more goes into the address."""
        keys = dict({"port": self.port, "user": "facet", "hostaddr": WHERE}, **more)
        address = "postgresql://%s/postgres?%s" % (host, "&".join("%s=%s" % p for p in keys.items()))
        done = subprocess.run([self.facet, "people", "--gallery", address], env=self.env, capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def make(self):
        """The gallery, with one person, by the local socket's owner."""
        text = '{"facet_gallery":1}\n{"name":"Ada","created":1700000000}\n'
        (self.folder / "ada.jsonl").write_text(text)
        address = "postgresql://localhost/postgres?port=%d&user=facet&sslmode=require" % self.port
        done = subprocess.run([self.facet, "gallery", "import", str(self.folder / "ada.jsonl"), "--gallery", address],
                              env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)


def check_verified(report, client, ca, other):
    def opens(name, result):
        report.check(name, [] if result[0] == 0 and "Ada" in result[1] else [str(result)])

    def refused(name, word, result):
        report.check(name, [] if result[0] == 3 and word in result[1] and "Ada" not in result[1] else [str(result)])

    opens("its own authority and name: accepted", client.open(sslmode="verify-full", sslrootcert=ca))
    opens("the same without being told to verify", client.open(sslrootcert=ca))
    refused("another authority", "certificate verify failed", client.open(sslmode="verify-full", sslrootcert=other))
    refused("another authority, without being told", "certificate verify failed", client.open(sslrootcert=other))
    refused("nobody vouches for it", "certificate", client.open())
    refused("another name", "does not match host name", client.open("elsewhere.example.org", sslrootcert=ca))
    opens("no proof wanted", client.open(sslmode="require"))
    refused("in the clear, which the server refuses", "no encryption", client.open(sslmode="disable"))
    root = client.folder / ".postgresql"
    root.mkdir()
    shutil.copy(ca, root / "root.crt")
    opens("the user's own list of authorities", client.open())


def main():
    facet = os.path.abspath(sys.argv[1])
    report = Report()
    if not shutil.which("openssl"):
        print("SKIP all: needs openssl\n0 passed, 0 failed, 1 skipped")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        make_certificates(folder)
        port = 20000 + os.getpid() % 20000
        settings = ["ssl = on", "fsync = off", "listen_addresses = '127.0.0.1,%s'" % WHERE,
                    "ssl_cert_file = '%s'" % (folder / "server.pem"), "ssl_key_file = '%s'" % (folder / "server.key")]
        try:
            cluster = Cluster(False, settings, port=port, tcp=True)
        except NoServer as e:
            print("SKIP all: %s\n0 passed, 0 failed, 1 skipped" % e)
            return 77
        try:
            (cluster.folder / "data/pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.0/8 trust\n")
            cluster.sql("SELECT pg_reload_conf()")
            client = Client(facet, folder, port)
            client.make()
            check_verified(report, client, str(folder / "ca.pem"), str(folder / "other.pem"))
            cluster.sql("ALTER SYSTEM SET ssl = off")
            cluster.sql("SELECT pg_reload_conf()")
            (cluster.folder / "data/pg_hba.conf").write_text("host all all 127.0.0.0/8 trust\nlocal all all trust\n")
            cluster.sql("SELECT pg_reload_conf()")
            code, text = client.open()
            good = code == 3 and "does not support SSL" in text
            report.check("a server without TLS that somebody put in its place", [] if good else [text])
        finally:
            cluster.stop()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
