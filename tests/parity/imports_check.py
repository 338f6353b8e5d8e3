#!/usr/bin/env python3
"""facet gallery import against what other software writes: pickles of this Python's NumPy in every protocol, and
dumps that pg_dump makes of tables as CompreFace and Immich have them.

usage: imports_check.py FACET      (FCT_TEST_POSTGRESQL: the address of a server, see tests/postgres/with_cluster.py)"""

import base64
import collections
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIP imports_check: no NumPy")
    sys.exit(77)

FACET = os.path.abspath(sys.argv[1])


def faces_of(path, *options):
    """Imports a file into a new gallery; returns {name: [embeddings]} of its export."""
    with tempfile.TemporaryDirectory() as d:
        gallery = d + "/g.db"
        run = subprocess.run(
            [FACET, "gallery", "import", path, "--model-id", "m", "-g", gallery, *options],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        text = subprocess.run(
            [FACET, "gallery", "export", "-", "-q", "-g", gallery], capture_output=True, text=True, check=True
        ).stdout
    out = collections.defaultdict(list)
    for line in text.splitlines()[1:]:
        r = json.loads(line)
        if "embedding" in r:
            out[r["name"]].append(np.frombuffer(base64.b64decode(r["embedding"]), "<f4"))
    return out


def compare(got, want):
    assert sorted(got) == sorted(want), (sorted(got), sorted(want))
    for name in want:
        a, b = np.array(sorted(map(tuple, got[name]))), np.array(sorted(tuple(map(float, v)) for v in want[name]))
        assert a.shape == b.shape and np.array_equal(a, b.astype(np.float32)), name


def check_pickles(rng, folder):
    """Random shapes and types of arrays."""
    n = 0
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for kind in ("<f2", "<f4", "<f8", ">f4", ">f8"):
            people = {"p%d%s" % (i, "é" * i): rng.normal(size=(i + 1, 12)).astype(kind) for i in range(4)}
            names = [k for k, v in people.items() for _ in v]
            rows = np.concatenate(list(people.values())).astype(kind)
            shapes = [
                people,
                {k: list(v) for k, v in people.items()},
                {k: v.tolist() for k, v in people.items()},
                {k: np.asfortranarray(v) for k, v in people.items()},
                collections.OrderedDict(people),
                {"names": names, "encodings": list(rows)},
                {"names": np.array(names), "embeddings": rows},
                [{"name": k, "embedding": v} for k, v in zip(names, rows)],
                (names, rows),
                (list(rows), names),
                [(k, v) for k, v in zip(names, rows)],
                {"names": np.array(names, object), "embeddings": rows.reshape(len(rows), 1, -1)},
                {k: [[np.float32(x) for x in row] for row in v] for k, v in people.items()},
            ]
            for shape in shapes:
                path = folder / "faces.pkl"
                path.write_bytes(pickle.dumps(shape, protocol))
                compare(faces_of(str(path)), people)
                n += 1
    print("%d pickles of NumPy %s" % (n, np.__version__))


TABLES = """
CREATE SCHEMA IF NOT EXISTS imports_check; SET search_path = imports_check, public;
CREATE TABLE subject (id uuid PRIMARY KEY, api_key varchar(36), subject_name varchar(255));
CREATE TABLE embedding (id uuid, subject_id uuid REFERENCES subject, embedding float8[] NOT NULL,
  calculator varchar(255) NOT NULL, img_id uuid);
CREATE TABLE person (id uuid PRIMARY KEY, "ownerId" uuid, name varchar NOT NULL);
CREATE TABLE asset_face (id uuid PRIMARY KEY, "assetId" uuid, "personId" uuid, "boundingBoxX1" int,
  "boundingBoxY1" int, "boundingBoxX2" int, "boundingBoxY2" int, "deletedAt" timestamptz);
CREATE TABLE face_search ("faceId" uuid, embedding vector(8));
"""


def uuid(n):
    return "00000000-0000-4000-8000-%012d" % n


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def fill(rng):
    """SQL that fills both programs' tables, and whom they hold."""
    sql, compreface, immich = [], collections.defaultdict(list), collections.defaultdict(list)
    names = ["Ada", "O'Hara \\ Eve", "Gracé", "tab\\t", "李小龍", ""]
    for i, name in enumerate(names):
        sql.append("INSERT INTO person VALUES ('%s', '%s', %s);" % (uuid(i), uuid(99), quote(name)))
        if name:
            sql.append("INSERT INTO subject VALUES ('%s', '%s', %s);" % (uuid(i), uuid(88), quote(name)))
        for k in range(3):
            v = rng.normal(size=8)
            w = np.round(v, 4).astype(np.float32)
            face = uuid(1000 + 10 * i + k)
            if name:
                sql.append(
                    "INSERT INTO embedding VALUES ('%s', '%s', '{%s}', 'c', NULL);"
                    % (face, uuid(i), ",".join(repr(float(x)) for x in v))
                )
                compreface[name].append(v)
                immich[name].append(w)
            sql.append(
                "INSERT INTO asset_face VALUES ('%s', '%s', '%s', 1, 2, 3, 4, NULL);" % (face, uuid(7), uuid(i))
            )
            sql.append("INSERT INTO face_search VALUES ('%s', '[%s]');" % (face, ",".join(str(x) for x in w)))
    return "\n".join(sql), compreface, immich


def server_programs():
    """Folders of programs, first those of the server that the tests use: pg_dump must not be older than it."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "postgres"))
    from cluster import NoServer, find

    try:
        return str(find() / "bin") + os.pathsep + os.environ["PATH"]
    except NoServer:
        return os.environ["PATH"]


def check_dumps(rng, folder):
    url = os.environ.get("FCT_TEST_POSTGRESQL")
    own = server_programs()
    dump, psql = shutil.which("pg_dump", path=own), shutil.which("psql", path=own)
    if not url or not dump or not psql:
        print("SKIP dumps: no server, pg_dump or psql")
        return
    sql, compreface, immich = fill(rng)
    script = "CREATE EXTENSION IF NOT EXISTS vector;" + TABLES + sql
    subprocess.run([psql, "-q", "-v", "ON_ERROR_STOP=1", url], input=script, text=True, check=True)
    programs = (("subject embedding".split(), compreface), ("person asset_face face_search".split(), immich))
    for tables, people in programs:
        path = str(folder / "dump.sql")
        wanted = [w for t in tables for w in ("-t", "imports_check." + t)]
        subprocess.run([dump, "-f", path, *wanted, url], check=True)
        compare(faces_of(path), people)
        subprocess.run([dump, "-Fc", "-f", path, *wanted, url], check=True)
        run = subprocess.run(
            [FACET, "gallery", "import", path, "--model-id", "m", "-g", str(folder / "no.db")],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 3 and "pg_restore" in run.stderr, run.stderr
        print("a dump of %s: %d people" % (" and ".join(tables), len(people)))


def main():
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as d:
        check_pickles(rng, pathlib.Path(d))
        check_dumps(rng, pathlib.Path(d))


main()
