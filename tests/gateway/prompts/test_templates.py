"""Templates hold plain names in braces; whatever else a format string could do is refused."""

import subprocess
import sys

import pytest

from core.errors import Invalid
from gateway.prompts import templates
from gateway.prompts.templates import render, variables_of


@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("No variables.", []),
        ("{b} and {a} and {b}", ["b", "a"]),
        ("{{not_one}} {one}", ["one"]),
        ("{{{a}", ["a"]),
        ("{größe} {x_1}", ["größe", "x_1"]),
        ("{% if x %}".replace("{", "{{").replace("}", "}}"), []),
    ],
)
def test_variables_are_told_in_the_order_in_which_they_appear(template: str, variables: list[str]) -> None:
    assert variables_of(template) == variables


@pytest.mark.parametrize(
    "template",
    [
        "{",
        "}",
        "{}",
        "{0}",
        "{a.b}",
        "{a.__class__.__mro__}",
        "{a[0]}",
        "{a[__globals__]}",
        "{a!r}",
        "{a:>1000000000}",
        "{a:{b}}",
        "{ a }",
        "{a b}",
        "{a-b}",
        "{{{a",
        "{self}",
        "{stop}",
        "{__class__}",
        "{{{{a}}}",
        "{" + "a" * 65 + "}",
        "".join(f"{{a{number}}}" for number in range(51)),
    ],
)
def test_anything_but_a_plain_name_is_refused(template: str) -> None:
    with pytest.raises(Invalid) as refused:
        variables_of(template)
    assert refused.value.fields[0][0] == "template"


async def test_values_are_put_in_as_they_are() -> None:
    values = {"a": "{b} {{c}} {0.__class__}", "b": "%s $x \\n"}
    assert await render("1 {a} 2 {b} {{z}}", values) == "1 {b} {{c}} {0.__class__} 2 %s $x \\n {z}"


async def test_missing_and_unknown_values_are_named() -> None:
    with pytest.raises(Invalid) as refused:
        await render("{a} {b}", {"b": "x", "c": "y"})
    assert list(refused.value.fields) == [("variables.a", "needs a value"), ("variables.c", "not a variable")]


async def test_the_text_has_a_bound_that_is_known_before_it_is_made() -> None:
    with pytest.raises(Invalid):
        await render("{a}" * 1_000, {"a": "x" * 100_000})
    assert len(await render("{a}" * 2, {"a": "x" * 100_000})) == templates.LONGEST_TEXT


def test_the_library_is_not_loaded_before_it_is_needed() -> None:
    program = "import gateway.app, sys; sys.exit(any(n.startswith('langchain') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
