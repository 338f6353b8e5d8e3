"""The closing lines of tests/test.h for tests written in Python."""
import subprocess
import sys


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, faults):
        """One test: passed when the list of faults (text) is empty."""
        for fault in faults:
            print(fault)
        if faults:
            self.failed += 1
            print("FAIL", name)
        else:
            self.passed += 1

    def skip(self, name, reason):
        self.skipped += 1
        print("SKIP %s: %s" % (name, reason))

    def close(self):
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        sys.exit(1 if self.failed else 77 if self.skipped and not self.passed else 0)


def toy_pack(make_pack, folder):
    """Writes the packs and photos of tests/tools/make_pack.c into the folder."""
    for name in ("pack", "other", "blind", "headless"):
        (folder / name).mkdir()
    subprocess.run([make_pack, str(folder)], check=True)
