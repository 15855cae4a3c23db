"""Write the blocking face, `trio_cartesia.blocking`, from the asynchronous one.

``python tools/write_blocking.py`` writes a module for each class of `CLASSES`, with the same public
names and parameters, and docstrings for threads. A method passes its call on through the portal,
unless `BODIES` says otherwise; both tables are in ``blocking_classes.py``.

After a change of the asynchronous face, run this and read the docstrings that it wrote: `WORDS`, in
``blocking_words.py``, has what they call a thing that is different for threads. A new class of
objects with asynchronous methods needs a row in `CLASSES`, and a new function that opens a block
one in `OPENERS`. A test fails where a module is not what this writes.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from blocking_classes import (
    ASYNC_ONLY,
    BODIES,
    CLASSES,
    CLIENTS,
    FOLDERS,
    IMPORTS,
    MERGED,
    MODULES,
    OPENERS,
    TYPES,
    UNCHANGING,
)
from blocking_words import Unclear, docstring_for_threads

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "trio_cartesia" / "blocking"

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

T = TypeVar("T", bound=ast.AST)


def module_of_class(name: str) -> ast.Module:
    """Return the parsed module that has a class."""
    module = MERGED[name] if name in MERGED else CLASSES[name][0]
    return ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())


def class_of(name: str) -> tuple[ast.ClassDef, dict[str, str]]:
    """Return the definition of a class, and the modules of the names that its module has."""
    module = MERGED[name] if name in MERGED else CLASSES[name][0]
    tree = module_of_class(name)
    names = {}
    checked = [node.body for node in tree.body if isinstance(node, ast.If)]  # TYPE_CHECKING
    for node in (*tree.body, *itertools.chain(*checked)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: str(node.module) for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name: "" for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id: module for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ClassDef) and node.name == name:
            found = node
    bases = [ast.unparse(base).partition("[")[0] for base in found.bases]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name[0] == "_" and node.name in bases:
            found.body[1:1] = node.body[1:]  # behind the docstrings
    for base in bases:
        if base in MERGED:
            inherited, more = class_of(base)
            found.body += [node for node in inherited.body if isinstance(node, FUNCTIONS)]
            names = more | names
    return found, names


def written(name: str) -> str:
    """Return the module of a class, unformatted."""
    source, names = class_of(name)
    _, base = CLASSES[name]
    decorators = [each for each in source.decorator_list if "attrs" not in ast.unparse(each)]
    if decorators:
        decorators.append(expression("attrs.define(eq=False, init=False, repr=False)"))
    attributes = documented_attributes(source)
    body: list[ast.stmt] = [docstring(source, 4)]
    if not decorators:
        body += ast.parse("__slots__ = ()").body
    for node in sorted(source.body, key=lambda node: "__init__" not in ast.unparse(node)[:14]):
        body += member(name, node, attributes)
    bases = ast.parse(f"class _({base}): ...").body[0].bases  # type: ignore[attr-defined]  # a class
    made = ast.ClassDef(name, bases, [], body, decorators)
    made.type_params = []  # of Python 3.12
    head = f'"""`{name}` for threads. tools/write_blocking.py wrote this: do not edit it."""'
    head += "\nfrom __future__ import annotations\n"
    code, public = ast.unparse(ast.fix_missing_locations(made)), [name]
    if name in OPENERS:
        code += f"\n\n{ast.unparse(ast.fix_missing_locations(opener(name)))}"
        public.append(OPENERS[name])
    return f"{head}{imports(name, code, names)}\n__all__ = {public}\n{code}\n"


def opener(kind: str) -> ast.stmt:
    """Return the function that opens a block of a class, in the thread of a client."""
    name = OPENERS[kind]
    (node,) = (
        each
        for each in module_of_class(kind).body
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == name
    )
    made = ast.FunctionDef(name, for_threads(node.args), [], [], expression(f"Manager[{kind}]"))
    text = docstring_for_threads(ast.get_docstring(node) or "", 4)
    first = ast.arg("client", expression("Cartesia"))
    made.args.args.insert(0, first)
    passed_on = arguments(made.args).replace("client=client", "client=client._inner")
    if "client=" in passed_on:
        made.args.args.remove(first)
    else:
        text = text.replace("Args:\n", f"Args:\n        client: {CLIENTS[kind]}\n")
    given = f"client._portal, async_{name}({passed_on}), {kind}"
    made.body = ast.parse(f"return Block({given})").body
    made.body.insert(0, ast.Expr(ast.Constant(f"{text}\n    ")))
    made.type_params = []
    return made


def documented_attributes(source: ast.ClassDef) -> dict[str, str]:
    """Return what a class's docstring says of its attributes."""
    section = (ast.get_docstring(source) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^ {4}(\w+): ((?:.|\n {5,})+)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def member(owner: str, node: ast.stmt, attributes: dict[str, str]) -> Iterator[ast.stmt]:
    """Yield the blocking form of a member of a class, if it is public."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        if (name := node.target.id)[0] != "_":
            yield attribute(name, node.annotation, attributes[name])
    elif f"{owner}.{getattr(node, 'name', '')}" in ASYNC_ONLY:
        return
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
        node.name[0] != "_" or node.name == "__anext__" or f"{owner}.{node.name}" in BODIES
    ):
        yield function(owner, node)


def attribute(name: str, annotation: ast.expr, text: str) -> ast.stmt:
    """Return a property for an attribute."""
    kind, inner = ast.unparse(annotation), f"self._inner.{name}"
    value = f"create({kind}, self._portal, {inner})" if kind in CLASSES else inner
    code = f"@property\ndef {name}(self) -> {kind}:\n    {text!r}\n    return {value}"
    return ast.parse(code).body[0]


def function(owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """Return the blocking form of a method or a property."""
    name = f"{owner}.{node.name}"
    passed_on = passing_on(owner, node)
    body = BODIES.get(name, "PASS_ON").strip().replace("PASS_ON", passed_on)
    body = body.replace("ARGUMENTS", arguments(node.args))
    made = ast.FunctionDef(
        node.name.replace("__a", "__"),
        for_threads(node.args),
        [docstring(node, 8), *ast.parse(body).body],
        [each for each in node.decorator_list if ast.unparse(each) == "property"],
        node.returns and for_threads(node.returns),
    )
    made.type_params = []
    return made


def passing_on(owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the statement that passes a call on."""
    returned = ast.unparse(node.returns) if node.returns else "None"
    kind = returned.partition("[")[0]
    if any(ast.unparse(each) == "property" for each in node.decorator_list):
        inner = f"self._inner.{node.name}"
        if kind in CLASSES:
            return f"return create({kind}, self._portal, {inner})"
        unchanging = f"{owner}.{node.name}" in UNCHANGING
        return f"return {inner if unchanging else f'self._portal.run_sync(lambda: {inner})'}"
    given = arguments(node.args)
    if managed := re.fullmatch(r"Manager\[(?!None)(\w+)\]", returned):
        return f"return Block(self._portal, self._inner.{node.name}({given}), {managed[1]})"
    if returned == "Manager[None]":
        return f"return MuteBlock(self._portal, self._inner.{node.name}({given}))"
    if node.name == "__anext__":
        return f"item: {returned} = self._next()\nreturn item"
    run = "run" if isinstance(node, ast.AsyncFunctionDef) else "run_sync"
    call = f"self._portal.{run}({', '.join(filter(None, [f'self._inner.{node.name}', given]))})"
    if kind in CLASSES:
        call = f"create({kind}, self._portal, {call})"
    return call if returned == "None" else f"return {call}"


def arguments(parameters: ast.arguments) -> str:
    """Return the arguments that pass all parameters on."""
    given = [
        f"pieces_from_thread({each.arg})" if is_text(each) else each.arg
        for each in (*parameters.posonlyargs, *parameters.args)[1:]
    ]
    given += [f"{each.arg}={each.arg}" for each in parameters.kwonlyargs]
    if parameters.kwarg is not None:
        given.append(f"**{parameters.kwarg.arg}")
    return ", ".join(given)


def is_text(parameter: ast.arg) -> bool:
    """Return whether a parameter takes texts from an asynchronous iterator."""
    return parameter.annotation is not None and "AsyncIterable" in ast.unparse(parameter.annotation)


def docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, indent: int) -> ast.stmt:
    """Return the docstring of the blocking form."""
    text = ast.get_docstring(node)
    if text is None:
        raise Unclear(f"{node.name} has no docstring")
    text = docstring_for_threads(text, indent)
    return ast.Expr(ast.Constant(f"{text}\n{' ' * indent}" if "\n" in text else text))


