#!/usr/bin/env python3
"""What facet asks of Citus, with a stand-in for it: an entry in the catalog of extensions, and functions that note
what they are called with. No real Citus takes part: what is checked is that tables are handed to it in an order that
it accepts, once, before there are rows, and that writers follow one another.

usage: citus_test.py ENROLL_TOOL"""

import collections
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from cluster import Cluster, NoServer
from report import Report

STAND_IN = """
SET allow_system_table_mods = on;
CREATE TABLE public.citus_calls(n serial, what text, name text, by text, beside text, rows bigint);
CREATE FUNCTION pg_catalog.note_call(what text, name text, by text, beside text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE rows bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM ' || name INTO rows;
  INSERT INTO public.citus_calls(what, name, by, beside, rows) VALUES(what, name, by, beside, rows);
END $$;
CREATE FUNCTION pg_catalog.create_reference_table(name text) RETURNS void LANGUAGE sql AS
  $$ SELECT note_call('reference', name, NULL, NULL) $$;
CREATE FUNCTION pg_catalog.create_distributed_table(name text, by text, colocate_with text DEFAULT 'default')
  RETURNS void LANGUAGE sql AS $$ SELECT note_call('distributed', name, by, colocate_with) $$;
INSERT INTO pg_extension SELECT 999999, 'citus', 10, 11, false, '12.1-1', NULL, NULL;
"""


def enrolled(tool, url):
    done = subprocess.run([tool, url, "list"], capture_output=True, text=True, check=True)
    return collections.Counter(done.stdout.split())


def check_calls(report, cluster, vectors):
    calls = cluster.sql("SELECT what, name, by, beside, rows FROM public.citus_calls ORDER BY n").splitlines()
    want = ["reference|collection|||0", "reference|person|||0", "reference|person_key|||0", "reference|negative|||0",
            "distributed|face|id|default|0"]
    if vectors:
        want += ["distributed|face_vector|face_id|face|0", "distributed|face_bits|face_id|face|0"]
    report.check("each table once, small ones first, before there are rows", [] if calls == want else calls)
    refers = cluster.sql(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND "
        "connamespace = 'facet'::regnamespace AND conparentid = 0 ORDER BY 1, 2").splitlines()
    place = {line.split("|")[1]: i for i, line in enumerate(want)}
    faults = []
    for line in refers:
        one, other = (name.replace("facet.", "") for name in line.split("|"))
        if one in place and place.get(other, 99) > place[one]:
            faults.append("%s refers to %s, which comes later" % (one, other))
    report.check("what is referred to is handed over before", faults if refers else ["no references at all"])


def check_writers(report, tool, url):
    writers = [subprocess.Popen([tool, url, "enroll", str(1000 * i), "40"], stdout=subprocess.PIPE, text=True)
               for i in range(3)]
    lines = [line for w in writers for line in w.communicate()[0].split()]
    faults = ["exit status %d" % w.returncode for w in writers if w.returncode]
    found = enrolled(tool, url)
    if found != collections.Counter(lines) or len(lines) != 120:
        faults.append("%d acknowledged, %d there" % (len(lines), sum(found.values())))
    report.check("three writers at once", faults)


def main():
    tool = os.path.abspath(sys.argv[1])
    report = Report()
    cluster = None
    for vectors in (True, False):
        try:
            cluster = Cluster(vectors, settings=["fsync = off"])
            break
        except NoServer as e:
            why = e
    if not cluster:
        print("SKIP all: %s\n0 passed, 0 failed, 1 skipped" % why)
        return 77
    try:
        cluster.sql(STAND_IN)
        url = cluster.url()
        enrolled(tool, url)
        check_calls(report, cluster, vectors)
        check_writers(report, tool, url)
        calls = cluster.sql("SELECT count(*) FROM public.citus_calls")
        report.check("who comes later distributes nothing", [] if calls == ("7" if vectors else "5") else [calls])
    finally:
        cluster.stop()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
