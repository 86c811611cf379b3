"""Sphinx configuration of the documentation: `make docs` builds docs/build/html, offline, with warnings as errors.

Pages are Markdown that GitHub shows as well. Docstrings are Google style with Markdown's `code` in single backticks.
"""

import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "kuznechik"
author = "the kuznechik developers"
copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["build"]

myst_heading_anchors = 3
copybutton_prompt_text = "$ "

default_role = "literal"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Conventions", "Source", "Sources"]

html_theme = "furo"
html_title = "kuznechik"
html_static_path = ["static"]
html_css_files = ["wide_tables.css"]
html_show_sphinx = False
html_copy_source = False


def markdown_to_rst(app, what, name, obj, options, lines):
    """Change what our docstrings have of Markdown into reStructuredText: headings, lists, and tables of a module."""
    changed: list[str] = []
    for line in lines:
        before = changed[-1] if changed else ""
        if head := re.match(r"(Conventions|Sources?): (.+)", line):  # the section's text begins behind its name
            changed += [f"{head[1]}:", f"    {head[2]}"]
            continue
        if line.startswith("## "):  # a section in Gymnasium's order, `## Action Space`
            changed += ["", ".. rubric:: " + line.removeprefix("## "), ""]
            continue
        if line.startswith("* ") and before and before[0] not in "* ":
            changed.append("")
        if what == "module" and line.startswith("    ") and not before:  # a table or code, to be kept as it is
            text = next((earlier for earlier in reversed(changed) if earlier), "")
            if not text.startswith("    "):
                changed += ["::", ""]
        changed.append(line)
    lines[:] = changed


def without_links_to_files(app, docname, source):
    """Keep the text alone of links from a page to files outside docs/, which GitHub shows and HTML has not."""
    if "/" not in docname:
        source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", source[0])


def copy_gallery(app, error):
    """Copy the gallery beside the pages, as it is."""
    if not error and app.builder.format == "html":
        shutil.copytree(Path(app.srcdir) / "gallery", Path(app.outdir) / "gallery", dirs_exist_ok=True)


def setup(app):
    app.connect("autodoc-process-docstring", markdown_to_rst, priority=400)
    app.connect("source-read", without_links_to_files)
    app.connect("build-finished", copy_gallery)
