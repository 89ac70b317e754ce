"""Interpreters found, named and chosen."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from sandbox.images import Image, command, find, find_images, programs, resolve
from sandbox.images.model import named


def image(version, source="pyenv", python=None):
    return Image(version, version, python or f"/x/{version}/bin/python3", (f"/x/{version}",), source)


SYSTEM = image("3.11.2", "system", "/usr/bin/python3")
SOME = [image("3.9.1"), image("3.13.0"), SYSTEM, image("3.10.4"), image("3.10.12"), image("3.11.9", "uv")]


def test_the_newest_patch_has_the_short_name():
    names = {each.version: each.name for each in named(SOME)}
    assert names == {
        "3.11.2": "3.11.2",
        "3.13.0": "3.13",
        "3.11.9": "3.11",
        "3.10.12": "3.10",
        "3.10.4": "3.10.4",
        "3.9.1": "3.9",
    }


def test_the_default_is_the_systems():
    images = named(SOME)
    for name in ("", "python", " "):
        assert resolve(images, name) == images[0]
    assert images[0].version == "3.11.2"
    assert resolve(named([image("3.9.1"), image("3.12.0")]), "python").version == "3.12.0"


def test_of_two_of_the_same_version_the_systems_counts():
    (only,) = named([image("3.11.2"), SYSTEM])
    assert only.source == "system"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("3.13", "3.13.0"),
        ("3.10", "3.10.12"),
        ("3.10.4", "3.10.4"),
        ("python3.9", "3.9.1"),
        ("3.11", "3.11.9"),
    ],
)
def test_resolves_short_and_full_names(name, version):
    assert resolve(named(SOME), name).version == version


def test_an_unknown_name_tells_what_there_is_in_order():
    names = ", ".join(image.name for image in named(SOME))
    with pytest.raises(LookupError, match=re.escape(f"no image '3.12'; there is {names}")):
        resolve(named(SOME), "3.12")
    with pytest.raises(LookupError, match="apt-get install"):
        resolve([], "python")


def test_finds_the_systems_python():
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("no system Python")
    default = resolve(find_images(), "python")
    assert (default.python, default.source, default.prefixes) == ("/usr/bin/python3", "system", ())


def test_every_image_is_a_python_that_runs():
    for each in find_images():
        assert os.access(each.python, os.X_OK)
        assert each.version.split(".") >= ["3", "8"] or int(each.version.split(".")[1]) >= 8
        assert not each.python.endswith("/shims/python3")


def fake_python(path, version="3.12.5", implementation="cpython", prefix=None):
    path.parent.mkdir(parents=True)
    prefix = prefix or path.parents[1]
    answer = f'[{list(map(int, version.split(".")))}, "{implementation}", "{path}", "{prefix}", "{prefix}"]'
    path.write_text(f"#!/bin/sh\necho '{answer}'\necho x >> {path.parent}/asked\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


@pytest.fixture
def home(folder, monkeypatch):
    """A home of somebody with pyenv and uv."""
    monkeypatch.setenv("HOME", folder)
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("UV_PYTHON_INSTALL_DIR", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(find, "_homes", lambda: [folder])
    return Path(folder)


def test_finds_pyenv_and_uv_and_what_they_need(home):
    pyenv = home / ".pyenv" / "versions" / "3.12.5" / "bin" / "python3"
    uv = home / ".local/share/uv/python/cpython-3.14.1-linux/bin/python3"
    fake_python(pyenv)
    fake_python(uv, "3.14.1")
    found = {each.version: each for each in find_images()}
    assert (found["3.12.5"].source, found["3.14.1"].source) == ("pyenv", "uv")
    assert found["3.12.5"].python == str(pyenv)
    assert found["3.12.5"].prefixes == (str(pyenv.parents[1]),)


def test_old_broken_and_other_interpreters_do_not_count(home):
    versions = home / ".pyenv" / "versions"
    fake_python(versions / "3.7.9" / "bin" / "python3", "3.7.9")
    fake_python(versions / "pypy" / "bin" / "python3", "3.10.1", "pypy")
    fake_python(versions / "broken" / "bin" / "python3")
    (versions / "broken" / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (versions / "gone" / "bin").mkdir(parents=True)
    (versions / "gone" / "bin" / "python3").symlink_to("/no/such/python")
    assert {each.source for each in find_images()} <= {"system"}


def test_an_interpreter_is_asked_once_until_it_changes(home):
    python = home / ".pyenv" / "versions" / "3.12.5" / "bin" / "python3"
    fake_python(python)
    asked = python.parent / "asked"
    find_images()
    find_images()
    assert asked.read_text() == "x\n"
    python.write_text(python.read_text().replace("3, 12, 5", "3, 12, 6"))
    os.utime(python, (1, 1))
    assert "3.12.6" in {each.version for each in find_images()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as another user")
def test_somebodys_interpreter_is_not_run_as_root(home):
    python = home / ".pyenv" / "versions" / "3.12.5" / "bin" / "python3"
    fake_python(python)
    python.write_text(python.read_text().replace("echo x", "id -u"))
    for path in (python, python.parent):
        os.chown(path, 61234, 61234)
    find_images()
    assert (python.parent / "asked").read_text() == "61234\n"


def test_a_venv_brings_its_base(home):
    base = home / "base"
    fake_python(home / "envs" / "mine" / "bin" / "python3", prefix=base)
    found = [each for each in find_images([str(home / "envs")]) if each.source == "path"]
    assert len(found) == 1
    assert set(found[0].prefixes) == {str(base), str(home / "envs" / "mine")}


class TestPrograms:
    def make(self, folder, *modules):
        site = Path(folder, "lib", "python3.12", "site-packages")
        for module in modules:
            (site / module).mkdir(parents=True)
            (site / module / "__main__.py").touch()
        return Image("3.12", "3.12.1", f"{folder}/bin/python3", (folder,), "pyenv")

    def test_python_and_bash(self, folder):
        each = self.make(folder)
        assert command(each, "python") == (each.python,)
        assert command(each, "bash") == ("/bin/bash",)

    def test_what_the_image_has(self, folder):
        each = self.make(folder, "IPython")
        assert command(each, "ipython") == (each.python, "-m", "IPython", "--ext=_termhub.ipython")
        assert programs(each) == ["python", "ipython", "bash"]

    def test_what_it_does_not_have_is_an_error_that_says_what_it_has(self, folder):
        with pytest.raises(LookupError, match=r"no program 'ptpython'; it has python, ipython, bash"):
            command(self.make(folder, "IPython"), "ptpython")
        with pytest.raises(LookupError, match="no program 'emacs'"):
            command(self.make(folder), "emacs")


def test_this_interpreter_is_known_by_its_version():
    version = ".".join(map(str, sys.version_info[:3]))
    if version not in {each.version for each in find_images()}:
        pytest.skip("runs on an interpreter from elsewhere")
    assert resolve(find_images(), version).version == version
