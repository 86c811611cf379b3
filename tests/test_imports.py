"""Which package may know of which, and what a first import may load."""

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "basic_midi": set(),
    "songs": set(),
    "vae": {"songs"},
    "listener": {"songs", "vae"},
    "envs": {"songs", "listener"},
    "agents": {"songs"},
    "experiments": {"songs", "vae", "listener", "envs", "agents", "basic_midi"},
    "kuznechik": {"songs", "vae", "listener", "envs", "agents", "basic_midi", "experiments"},
}
OURS = {*MAY_IMPORT, "tests"}
"""Nobody may import `kuznechik` or `tests`, and `kuznechik` alone `experiments`."""


def modules_of(package: str) -> list[Path]:
    """Return the modules of a package, or the only one of a name that is no package."""
    return sorted((ROOT / package).rglob("*.py")) or [ROOT / f"{package}.py"]


def imported(source: str) -> set[str]:
    """Return the modules that a source imports, within functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_imports_within_functions_are_found():
    source = "import a.b as c, d\ndef f():\n    from e import g\n    from .h import i\n    if x:\n        import j\n"
    assert imported(source) == {"a.b", "d", "e", ".h", "j"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may_know(package):
    allowed = MAY_IMPORT[package] | {package}
    forbidden = {
        str(path.relative_to(ROOT)): wrong
        for path in modules_of(package)
        if (wrong := {name for name in imported(path.read_text("utf-8")) if name.split(".")[0] in OURS - allowed})
    }
    assert forbidden == {}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_are_absolute(package):
    for path in modules_of(package):
        assert not any(name.startswith(".") for name in imported(path.read_text("utf-8"))), path


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return groups of names that reach each other; Tarjan's algorithm for strongly connected components."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in arrows.get(name, ()):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[name] = min(lowest[name], lowest[other])
        if lowest[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in arrows:
        if name not in order:
            visit(name)
    return found


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Return the modules of the product, and which of them each one imports, within functions too."""
    paths = [path for package in MAY_IMPORT for path in modules_of(package)]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    found = {}
    for module, path in modules.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[module] = (names & set(modules)) - {module}
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}) == [["a", "b", "c"]]


def test_no_modules_import_each_other_in_a_circle(arrows):
    assert circles(arrows) == []


def test_no_folders_import_each_other_in_a_circle(arrows):
    """A folder and the one it lies in are one family: only folders side by side are compared."""
    folders: dict[str, set[str]] = {}
    for module, others in arrows.items():
        for other in others:
            pair = zip(module.split(".")[:-1], other.split(".")[:-1], strict=False)
            common = sum(1 for _ in itertools.takewhile(lambda both: both[0] == both[1], pair))
            here, there = (".".join(name.split(".")[: common + 1]) for name in (module, other))
            if "." in module and "." in other and here not in arrows and there not in arrows and here != there:
                folders.setdefault(here, set()).add(there)
    assert circles(folders) == []


def test_the_rules_name_every_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py") if not path.parent.name.startswith(".")}
    assert packages - {"build"} <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("modules", "not_loaded"),
    [
        ("songs.catalog, listener.memorization, envs.keyboard_env, agents.neat.population", {"torch"}),
        ("experiments.plots.run, experiments.config.dqn, experiments.verbs.dqn", {"torch"}),
        ("kuznechik", {"torch", "matplotlib", "neat", "rich", "rtmidi"}),
        ("songs.catalog", {"torch", "gymnasium", "matplotlib", "neat", "rtmidi"}),
    ],
)
def test_an_import_does_not_load_what_it_does_not_need(modules, not_loaded):
    program = f"import sys, {modules}; print(*(name for name in {sorted(not_loaded)!r} if name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (0, [], "")
