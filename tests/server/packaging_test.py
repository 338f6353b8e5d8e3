#!/usr/bin/env python3
"""What runs the server elsewhere, as far as it can be checked here: systemd's units by systemd-analyze, the Dockerfile
against scripts/install-deps and the program that was built.

usage: packaging_test.py SOURCE FACET"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
from report import Report  # noqa: E402


def units(source, facet, report):
    if not shutil.which("systemd-analyze"):
        report.skip("units", "needs systemd-analyze")
        return
    text = (source / "packaging/systemd/facet.service.in").read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        text = re.sub(r"@bindir@/facet", str(facet), text)
        text = re.sub(r"Documentation=.*\n", "", text)  # the man page is not installed here
        (folder / "facet.service").write_text(text)
        shutil.copy(source / "packaging/systemd/facet.socket", folder)
        paths = [str(folder / x) for x in ("facet.service", "facet.socket")]
        out = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True)
        said = [x for x in (out.stdout + out.stderr).splitlines() if "facet" in x]
        report.check("systemd takes the units", said if out.returncode or said else [])
        judge = ["systemd-analyze", "security", "--offline=true", paths[0]]
        out = subprocess.run(judge, capture_output=True, text=True)
        level = re.search(r"exposure level for facet.service: ([\d.]+)", out.stdout)
        if not level:
            report.skip("sandbox", "this systemd-analyze does not judge files")
        else:
            report.check("the sandbox is tight", [] if float(level.group(1)) <= 2 else [level.group(0)])


def image(source, report):
    text = (source / "packaging/docker/Dockerfile").read_text()
    stages = [s for s in re.split(r"(?m)^FROM ", text)[1:]]
    installs = [re.search(r"--no-install-recommends(.*?)(?:&&|\n\n)", s, re.DOTALL).group(1) for s in stages]
    build, run = [set(x.replace("\\", " ").split()) for x in installs]
    known = (source / "scripts/install-deps").read_text()
    strange = sorted(p for p in build if not re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(p), known))
    report.check("what the image is built with is in install-deps", [p for p in strange if p != "python3"])
    options = set(re.findall(r"option\('(\w+)'", (source / "meson_options.txt").read_text()))
    unknown = [o for o in re.findall(r"-D(\w+)=", text) if o not in options]
    report.check("its options are the build's", unknown)
    # Each library that is built with is there when it runs: libjpeg-dev and libjpeg62-turbo.
    stems = {re.sub(r"\d.*|-dev$|-openssl.*|-gnutls.*", "", p) for p in build if p.endswith("-dev")}
    lacking = [s for s in sorted(stems) if not any(r.startswith(s) for r in run)]
    report.check("what it is built with is there when it runs", lacking)
    last = stages[-1]
    user, health = re.search(r"(?m)^USER (\w+)", last), "HEALTHCHECK" in last and "/v1/health" in last
    report.check("it is nobody's root", [] if user and user.group(1) != "root" else [str(user)])
    report.check("it says how it is", [] if health else ["no HEALTHCHECK"])


def main():
    source, facet = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    report = Report()
    units(source, facet, report)
    image(source, report)
    report.close()


main()
