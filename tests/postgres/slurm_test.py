#!/usr/bin/env python3
"""The job array of examples/farm on a Slurm of its own: several nodes, all on this machine, one of which dies.

usage: slurm_test.py FACET MAKE_PACK SLURM_ARRAY"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from cluster import Cluster, NoServer
from queue_farm import Farm
from report import Report

NODES = 3
PORT = 17000 + os.getpid() % 2000 * 10

CONF = """ClusterName=facet
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/builtin
SelectType=select/linear
ReturnToService=2
SlurmdTimeout=30
KillWait=2
JobRequeue=1
MailProg=/bin/true
"""


class Slurm:
    def __init__(self, folder):
        self.folder, self.daemons = folder, []
        (folder / "state").mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self._start("munged", "--foreground", "--force", "--socket=%s/munge.socket" % folder, "--key-file=%s" % key,
                    "--pid-file=%s/munged.pid" % folder, "--log-file=%s/munged.log" % folder,
                    "--seed-file=%s/munged.seed" % folder)
        text = CONF.format(folder=folder, port=PORT)
        for i in range(1, NODES + 1):
            text += "NodeName=n%d NodeHostname=localhost NodeAddr=127.0.0.1 Port=%d CPUs=1\n" % (i, PORT + i)
        text += "PartitionName=all Nodes=n[1-%d] Default=YES MaxTime=INFINITE State=UP\n" % NODES
        self.conf = folder / "slurm.conf"
        self.conf.write_text(text)
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        self.env = dict(os.environ, SLURM_CONF=str(self.conf))
        self._wait(lambda: (folder / "munge.socket").exists(), "munged does not start")
        self._start("slurmctld", "-D", "-f", str(self.conf))
        self.nodes = []
        for i in range(1, NODES + 1):
            (folder / ("spool.n%d" % i)).mkdir()
            self.nodes.append(self._start("slurmd", "-D", "-N", "n%d" % i, "-f", str(self.conf)))
        self._wait(lambda: self.call("sinfo", "-h", "-o", "%D %t").count("idle") and
                   self.call("sinfo", "-h", "-t", "idle", "-o", "%D") == str(NODES), "its nodes do not come up")

    def _start(self, program, *args):
        log = open(self.folder / (program + ".out"), "a")
        env = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))
        daemon = subprocess.Popen(["/usr/sbin/" + program, *args], stdout=log, stderr=log, env=env,
                                  start_new_session=True)
        self.daemons.append(daemon)
        return daemon

    def _wait(self, condition, text):
        for _ in range(300):
            if condition():
                return
            time.sleep(0.1)
        files = sorted(self.folder.glob("*.out")) + sorted(self.folder.glob("*.log"))
        logs = "".join(p.read_text()[-800:] for p in files)
        raise NoServer("Slurm is there, but %s:\n%s" % (text, logs))

    def call(self, *words):
        done = subprocess.run(words, env=self.env, capture_output=True, text=True)
        return done.stdout.strip()

    def stop(self):
        self.call("scancel", "--user=root")
        for d in reversed(self.daemons):
            d.terminate()
        for d in self.daemons:
            try:
                d.wait(10)
            except subprocess.TimeoutExpired:
                d.kill()


def run_array(farm, slurm, script, expected):
    env = dict(farm.env, SLURM_CONF=str(slurm.conf), FACET=farm.facet,
               FACET_OPTIONS="--models %s --lease 5 --attempts 100" % (farm.folder / "pack"))
    done = subprocess.run(["sbatch", "--export=ALL", "--array=1-%d" % NODES, "--output=%s/out.%%a" % slurm.folder,
                           str(script)], env=env, capture_output=True, text=True)
    faults = [] if done.returncode == 0 else [done.stdout + done.stderr]
    ran, killed, end = set(), False, time.time() + 120
    while time.time() < end and not faults:
        ran |= set(slurm.call("squeue", "-h", "-t", "running", "-o", "%N").split())
        s = farm.status()
        if not killed and s["done"] > 50 and s["workers"] > 1:
            one = [w for w in subprocess.run(["pgrep", "-f", farm.facet + " worker"], capture_output=True,
                                             text=True).stdout.split()]
            if one:
                os.kill(int(one[0]), signal.SIGKILL)
                killed = True
        if s["done"] == len(expected) and not slurm.call("squeue", "-h"):
            break
        time.sleep(0.2)
    return faults, ran, killed


def main():
    facet, make_pack, script = map(os.path.abspath, sys.argv[1:4])
    report = Report()
    missing = [p for p in ["munged", "slurmctld", "slurmd"] if not shutil.which(p, path="/usr/sbin:/usr/bin")]
    if missing or os.geteuid() != 0:
        report.skip("all", "no Slurm (apt-get install slurm-wlm)" if missing else "Slurm's daemons want root")
        report.close()
    try:
        cluster = Cluster(settings=["fsync = off"])
    except NoServer as e:
        report.skip("all", str(e))
        report.close()
    try:
        with tempfile.TemporaryDirectory(prefix="fs-") as folder:
            folder = pathlib.Path(folder)
            (folder / "slurm").mkdir()
            (folder / "farm").mkdir()
            slurm = Slurm(folder / "slurm")
            try:
                farm = Farm(facet, make_pack, cluster, folder / "farm")
                photos, expected = farm.photos("photos", 500)
                farm.call("queue", "add", str(photos))
                faults, ran, killed = run_array(farm, slurm, script, expected)
                outputs = "".join(p.read_text()[-300:] for p in slurm.folder.glob("out.*"))
                report.check("all photos are done, each once", faults + farm.check_faces(expected) +
                             ([] if not farm.check_faces(expected) else [outputs]))
                report.check("by several nodes", [] if len(ran) >= 2 else [str(ran)])
                report.check("though a task was killed", [] if killed else ["none was"])
            finally:
                slurm.stop()
    except NoServer as e:
        report.skip("all", str(e))
    finally:
        cluster.stop()
    report.close()


main()
