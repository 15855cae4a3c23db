"""The site: python -m sphinx -W --keep-going -n docs build/site."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]  # for _site, and the tables of tests/

from trio_cartesia import __version__  # noqa: E402  # may be a checkout that is not installed

project = "trio_cartesia"
author = "the authors of trio_cartesia"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib_trio",
    "_site.reference",
    "_site.docstrings",
    "_site.links",
    "_site.commands",
    "_site.errors",
    "_site.pictures",
]
exclude_patterns = ["_site", "index.md"]  # GitHub shows index.md; the site begins with index.rst
nitpicky = True
default_role = "py:obj"  # a single backtick in a docstring

myst_heading_anchors = 4  # the anchors that GitHub makes

autodoc_use_legacy_class_based = True  # sphinxcontrib-trio extends these classes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_inherit_docstrings = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "trio_cartesia"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#b8430a", "color-brand-content": "#b8430a"},
    "dark_css_variables": {"color-brand-primary": "#ff8f52", "color-brand-content": "#ff8f52"},
}
pygments_style = "friendly"
pygments_dark_style = "monokai"
