#!/usr/bin/env python3
"""Rules of the source that a compiler does not check: which folder may include
which, what belongs into src/base and src/kernels alone, sizes and names of files.

usage: source_test.py SOURCE_ROOT"""

import pathlib
import re
import sys

from report import Report

# The platform layer, which the command shares (docs/decisions/0060-command.md).
COMMAND_MAY = [
    "base/draft.h",
    "base/file.h",
    "base/thread.h",
    "base/alloc.h",
    "base/buffer.h",
    "base/compiler.h",
    "base/library.h",
    "text",
    "server/server.h",
    "server/keys.h",
    "bridge/bridge.h",
]
# Folder: the folders of src/ (or single headers) that it may include, besides its own and include/facet.
MAY_INCLUDE = {
    "src/base": [],
    "src/text": ["base"],
    "src/kernels": ["base"],
    "src/ops": ["base", "kernels"],
    "src/graph": ["base", "kernels", "ops"],
    "src/onnx": ["base", "text", "graph"],
    "src/image": ["base", "text", "kernels"],
    "src/tasks": ["base"],
    "src/pack": ["base", "text", "graph", "onnx", "tasks"],
    "src/face": ["base", "text", "kernels", "graph", "image", "pack", "tasks"],
    "src/index": ["base", "kernels"],
    "src/cluster": ["base", "kernels", "index"],
    "src/sqlite": ["base"],
    "src/postgres": ["base"],
    "src/enroll": ["base"],
    "src/evaluate": ["base", "kernels"],
    "src/imports": ["base", "text", "sqlite"],
    "src/gallery": ["base", "text", "index", "sqlite", "postgres", "cluster"],
    "src/queue": ["base", "postgres", "gallery"],
    "src/tags": ["base", "text", "image"],
    "src/server": ["base", "text"],
    "src/bridge": ["base", "text"],
    "src/video": ["base", "text", "kernels", "image", "face"],
    "src/album": ["base", "text", "kernels", "image", "index", "sqlite", "cluster", "tags"],
    "tools": COMMAND_MAY,
    "server": [],
    "python": [],
    "train": ["base", "text", "kernels", "ops", "graph", "onnx"],
}
MAX_LINES = 500
GENERATED = {"meanshape.inc"}  # tables of figures
PLATFORM = re.compile(r"^(windows|unistd|pthread|dirent|fcntl|io|process|pwd|sched|signal|time|termios|sys/.*)\.h$")
VECTORS = re.compile(r"^(\w*intrin|arm_neon|cpuid)\.h$")
ALLOCATION = re.compile(r"\b(malloc|calloc|realloc|free|strdup|strndup|asprintf|aligned_alloc|posix_memalign)\s*\(")
TALKS = re.compile(r"\b(printf|fprintf\s*\(\s*std(out|err)|puts|putchar|perror|abort|exit|_exit)\s*\(")
EXTENSION = re.compile(r"__attribute__|__builtin_|__extension__|\basm\b|__asm__|\btypeof\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def code_files(root, folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".c", ".h", ".inc"} and path.is_file():
                yield path


def without_comments(text):
    """Comments and the contents of strings blanked, line breaks kept."""

    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))

    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"", blank, text, flags=re.DOTALL)


def matches(root, folders, pattern, what, keep=lambda path: True):
    """Lines of code that the pattern is found in, as faults."""
    faults = []
    for path in code_files(root, folders):
        if not keep(path):
            continue
        for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
            if pattern.search(line):
                faults.append("%s:%d: %s" % (path.relative_to(root), number, what))
    return faults


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if found:
            yield number, found.group(1) == "<", found.group(2)


def direction_faults(root, folder, allowed):
    faults = []
    own = folder.split("/")[-1]
    modules = {f.split("/")[1] for f in MAY_INCLUDE if f.startswith("src/")}
    for path in code_files(root, [folder]):
        for number, system, name in includes(path):
            module = name.split("/")[0] if "/" in name else own
            if (
                system
                or module in {own, "facet"}
                or module in allowed
                or name in allowed
                or module not in modules | {"..", "src"}
            ):
                continue
            faults.append("%s:%d: includes %s" % (path.relative_to(root), number, name))
    return faults


def header_faults(root, pattern, allowed, what):
    faults = []
    for path in code_files(root, ["src"]):
        if str(path.relative_to(root)).startswith(allowed):
            continue
        for number, _, name in includes(path):
            if pattern.match(name):
                faults.append("%s:%d: %s: %s" % (path.relative_to(root), number, what, name))
    return faults


