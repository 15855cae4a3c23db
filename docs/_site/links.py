"""Links between docstrings, pages and the sections of the protocol."""

from __future__ import annotations

import re
from typing import Any, Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry, PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from _site.names import MODULES, load

PROTOCOL: Final = "reference/protocol"
SECTION: Final = re.compile(r"§\s?(\d+a?(?:\.\d+)*)")
BLOCKING: Final = "trio_cartesia.blocking"


class OneClient(PythonDomain):
    """The domain of Python, where a name means that of the client that the entry belongs to."""

    def find_obj(self, env: Any, modname: Any, *args: Any, **kwargs: Any) -> Any:
        """Return one match: of the blocking client for its entries, else of the other one."""
        found = super().find_obj(env, modname, *args, **kwargs)
        is_blocking = str(modname).startswith(BLOCKING)
        return sorted(found, key=lambda match: match[0].startswith(BLOCKING) != is_blocking)[:1]


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
    entries = env.domains.python_domain.objects
    owners = [full for full in entries if full.endswith(f".{module}") and _is_class(entries[full])]
    for name in (target, last if module in MODULES else target, module):
        found = [full for full in entries if full.endswith(f".{name}")]
        if name == module:
            found = [full for full in owners if _has(full, last)]
        if not found:
            continue
        is_blocking = str(node.get("py:module")).startswith(BLOCKING)
        best = min(found, key=lambda full: (full.startswith(BLOCKING) != is_blocking, len(full)))
        entry = entries[best]
        where = (app.builder, node["refdoc"], entry.docname, entry.node_id)
        return make_refnode(*where, contnode, best)
    return None if owners or module in MODULES else contnode


def _is_class(entry: ObjectEntry) -> bool:
    return entry.objtype in ("class", "exception")


def _has(path: str, name: str) -> bool:
    value: Any = load(path)
    names = [key for base in value.__mro__ for key in base.__dict__.get("__annotations__", ())]
    return hasattr(value, name) or name in names


def link_contributing(app: Sphinx, docname: str, content: list[str]) -> None:
    """Let links to CONTRIBUTING lead to its page, since it lies outside of the documentation."""
    content[0] = content[0].replace("../../CONTRIBUTING.md)", "../project/contributing.rst)")


def link_from_root(app: Sphinx, doctree: nodes.document) -> None:
    """Let the links of CONTRIBUTING, which start at the root, lead to pages."""
    if app.env.docname == "project/contributing":
        for node in doctree.findall(pending_xref):
            path, _, anchor = str(node["reftarget"]).partition("#")
            if path.startswith("docs/"):
                node["refdomain"], node["reftargetid"] = "doc", anchor or None
                node["reftarget"] = path.removeprefix("docs/").removesuffix(".md")


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
    ids: dict[str, str] | None = None
    for text in list(doctree.findall(nodes.Text)):
        if "§" not in text or isinstance(text.parent, (nodes.literal, nodes.literal_block)):
            continue
        if any(isinstance(parent, nodes.reference) for parent in _parents(text)):
            continue
        ids = section_ids(app.env) if ids is None else ids
        text.parent.replace(text, list(_linked(app, str(text), docname, ids)))


def _parents(node: Any) -> Any:
    while node := node.parent:
        yield node


def _linked(app: Sphinx, text: str, docname: str, ids: dict[str, str]) -> Any:
    end = 0
    for match in SECTION.finditer(text):
        if match[1] not in ids:
            continue
        yield nodes.Text(text[end : match.start()])
        uri = "" if docname == PROTOCOL else app.builder.get_relative_uri(docname, PROTOCOL)
        yield nodes.reference("", match[0], internal=True, refuri=f"{uri}#{ids[match[1]]}")
        end = match.end()
    yield nodes.Text(text[end:])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_domain(OneClient, override=True)
    app.connect("source-read", link_contributing)
    app.connect("missing-reference", resolve_name)
    app.connect("doctree-read", link_from_root)
    app.connect("doctree-resolved", link_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
