"""Sphinx configuration."""

from accelerator_sim import __version__

project = "accelerator-sim"
release = __version__
extensions = ["myst_nb"]  # it reads Markdown, too
nb_execution_mode = "off"  # notebooks carry their outputs; the tests run them
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"accelerator-sim {release}"
# JSON and YAML examples hold "..." where something is left out.
suppress_warnings = ["misc.highlighting_failure"]
