"""Parts of a scenario that a user's own module provides, named as `module:name`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import Field

from scenarios.errors import InputError
from scenarios.faults import told
from scenarios.shadows import PACKAGES
from scenarios.table import Table


class Own(Table):
    """Something of the user's own, and what it is told."""

    use: str
    """Where it is, as `module:name`; modules are also found in the folder that one works in."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Handed over by name."""

    def make(self, field: str, base: type) -> Any:
        """An object of the class, made with the parameters.

        Raises:
            InputError: there is no such class, it does not extend `base`, or it refuses the
                parameters.
        """
        kind = load(self.use, field)
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise InputError(f"{field}: {self.use} does not extend {base.__name__}")
        return self.call(kind, field)

    def call(self, function: Any, field: str, **arguments: Any) -> Any:
        """What it gives for some arguments and the parameters.

        Raises:
            InputError: it fails; the message says how.
        """
        try:
            return function(**arguments, **self.parameters)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"{field}: {self.use}: {told(error)}") from error


def load(path: str, field: str) -> Any:
    """What a scenario names as `module:name`.

    Raises:
        InputError: there is no such module, or nothing of that name in it.
    """
    module, _, name = path.partition(":")
    if not (module and name):
        raise InputError(f"{field}: {path!r} is not of the form module:name")
    if "" not in sys.path:
        sys.path.append("")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        where = ""
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            where = f"; looked for in {Path.cwd()} and among what is installed"
        raise InputError(f"{field}: {path} cannot be loaded ({error}{where})") from None
    except AttributeError as error:
        if module not in PACKAGES:
            raise InputError(f"{field}: {path} cannot be loaded ({error})") from None
        raise InputError(
            f"{field}: {path} cannot be loaded: {module} is a package of the simulator; give your"
            " module another name"
        ) from None
    except Exception as error:
        # A module is a program of the user's, and can fail in any way.
        raise InputError(f"{field}: {path} cannot be loaded ({told(error)})") from None
