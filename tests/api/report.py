"""The closing lines of tests/test.h for tests written in Python."""
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
