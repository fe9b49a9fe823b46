"""The site: `make docs` builds it into `docs/_build`, with every notebook run."""

from __future__ import annotations

import shutil
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
NOTEBOOKS = HERE / "_notebooks"

project = "collateral-abm"
version = release = version_of(project)
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]

html_theme = "furo"
html_title = project
html_theme_options = {"light_css_variables": {"code-font-size": "75%"}}  # lines of 100 fit
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False  # the licence says it
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_timeout = 1200  # a first cell may compile, on a machine with much else to do
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
copybutton_exclude = ".linenos, .gp, .go"


def _write_command_line() -> None:
    """The page of all commands, as `--help` tells it."""
    import click

    from abm.commands.cli import COMMANDS, main

    parts = ["# Command line", "What `collateral COMMAND --help` says of each command."]
    for name in COMMANDS:
        parts += [f"## {name}", *_helps(click.Context(main, info_name="collateral"), name)]
    target = HERE / "command-line.md"
    text = "\n\n".join(parts) + "\n"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


def _helps(parent: object, name: str) -> list[str]:
    """Help of a command and of those below it."""
    import click

    assert isinstance(parent, click.Context) and isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, name)
    assert command is not None
    context = click.Context(command, parent=parent, info_name=name)
    found = [f"```text\n{command.get_help(context)}\n```"]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found += _helps(context, below)
    return found


def _bring_notebooks(app: object, config: object) -> None:
    """Copy the notebooks into the tree that Sphinx reads."""
    NOTEBOOKS.mkdir(exist_ok=True)
    for path in (HERE.parent / "examples").glob("*.ipynb"):
        target = NOTEBOOKS / path.name
        if not target.exists() or target.read_bytes() != path.read_bytes():
            shutil.copyfile(path, target)
    _write_command_line()


def setup(app: object) -> None:
    """Sphinx calls this first."""
    app.connect("config-inited", _bring_notebooks)  # type: ignore[attr-defined]
