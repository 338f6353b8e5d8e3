"""Writes a header with a hash of the sources that decide how weights are packed:
caches made by another version of them are not used.

    pack_layout.py --list SRC        their paths
    pack_layout.py OUTPUT SOURCE...  the header
"""
import glob
import hashlib
import sys

if sys.argv[1] == "--list":
    patterns = ["kernels/*.[ch]", "kernels/*.inc", "ops/*.[ch]", "graph/*.[ch]", "graph/cpu/*.[ch]"]
    print("\n".join(sorted(p for g in patterns for p in glob.glob(sys.argv[2] + "/" + g))))
    sys.exit()
digest = hashlib.sha256()
for path in sys.argv[2:]:
    with open(path, "rb") as f:
        digest.update(hashlib.sha256(f.read()).digest())
with open(sys.argv[1], "w") as f:
    f.write("/* Made by pack_layout.py. */\n#define FCT_PACK_LAYOUT \"%s\"\n" % digest.hexdigest())
