"""The order of the layers: nothing imports upward, and nobody imports a mapped folder by its bare name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = ("featurizers", "models", "training", "discovery", "serving", "client", "cli")
"""From the bottom up."""
INSIDE = {"client", "cli"}
"""Layers that are folders of `src/superion` and not mapped into it."""

FOLDERS = {"superion": ROOT / "src" / "superion"} | {
    f"superion.{name}": ROOT / name for name in LAYERS if name not in INSIDE
}
CALLERS = ("tests", "benchmarks", "examples", "tools")


def modules() -> Iterator[tuple[str, Path]]:
    """Yield (module name, file) of every Python and Cython module of the package."""
    for package, folder in FOLDERS.items():
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.pyx")]):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(parts).removesuffix(".__init__"), path


MODULES = dict(modules())


def imports(name: str, path: Path, *, at_import: bool = False) -> Iterator[str]:
    """Yield the full names that a module imports; `at_import` leaves out what functions and type checkers import."""
    if path.suffix == ".pyx":
        # Cython is no Python to parse, but its imports are.
        text = "\n".join(
            line.strip().replace("cimport", "import")
            for line in path.read_text().splitlines()
            if re.match(r"\s*(from\s+[\w.]+\s+c?import\s+\w|c?import\s+\w)", line) and not line.rstrip().endswith("(")
        )
    else:
        text = path.read_text()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(ast.parse(text), at_import=at_import):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def statements(tree: ast.AST, *, at_import: bool) -> Iterator[ast.AST]:
    """Yield the nodes of a tree; with `at_import` only those that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from statements(node, at_import=at_import)


@cache
def rank(name: str) -> int:
    """Return the height of a module or of a name in it: that of its layer, and 0 for a base module such as the errors.

    A module directly in `src/superion` lies as high as the highest layer it reaches, if only when it is called: what
    lies lower may not go round through it.
    """
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in LAYERS:
        return 1 + LAYERS.index(parts[1])
    if name == "superion.__version__":
        return 0
    module = next(m for m in (".".join(parts[:2]), "superion") if m in MODULES)
    return max((rank(target) for target in own(imports(module, MODULES[module])) if module != target), default=0)


def own(names: Iterable[str]) -> set[str]:
    """Return those of `names` that belong to superion."""
    return {name for name in names if name.split(".")[0] == "superion"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.count(".") and name.split(".")[1] in LAYERS])
def test_imports_point_down(name: str) -> None:
    assert {target for target in own(imports(name, MODULES[name])) if rank(target) > rank(name)} == set()


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.parent == FOLDERS["superion"]])
def test_the_package_reaches_down_only_when_asked(name: str) -> None:
    early = own(imports(name, MODULES[name], at_import=True))
    assert {target for target in early if target.split(".")[1] in LAYERS} == set()


def callers() -> list[Path]:
    """Return the Python files outside the package."""
    files = [path for folder in CALLERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [ROOT / "setup.py", *files]


@pytest.mark.parametrize(
    "path",
    [*MODULES.values(), *callers()],
    ids=lambda path: str(path.relative_to(ROOT)) if isinstance(path, Path) else None,
)
def test_no_bare_folder_name_is_imported(path: Path) -> None:
    outside = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    name = next((name for name, file in MODULES.items() if file == path), outside)
    bare = {target for target in imports(name, path) if target.split(".")[0] in {*LAYERS, "csrc"} - INSIDE}
    assert bare == set()


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name.startswith(("superion.featurizers", "superion.models"))]
)
def test_the_lower_layers_do_not_know_the_tracking_tools(name: str) -> None:
    tools = {"mlflow", "bentoml", "fastapi", "starlette", "typer", "rich"}
    assert {target.split(".")[0] for target in imports(name, MODULES[name])} & tools == set()


def test_the_c_core_knows_no_python() -> None:
    sources = [path for pattern in ("*.c", "*.h") for path in (ROOT / "csrc").glob(pattern)]
    assert sources
    assert [path.name for path in sources if re.search(r"#\s*include\s*[<\"](Python|numpy/)", path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from . import b", ["superion.models.b"]),
        ("from .b import c", ["superion.models.b.c"]),
        ("from .. import errors", ["superion.errors"]),
        ("from ..training import fit", ["superion.training.fit"]),
        ("def f():\n    import superion.serving", ["superion.serving"]),
    ],
)
def test_the_reader_of_imports_resolves_them(tmp_path: Path, source: str, expected: list[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text(source)
    assert list(imports("superion.models.a", path)) == expected
