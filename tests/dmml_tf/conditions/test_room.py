"""What the room of conditions promises to the rest: nobody else tells kinds apart by their names."""

import re
from pathlib import Path

import pytest

import dmml_tf

ROOT = Path(dmml_tf.__file__).parent
# A comparison of a kind's name: `x.kind == "within"`, `kind in (...)`, or `match` on it; NumPy's dtype.kind is another.
COMPARED = re.compile(
    r"(?<!dtype\.)(?<!for )\bkind (==|!=|in |not in |is )|(==|!=) [\w.]*\.kind\b|^ *match [\w.]*kind:"
)


def comparisons(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if COMPARED.search(line)]


def test_no_kind_is_compared_outside_the_room():
    inside = ROOT / "conditions"
    files = [path for path in ROOT.rglob("*.py") if inside not in path.parents]
    assert len(files) > 100
    assert {str(path): lines for path in files if (lines := comparisons(path))} == {}


@pytest.mark.parametrize("line", ["if c.kind == 'within':", "x.kind in TAGS", "a != b.kind", "match row.kind:"])
def test_a_comparison_would_be_found(tmp_path, line):
    (tmp_path / "a.py").write_text(f"first\n{line}\n", encoding="utf-8")
    assert comparisons(tmp_path / "a.py") == [line]
