"""Links that fetch the notebooks follow the repository's address."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def links(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.delitem(sys.modules, "classroom_links", raising=False)
    import classroom_links

    return classroom_links.links


def test_every_notebook_has_a_link_to_its_own_page(links):
    found = links(ROOT, "http://192.168.0.10:8000/")
    assert sorted(found) == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name, link in found.items():
        parts = urlsplit(link)
        assert (parts.netloc, parts.path) == ("192.168.0.10:8000", "/hub/user-redirect/git-pull")
        asked = {key: value for key, (value,) in parse_qs(parts.query).items()}
        assert asked["urlpath"] == f"lab/tree/{asked['targetpath']}/notebooks/{name}"
        assert f'Repository = "{asked["repo"]}"' in (ROOT / "pyproject.toml").read_text()


def test_another_address_in_the_project_is_another_link(links, tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_a.ipynb").write_text("{}")
    (tmp_path / "pyproject.toml").write_text('Repository = "https://github.com/someone/my.kit"\n')
    assert (
        "repo=https%3A%2F%2Fgithub.com%2Fsomeone%2Fmy.kit&"
        in links(tmp_path, "http://hub")["00_a.ipynb"]
    )


@pytest.mark.parametrize("hub", ["", "192.168.0.10", "ftp://hub", "http://a b", "http://"])
def test_what_is_no_hub_is_refused(links, hub):
    with pytest.raises(ValueError, match=r"give one like http://192\.168\.0\.10:8000"):
        links(ROOT, hub)
