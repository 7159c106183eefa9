"""What the site takes from beside `docs/`: the README as its home, the top's other pages, one API page a room."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

TOP = Path(__file__).resolve().parents[1]
PACKAGES = ("dmml_tf", "tfrecords_tools")
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "dmml_tf/pretrained/card.md": "card.md",
    "dmml_tf/pretrained/musicnn/card.md": "card_musicnn.md",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the API's pages to the navigation."""
    assert config.nav is not None
    config.nav.append({"API": [{name: [{room: f"api/{room}.md"} for room in rooms(name)]} for name in PACKAGES]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made here, and the notebooks that the README links to."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=_inside(TOP / name)))
    for notebook in sorted(TOP.glob("notebooks/*.ipynb")):
        files.append(File.generated(config, f"notebooks/{notebook.name}", abs_src_path=str(notebook)))
    for package in PACKAGES:
        for room in rooms(package):
            files.append(File.generated(config, f"api/{room}.md", content=_api_page(room)))
    return files


def rooms(package: str) -> Iterator[str]:
    """The package itself, for its modules at the root, then its folders in alphabetical order."""
    yield package
    yield from sorted(f"{package}.{path.parent.name}" for path in TOP.glob(f"{package}/*/__init__.py"))


def _api_page(room: str) -> str:
    if "." in room:
        return f"# {room}\n\n::: {room}\n"
    modules = sorted(path.stem for path in TOP.glob(f"{room}/[!_]*.py"))
    own = f"::: {room}\n    options:\n      show_submodules: false\n"
    return "\n\n".join([f"# {room}", own, *(f"::: {room}.{name}" for name in modules)]) + "\n"


def _inside(path: Path) -> str:
    """A page of the top, whose links to `docs/` are links beside it."""
    return re.sub(r"\]\(docs/", "](", path.read_text(encoding="utf-8"))
