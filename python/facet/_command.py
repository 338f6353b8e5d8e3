"""The command `facet` of a wheel: it lies in the package and is run in place of this program."""
import os
import subprocess
import sys
from typing import NoReturn


def main() -> NoReturn:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin", "facet")
    if os.name == "nt":
        sys.exit(subprocess.call([path + ".exe", *sys.argv[1:]]))
    os.execv(path, ["facet", *sys.argv[1:]])


if __name__ == "__main__":
    main()
