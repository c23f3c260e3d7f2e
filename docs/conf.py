"""Sphinx: plain Markdown pages that read well on the forge too."""

from table_rewards import __version__

project = "table-rewards"
author = "The table-rewards maintainers"
copyright = "2026, the table-rewards maintainers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["theme.css"]
html_title = f"table-rewards {version}"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_attr_annotations = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
