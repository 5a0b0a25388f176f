"""Modules of ours as one source file: a few names of theirs, and all that these need.

Statements are copied as they stand, after those that they use when the file is loaded. Imports of
ours are followed; those of other packages come to the top. One source gives one file.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from finegates.errors import ModelError

_OURS = "finegates"
_LINE = 100
_Imported = tuple[str, str | None]
"""A module, and the name in it; None if the module itself was imported."""


def one_file(module: str, names: Sequence[str], head: str) -> str:
    """The source of a file that defines these names and imports nothing of ours.

    Args:
        module: Where the names are.
        names: What the file is for.
        head: The file's docstring.

    Raises:
        ModelError: If finegates was installed without its sources.
        ValueError: If a statement that is needed can't stand in a file with the others: two have
            one name, or it imports a module of ours whole, by another name or in a function.
    """
    needed = _Needed()
    for name in names:
        needed.take(module, name)
    blocks = []
    for source in _in_order(needed, module):
        statements = [source.text(place) for place in sorted(needed.places[source.name])]
        blocks += [f"# From {source.name}", *statements]
    body = "\n\n\n".join(blocks)
    return f'"""{head}"""\n\n{needed.imports_text()}\n\n{body}\n'


@dataclass(frozen=True)
class _Source:
    """A module of ours, read and never run."""

    name: str

    @cached_property
    def written(self) -> str:
        found = find_spec(self.name)
        if found is None or found.origin is None or not found.origin.endswith(".py"):
            raise ModelError(
                f"The source of {self.name} is not installed, and a standalone model's code is "
                "made from it. Install finegates from its folder or a wheel, or leave "
                "--standalone out."
            )
        return Path(found.origin).read_text(encoding="utf-8")

    @cached_property
    def statements(self) -> list[ast.stmt]:
        return ast.parse(self.written).body

    @cached_property
    def places(self) -> dict[str, int]:
        """Name -> which statement defines it."""
        return {name: i for i, one in enumerate(self.statements) for name in _bound(one)}

    @cached_property
    def imported(self) -> dict[str, _Imported]:
        """Name -> where it is from."""
        names: dict[str, _Imported] = {}
        for one in self.statements:
            if isinstance(one, ast.Import):
                names |= {alias.asname or alias.name: (alias.name, None) for alias in one.names}
            elif isinstance(one, ast.ImportFrom) and one.module:
                names |= {a.asname or a.name: (one.module, a.name) for a in one.names}
        return names

    def text(self, place: int) -> str:
        """A statement as it stands, with its decorators, and the docstring that follows it."""
        first, last = self.statements[place], self.statements[place]
        after = self.statements[place + 1 : place + 2]
        if isinstance(first, ast.Assign | ast.AnnAssign) and after and _is_docstring(after[0]):
            last = after[0]
        decorators = getattr(first, "decorator_list", [])
        start = min(node.lineno for node in (first, *decorators))
        return "\n".join(self.written.split("\n")[start - 1 : last.end_lineno])


@dataclass
class _Needed:
    """What was found to be needed: statements of ours, and imports of others."""

    sources: dict[str, _Source] = field(default_factory=dict)
    places: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    owners: dict[str, tuple] = field(default_factory=dict)

    def source(self, module: str) -> _Source:
        return self.sources.setdefault(module, _Source(module))

    def take(self, module: str, name: str) -> None:
        """A name of a module of ours, with all that it needs."""
        source = self.source(module)
        if name in source.imported:
            self._take_imported(source, name)
        elif name not in source.places:
            raise ValueError(f"{module} has no '{name}' that could be put in a file of its own.")
        elif source.places[name] not in self.places[module]:
            self._take_statement(source, source.places[name])

    def imports_text(self) -> str:
        """Imports of other packages: the standard library's first."""
        modules: list[str] = []
        names: defaultdict[str, set[str]] = defaultdict(set)
        for name, (module, original) in self.owners.items():
            if original is None:
                modules.append(f"import {module}" + (f" as {name}" if name != module else ""))
            elif not _is_ours(module):
                names[module].add(original + (f" as {name}" if name != original else ""))
        lines = sorted(modules) + [_from(module, names[module]) for module in sorted(names)]
        groups = ([one for one in lines if _is_standard(one) == first] for first in (True, False))
        return "\n\n".join("\n".join(group) for group in groups if group)

    def _take_imported(self, source: _Source, name: str) -> None:
        module, original = source.imported[name]
        if not _is_ours(module):
            self._own(name, (module, original))
        elif original == name:
            self.take(module, name)
        else:
            raise ValueError(f"{source.name} imports '{name}' by another name, or a whole module.")

    def _take_statement(self, source: _Source, place: int) -> None:
        self.places[source.name].add(place)
        statement = source.statements[place]
        for name in _bound(statement):
            self._own(name, (source.name, name))
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom | ast.Import) and any(map(_is_ours, _modules(node))):
                raise ValueError(f"{source.name} imports a module of ours in a function.")
        for name in sorted({n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}):
            if name in source.imported or name in source.places:
                self.take(source.name, name)

    def _own(self, name: str, owner: _Imported) -> None:
        other = self.owners.setdefault(name, owner)
        if other != owner:
            raise ValueError(f"'{name}' is defined in {other[0]} and in {owner[0]}: rename one.")


def _in_order(needed: _Needed, module: str) -> Iterator[_Source]:
    """Sources of which something is needed, each after those that it imports."""
    done: set[str] = set()

    def walk(name: str) -> Iterator[_Source]:
        done.add(name)
        for other, _ in needed.source(name).imported.values():
            if other in needed.places and other not in done:
                yield from walk(other)
        yield needed.source(name)

    yield from walk(module)


def _bound(statement: ast.stmt) -> list[str]:
    """Names that a statement at the top of a module defines; of imports, none."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = (node for target in targets for node in ast.walk(target))
        return [node.id for node in nodes if isinstance(node, ast.Name)]
    return []


def _is_docstring(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _OURS


def _is_standard(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _from(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}"
    inside = "".join(f"    {name},\n" for name in ordered)
    return line if len(line) <= _LINE else f"from {module} import (\n{inside})"