def all_text(root):
    skip = ("build", ".git", ".venv")
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if parts[0].startswith(skip) or "corpus" in parts or not path.is_file():
            continue
        if path.suffix in {".c", ".h", ".inc", ".py", ".sh", ".build", ".js"}:
            yield path


def check_files(root, report):
    long, unfinished, names = [], [], {}
    for path in all_text(root):
        shown, text = path.relative_to(root), path.read_text(errors="replace")
        lines = text.count("\n")
        if lines >= MAX_LINES and path.name not in GENERATED:
            long.append("%s: %d lines" % (shown, lines))
        if path.name != "source_test.py" and UNFINISHED.search(text):
            unfinished.append("%s: unfinished work is marked" % shown)
        if path.suffix in {".c", ".h"}:
            names.setdefault(path.name, []).append(str(shown))
    report.check("files under %d lines" % MAX_LINES, long)
    report.check("nothing marked as unfinished", unfinished)
    # A public header may share its name with the internal one, an example with what it shows.
    own = [[p for p in v if not p.startswith(("include/", "examples/"))] for v in names.values()]
    twice = [" and ".join(v) for v in own if len(v) > 1]
    report.check("unique file names", twice)


def check_widths(root, report):
    """Lines end at 120 columns, paragraphs of documents at 100. What a command prints exactly
    (tests/cli/*.sh), tables and blocks of code in documents may be as wide as they are."""
    wide = []
    for path in all_text(root):
        if path.suffix == ".sh" and path.parent.name == "cli":
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if len(line) > 120:
                wide.append("%s:%d: %d columns" % (path.relative_to(root), number, len(line)))
    report.check("no line over 120 columns", wide)
    wide = []
    for path in sorted(root.rglob("*.md")):
        shown, code = path.relative_to(root), False
        if str(shown).startswith(("build", ".")):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code ^= line.startswith("```")
            if len(line) > 104 and not code and not line.startswith(("|", "    ", "```")) and "](" not in line:
                wide.append("%s:%d: %d columns" % (shown, number, len(line)))
    report.check("paragraphs of documents end at about 100 columns", wide)


def check_types(root, report):
    """A struct tag or a typedef means one thing in the whole project. Platforms each define
    the same one (*_posix.c, *_windows.c); the other branch of an #if may define it again."""
    places = {}
    for path in code_files(root, ["src", "include", "tools", "server", "train", "examples", "bench", "tests", "fuzz"]):
        code = without_comments(path.read_text())
        found = set(re.findall(r"\b(?:struct|enum|union)\s+(\w+)\s*\{", code))
        found |= set(
            re.findall(
                r"^typedef\s+(?:struct|enum|union)\b[^;{]*\{.*?^\}\s*(\w+)\s*;", code, flags=re.MULTILINE | re.DOTALL
            )
        )
        for name in found:
            places.setdefault(name, set()).add(
                re.sub(r"_(posix|windows)$", "", str(path.relative_to(root).with_suffix("")))
            )
    report.check(
        "one meaning per type",
        ["%s: %s" % (n, " and ".join(sorted(p))) for n, p in sorted(places.items()) if len(p) > 1],
    )


def unit_includes(root, folder):
    """Unit (a .c with the header of the same name): the units whose headers it includes. A header without
    a .c of its own is seen through: it stands for what it includes."""
    direct, sources = {}, set()
    for path in code_files(root, [folder]):
        unit = str(path.relative_to(root).with_suffix(""))
        if path.suffix == ".c":
            sources.add(unit)
        for _, system, name in includes(path):
            places = [p for p in (path.parent / name, root / folder / name) if not system and p.is_file()]
            other = [str(p.resolve().relative_to(root).with_suffix("")) for p in places[:1]]
            direct.setdefault(unit, set()).update(other)

    def behind(unit, seen):
        """The units with a .c that an include of this one leads to."""
        if unit in sources:
            return {unit}
        todo = direct.get(unit, set()) - seen
        return set().union(*(behind(o, seen | todo) for o in todo))

    graph = {}
    for unit in sources:
        graph[unit] = set().union(*(behind(o, {o}) for o in direct.get(unit, set()) - {unit})) - {unit}
    return graph


def circles(graph):
    """The circles of a directed graph, each as the list of its members (Tarjan's components of more than one)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in sorted(graph.get(v, ())):
            if w not in index:
                visit(w)
            if w in stack:
                low[v] = min(low[v], low[w])
        if low[v] == index[v]:
            members = stack[stack.index(v) :]
            del stack[stack.index(v) :]
            if len(members) > 1:
                found.append(sorted(members))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def check_circles(root, report):
    """No two files need each other, through whatever headers between them."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
    for folder in ["src", "tools", "train"]:
        faults = ["these include each other: " + ", ".join(c) for c in circles(unit_includes(root, folder))]
        report.check("no include circles in " + folder, faults)


