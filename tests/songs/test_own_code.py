"""User code is found by name, gets its arguments, and its errors are reported."""

import pytest

from songs.own_code import OwnCodeError, load_part, names_code

CODE = """
class Counter:
    def __init__(self, first=1, names=()):
        self.first, self.names = first, names

class Fails:
    def __init__(self):
        raise RuntimeError("out of order")

ready = Counter(7)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / "own_counter.py").write_text(CODE)
    (tmp_path / "no_python.py").write_text("class :")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", ["mine.py:Class", "../a b/mine.py:Class", "pack.mod:Class", "mine.py:Class(weight=2)"])
def test_a_class_in_a_file_or_module_is_code(text):
    assert names_code(text)


@pytest.mark.parametrize(
    "text", ["theory", "runs/a-1", "file.safetensors", "markov:4", "vae:16", "mine.py", "a b:C", ":C"]
)
def test_names_of_other_things_are_no_code(text):
    assert not names_code(text)


def test_a_class_of_a_file_is_made_with_its_arguments(file):
    part = load_part("own_counter.py:Counter(first=3, names=['a', 'b'])")
    assert (part.first, part.names) == (3, ["a", "b"])


def test_a_module_is_found_in_the_folder_of_the_call(file):
    assert load_part("own_counter:Counter").first == 1


def test_what_is_no_class_is_taken_as_it_is(file):
    assert load_part("own_counter.py:ready").first == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gone.py:Counter", "gone.py: there is no such file"),
        ("own_counter.py:Gone", "own_counter.py has no Gone"),
        ("own_counter.py:Counter(3)", r"write its arguments as in file.py:Class\(weight=2"),
        ("own_counter.py:Counter(first=open('x'))", "write its arguments as in"),
        ("own_counter.py:Counter(last=3)", "TypeError: .* unexpected keyword argument 'last'"),
        ("own_counter.py:Fails", r"RuntimeError: out of order \(line 8 of .*own_counter.py\)"),
        ("no_python.py:Counter", r"SyntaxError: .* \(line 1 of .*no_python.py\)"),
        ("gone_module:Counter", "ModuleNotFoundError: No module named 'gone_module'"),
        ("nothing", "neither module:Class nor file.py:Class"),
    ],
)
def test_what_cannot_be_loaded_says_why(file, text, message):
    with pytest.raises(OwnCodeError, match=message):
        load_part(text, "kuznechik.listeners")
