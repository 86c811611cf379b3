"""Loading the user's own code by name: a class in a module, in a file, or in an installed package.

    package.module:Class            from the current folder, or installed
    path/to/file.py:Class           a file
    path/to/file.py:Class(weight=2) with arguments, which are Python literals
    NAME                            an entry point of an installed package

Conventions: code runs only if a command or call names it. A name in a file, such as the configuration of a run, runs
nothing.
"""

import ast
import importlib
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any


class OwnCodeError(ValueError):
    """Code that cannot be used; the message names it and gives the reason."""


def names_code(text: str) -> bool:
    """Return True for a text of the form `module:Class` or `file.py:Class`, with or without arguments."""
    module, colon, name = _without_arguments(text)
    return bool(colon) and name.isidentifier() and (module.endswith(".py") or _is_module(module))


def load_part(text: str, group: str = "") -> Any:
    """Import the user's class and return an instance; an object that is not a class is returned unchanged.

    Args:
        text: a name as in the docstring of this module.
        group: group of entry points, such as `kuznechik.listeners`, in which the name of an entry point is looked up.

    Raises:
        OwnCodeError: there is no such file, module or name, or it raises an error.
    """
    try:
        if not names_code(text):
            part, arguments = _entry_point(text, group), {}
        else:
            module, _, name = _without_arguments(text)
            part, arguments = getattr(_import(module), name, None), _arguments(text)
            if part is None:
                raise OwnCodeError(f"{text}: {module} has no {name}")
        return part(**arguments) if isinstance(part, type) else part
    except OwnCodeError:
        raise
    except Exception as error:
        raise OwnCodeError(f"{text}: {failure(error)}") from error


def failure(error: Exception) -> str:
    """Describe an error in the user's code: its type, its message, and the line where it was raised."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f" (line {trace.tb_lineno} of {trace.tb_frame.f_code.co_filename})", trace.tb_next
    if isinstance(error, SyntaxError):
        place = f" (line {error.lineno} of {error.filename})"
    return f"{type(error).__name__}: {error}{place}"


def entry_points(group: str) -> dict[str, Any]:
    """Return the entry points of a group in installed packages, by name."""
    from importlib import metadata

    return {each.name: each for each in metadata.entry_points(group=group)}


def _entry_point(text: str, group: str) -> Any:
    known = entry_points(group)
    if text not in known:
        raise OwnCodeError(f"{text}: it is neither module:Class nor file.py:Class nor one of {', '.join(known)}")
    return known[text].load()


def _import(module: str) -> Any:
    """Import a module by name or from a file; the current folder is searched first."""
    if not module.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(module)
        finally:
            sys.path.pop(0)
    path = Path(module).resolve()
    if not path.is_file():
        raise OwnCodeError(f"{module}: there is no such file")
    loader = SourceFileLoader(path.stem, str(path))
    loaded = ModuleType(path.stem)
    loader.exec_module(loaded)
    return loaded


def _without_arguments(text: str) -> tuple[str, str, str]:
    """Return the module or file, the colon, and the name of the class."""
    return text.partition("(")[0].strip().rpartition(":")


def _is_module(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _arguments(text: str) -> dict[str, Any]:
    """Return the keyword arguments that follow the name of a class."""
    _, bracket, rest = text.partition("(")
    if not bracket:
        return {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError
        return {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError):
        raise OwnCodeError(f"{text}: write its arguments as in file.py:Class(weight=2, keys=[0, 4])") from None
