"""What dir() shows: public names alone."""
from typing import Callable, List, Sequence


class Public:
    """An object whose dir() leaves out names with a leading underscore, but for those of protocols."""

    def __dir__(self) -> List[str]:
        return [k for k in super().__dir__() if not k.startswith("_") or k.startswith("__") and k.endswith("__")]


def module_dir(names: Sequence[str]) -> Callable[[], List[str]]:
    """A module's __dir__()."""
    return lambda: sorted([*names, "__doc__", "__name__"])