class _ForThreads(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return expression(TYPES.get(node.id, node.id))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if "AsyncIterable" in ast.unparse(node.right):
            return self.visit(node.left)
        return self.generic_visit(node)


def for_threads(node: T) -> T:
    """Return annotations without asynchronous types."""
    changed: T = _ForThreads().visit(node)
    return changed


def expression(code: str) -> ast.expr:
    """Return a parsed expression."""
    return ast.parse(code, mode="eval").body


def imports(owner: str, code: str, names: dict[str, str]) -> str:
    """Return the imports that a module needs."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    bound = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(ast.parse(code)) if isinstance(node, ast.arg)}
    lines = []
    for name in sorted({node.id for node in nodes} - bound - set(dir(builtins)) - {owner}):
        if name == "attrs" or names.get(name) == "":
            lines.append(f"import {name}")
        elif name.startswith("Async"):
            inner = name.removeprefix("Async")
            lines.append(f"from {CLASSES[inner][0]} import {inner} as {name}")
        elif name.startswith("async_"):
            lines.append(f"from {CLASSES[owner][0]} import {OPENERS[owner]} as {name}")
        elif name in CLASSES:
            lines.append(f"from trio_cartesia.blocking.{module_of(name)} import {name}")
        else:
            lines.append(f"from {IMPORTS.get(name) or names[name]} import {name}")
    return "\n".join(lines)


def module_of(name: str) -> str:
    """Return the module of a blocking class, below the package."""
    module, _ = CLASSES[name]
    for start, folder in FOLDERS.items():
        if module.startswith(start):
            return f"{folder}.{re.sub('(?<=[a-z])(?=[A-Z])', '_', name).lower()}"
    return MODULES.get(name, name.lower())


def path_of(name: str) -> Path:
    """Return the file of a blocking class."""
    return FOLDER / f"{module_of(name).replace('.', '/')}.py"


def main() -> None:
    """Write all modules, formatted."""
    paths = []
    for name in CLASSES:
        path = path_of(name)
        path.write_text(written(name))
        paths.append(str(path))
    for command in (["check", "-q", "--select", "I", "--fix"], ["format", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *paths], check=True)  # noqa: S603  # our own command


if __name__ == "__main__":
    main()
