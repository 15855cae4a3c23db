"""Links between docstrings, pages and the sections of the protocol."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from _site.names import MODULES, load

PROTOCOL: Final = "reference/protocol"
SECTION: Final = re.compile(r"(RFC \d+\s+)?§(\d+a?(?:\.\d+)*)")
BLOCKING: Final = "trio_cartesia.blocking"
CLASSES: Final = {"class", "exception"}
MEMBERS: Final = {"method", "property", "attribute", "classmethod", "staticmethod"}


class ExactNames(PythonDomain):
    """The domain of Python without its search for names that end alike; `resolve_name` has one."""

    def find_obj(self, *args: Any, **_: Any) -> Any:
        """Find a name in the class and the module that it is used in."""
        return super().find_obj(*args[:5])


def resolve_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Find the entry of a name that a docstring or an annotation uses without its package.

    An attribute without an entry leads to its class. Names of other libraries stay without a link,
    because a build has no network to find them, and so do words in backticks that are no names,
    such as parameters. A name of a public class or module that is not there is an error.
    """
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    module, _, last = target.rpartition(".")
    owners = [path for path in _ending_with(env, module) if _kind(env, path) in CLASSES]
    found = _ending_with(env, last if module in MODULES else target)
    if not module or module in MODULES:
        found = [path for path in found if _kind(env, path) not in MEMBERS]
    found = found or [path for path in owners if _has(path, last)]
    if not found:
        return None if owners or module in MODULES else contnode
    is_blocking = str(node.get("py:module")).startswith(BLOCKING)
    best = min(found, key=lambda path: (path.startswith(BLOCKING) != is_blocking, len(path)))
    entry = env.domains.python_domain.objects[best]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, best)


@cache
def _by_last_name(env: BuildEnvironment) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for path in env.domains.python_domain.objects:
        paths.setdefault(path.rpartition(".")[2], []).append(path)
    return paths


def _ending_with(env: BuildEnvironment, name: str) -> list[str]:
    found = _by_last_name(env).get(name.rpartition(".")[2], [])
    return [path for path in found if path.endswith(f".{name}")]


def _kind(env: BuildEnvironment, path: str) -> str:
    return env.domains.python_domain.objects[path].objtype


def _has(path: str, name: str) -> bool:
    value: Any = load(path)
    return hasattr(value, name) or any(
        name in inspect.get_annotations(base) for base in value.__mro__
    )


def link_outside(_app: Sphinx, _docname: str, content: list[str]) -> None:
    """Let links to files of the root lead to their pages."""
    for name in ("CONTRIBUTING", "CHANGELOG"):
        page = f"../project/{name.lower()}.rst)"
        content[0] = content[0].replace(f"../../{name}.md)", page)


def link_from_root(app: Sphinx, doctree: nodes.document) -> None:
    """Let the links of CONTRIBUTING, which start at the root, lead to pages."""
    if app.env.docname in ("project/contributing", "project/changelog"):
        for node in doctree.findall(pending_xref):
            path, _, anchor = str(node["reftarget"]).partition("#")
            if path.startswith("docs/"):
                node["refdomain"], node["reftargetid"] = "doc", anchor or None
                node["reftarget"] = path.removeprefix("docs/").removesuffix(".md")


@cache
def section_ids(env: BuildEnvironment) -> dict[str, str]:
    """Return the anchor of each numbered section of the protocol."""
    found = {}
    for section in env.get_doctree(PROTOCOL).findall(nodes.section):
        number = section[0].astext().partition(" ")[0].rstrip(".")
        if number[:1].isdigit():
            found[number] = section["ids"][-1]
    return found


def link_sections(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link each "§2.9" to the section of the protocol with this number."""
    for text in list(doctree.findall(nodes.Text)):
        if "§" not in text or isinstance(text.parent, (nodes.literal, nodes.literal_block)):
            continue
        if any(isinstance(parent, nodes.reference) for parent in _parents(text)):
            continue
        text.parent.replace(text, list(_linked(app, str(text), docname)))


def _parents(node: Any) -> Any:
    while node := node.parent:
        yield node


def _linked(app: Sphinx, text: str, docname: str) -> Any:
    end, ids = 0, section_ids(app.env)
    uri = "" if docname == PROTOCOL else app.builder.get_relative_uri(docname, PROTOCOL)
    for match in SECTION.finditer(text):
        number = match[2]
        if number not in ids:
            number = number.rpartition(".")[0]  # of the section that has this numbered rule
        if match[1] or number not in ids:
            continue
        yield nodes.Text(text[end : match.start()])
        yield nodes.reference("", match[0], internal=True, refuri=f"{uri}#{ids[number]}")
        end = match.end()
    yield nodes.Text(text[end:])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_domain(ExactNames, override=True)
    app.connect("source-read", link_outside)
    app.connect("missing-reference", resolve_name)
    app.connect("doctree-read", link_from_root)
    app.connect("doctree-resolved", link_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
