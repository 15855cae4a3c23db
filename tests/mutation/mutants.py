"""
Every way in which a module may be a little wrong.

The operators are mutmut's, and two of ours that it lacks: a call whose result is not used is left
out, and a condition that holds no operator is turned round. What mutmut itself leaves alone is
mutated too: decorated functions, bodies of classes, and what is run when the module is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs
import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import deep_replace
from mutmut.mutation.mutators import mutation_operators

__all__ = ["Mutant", "mutants_of"]

ROOT: Final = Path(__file__).parents[2]

_PROSE: Final = re.compile(r"[a-z,;:'%] [a-z{]")  # texts of errors and of logs, which no test reads
_LEFT_ALONE: Final = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Assign(targets=[m.AssignTarget(m.Name("__all__"))])
    | m.Expr(m.SimpleString() | m.ConcatenatedString())
    | m.Arg(m.Name("False"), keyword=m.Name("init"))  # nobody passes what no argument is named for
)
_NO_NONE_IN: Final = m.Call(m.Name("len") | m.Name("isinstance") | m.Name("super"))
_PLAIN: Final = m.Name() | m.Attribute() | m.Call() | m.NamedExpr() | m.Await()


@attrs.frozen(kw_only=True)
class Mutant:
    """
    One change of one module.

    Attributes:
        module: Its dotted name.
        path: Its file.
        scope: The function or class in it that is changed; empty outside of all.
        lines: The first and the last line that the change is in.
        change: What it is, in a few words.
        is_at_import: True where it may be run when the module is imported, or once a process.
    """

    module: str
    path: Path
    scope: str
    lines: tuple[int, int]
    change: str
    is_at_import: bool
    _nodes: tuple[cst.Module, cst.CSTNode, cst.CSTNode] = attrs.field(repr=False)

    @property
    def key(self) -> str:
        """What it is called, where results are kept."""
        return f"{self.module.removeprefix('trio_cartesia.')}:{self.scope} {self.change}"

    @property
    def source(self) -> str:
        """The module's text with it."""
        mutated = deep_replace(*self._nodes)
        assert isinstance(mutated, cst.Module)
        return mutated.code


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Make every mutant of a module."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text()))
    finder = _Finder()
    wrapper.visit(finder)
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    seen: dict[tuple[str, str], int] = {}
    for old, new, scope, is_at_import, lines in finder.found:
        change = _described(_code(old), _code(new))
        seen[scope, change] = count = seen.get((scope, change), 0) + 1
        yield Mutant(
            module=module,
            path=path,
            scope=scope,
            lines=lines,
            change=change if count == 1 else f"{change} ({count})",
            is_at_import=is_at_import,
            nodes=(wrapper.module, old, new),
        )


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, str, bool, tuple[int, int]]] = []
        self._scopes: list[cst.FunctionDef | cst.ClassDef] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _LEFT_ALONE):
            return False
        if not m.matches(node, _NO_NONE_IN):
            self._mutate(node)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scopes.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._scopes and original_node is self._scopes[-1]:
            self._scopes.pop()

    def _mutate(self, node: cst.CSTNode) -> None:
        position = self.get_metadata(PositionProvider, node, None)
        if position is None:
            return
        functions = [scope for scope in self._scopes if isinstance(scope, cst.FunctionDef)]
        is_once = not functions or any(
            "cache" in _code(decorator) for scope in functions for decorator in scope.decorators
        )
        scope = ".".join(scope.name.value for scope in self._scopes)
        lines = (position.start.line, position.end.line)
        changes = _mutations(node)
        self.found.extend((node, new, scope, is_once, lines) for new in changes)


def _mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if m.matches(node, m.SimpleString()) and _PROSE.search(_code(node)):
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from (new for new in operator(node) if not _is_repeated(node, new))
    yield from _left_out(node)
    yield from _turned_round(node)


def _is_repeated(old: cst.CSTNode, new: cst.CSTNode) -> bool:
    """
    Tell whether another mutant says as much: of a string, that it is upper or lower case too; of
    an argument that became None, that it is left out too; of a flag that is turned round, both.
    """
    if isinstance(old, cst.SimpleString) and isinstance(new, cst.SimpleString):
        return "XX" not in new.value and "[" not in old.value  # but regular expressions matter
    if not isinstance(old, cst.Call) or not isinstance(new, cst.Call):
        return False
    flags = {arg for arg in old.args if m.matches(arg, m.Arg(m.Name("True") | m.Name("False")))}
    return len(new.args) < len(old.args) or not flags <= set(new.args)


def _left_out(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    if m.matches(node, m.Expr(m.Call() | m.Await())):
        yield cst.Pass()


def _turned_round(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    if isinstance(node, cst.If | cst.While) and m.matches(node.test, _PLAIN):
        test = node.test
        if isinstance(test, cst.NamedExpr):
            test = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def _described(old: str, new: str) -> str:
    """Show what differs, with a few words around it."""
    before, after = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (old, new))
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    first = max(0, start - 6)
    shown = ["".join(text[first : max(0, len(text) - end + 4)]) for text in (before, after)]
    return " → ".join(f"`{' '.join(text.split())[:90]}`" for text in shown)