def operator_name_faults(root):
    """Operators are told apart by number (fct_op_id): their names are in the file, in the operators'
    descriptions and in the loader, which turns the one into the other."""
    names = set()
    for path in sorted((root / "src/ops").glob("op_*.c")):
        names |= set(re.findall(r'"(\w+)", FCT_OP_', path.read_text()))
        names |= set(re.findall(r'^[A-Z_]+\([A-Z0-9_]+, \w+, "(\w+)"', path.read_text(), flags=re.MULTILINE))
    faults = [] if len(names) > 50 else ["only %d operators were recognized" % len(names)]
    for path in code_files(root, ["src/graph", "src/ops", "src/onnx"]):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        for line in text.splitlines():
            literals = set(re.findall(r'"((?:\\.|[^"\\])*)"', line))
            if path.parent.name == "graph" and literals & names:
                faults.append("%s: names the operator %s" % (path.relative_to(root), sorted(literals & names)[0]))
            if re.search(r"str(n|case)?cmp\s*\([^;]*(op_name|op->name)", line):
                faults.append("%s: compares an operator's name: %s" % (path.relative_to(root), line.strip()))
    return faults


SQL = re.compile(
    r"\bsqlite3_\w|<sqlite3\.h>|\"[^\"\n]*\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET|CREATE TABLE|PRAGMA)\b"
)


# Where SQL may stand: the helpers, and below each kind of file its store.
SQL_FOLDERS = (
    "src/sqlite/",
    "src/postgres/",
    "src/gallery/sqlite/",
    "src/gallery/postgres/",
    "src/album/sqlite/",
    "src/queue/",
    "src/imports/server_db.c",
)


def sql_faults(root):
    """Lines outside the stores that talk to a database: gallery/gallery_store.h and album/album_store.h are the
    only ways to one."""
    faults = []
    for path in code_files(root, ["src"]):
        name = str(path.relative_to(root))
        if name.startswith(SQL_FOLDERS):
            continue
        text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), path.read_text(), flags=re.DOTALL)
        faults += [
            "%s:%d: SQL outside a store" % (name, number)
            for number, line in enumerate(text.splitlines(), 1)
            if SQL.search(line)
        ]
    return faults


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    report = Report()
    for folder, allowed in MAY_INCLUDE.items():
        report.check("dependency direction of " + folder, direction_faults(root, folder, allowed))
    check_files(root, report)
    check_types(root, report)
    check_widths(root, report)
    check_circles(root, report)
    report.check(
        "platform headers in src/base and the server's net alone",
        header_faults(root, PLATFORM, ("src/base/", "src/server/net/"), "platform header"),
    )
    report.check(
        "vector headers in src/base and src/kernels alone",
        header_faults(root, VECTORS, ("src/base/", "src/kernels/"), "vector header"),
    )

    report.check("SQL in src/sqlite and the stores alone", sql_faults(root))
    report.check("operators are told apart by number", operator_name_faults(root))

    def in_src(*except_for):
        return lambda p: not str(p.relative_to(root)).startswith(except_for)

    report.check(
        "allocation by base/alloc.h", matches(root, ["src"], ALLOCATION, "allocates by itself", in_src("src/base/"))
    )
    report.check("the library neither prints nor ends the process", matches(root, ["src"], TALKS, "prints or ends"))
    own = in_src("src/base/", "src/kernels/", "train/kernels/")
    report.check(
        "compiler extensions in src/base and the kernels alone",
        matches(root, ["src", "tools", "train"], EXTENSION, "compiler extension", own),
    )
    report.check(
        "what differs between systems in src/base alone",
        matches(
            root,
            ["src", "tools", "train"],
            re.compile(r"\b(_WIN32|__linux__|__APPLE__|__unix__)\b"),
            "asks for the system",
            own,
        ),
    )
    report.check(
        "a status variable is called s or st",
        matches(
            root,
            ["src", "tools", "train", "examples"],
            re.compile(r"^\s+fct_status (?!st?\b)\w+( =|,)"),
            "another name for a status",
        ),
    )
    report.check(
        "files are opened by base/file.h",
        matches(root, ["src"], re.compile(r"\bfopen\s*\("), "fopen", in_src("src/base/")),
    )
    report.close()


main()
