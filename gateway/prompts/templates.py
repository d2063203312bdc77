"""Templates with `{name}` in them, and nothing else: the only file that knows langchain-core.

Its f-string templates are Python's format strings. Those can read attributes, index, convert and pad to any
width; all of that is refused here, before the library sees a template. Its other formats are never used.
"""

import asyncio
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from core.errors import Invalid

if TYPE_CHECKING:
    from langchain_core.prompts import PromptTemplate

MOST_VARIABLES: Final = 50
LONGEST_VARIABLE: Final = 64
LONGEST_TEXT: Final = 200_000
# The library uses these names itself.
RESERVED: Final = frozenset({"self", "stop"})


def variables_of(template: str) -> list[str]:
    """The names in the order in which they first appear. Raises core.errors.Invalid with what is wrong."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise _invalid(f"A brace is missing: {error}. Write {{{{ and }}}} for braces of the text.") from error
    found: dict[str, None] = {}
    for _, name, specification, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or len(name) > LONGEST_VARIABLE or specification or conversion:
            raise _invalid(
                "A variable is a name of letters, digits and underscores in braces, such as {topic}; "
                "write {{ and }} for braces of the text."
            )
        if name in RESERVED or name.startswith("__"):
            raise _invalid(f"A variable may not be called {name!r}.")
        found[name] = None
    if len(found) > MOST_VARIABLES:
        raise _invalid(f"A template may have {MOST_VARIABLES} variables.")
    return list(found)


async def render(template: str, values: Mapping[str, str]) -> str:
    """The text with all variables replaced; what stands in a value stays as it is.

    Raises: core.errors.Invalid for missing, unknown or too long values.
    """
    names = variables_of(template)
    wrong = [
        *((f"variables.{name}", "needs a value") for name in names if name not in values),
        *((f"variables.{name[:LONGEST_VARIABLE]}", "not a variable") for name in values if name not in names),
    ]
    if wrong:
        raise Invalid("The values do not fit the variables of this prompt.", fields=wrong[:MOST_VARIABLES])
    if _length(template, values) > LONGEST_TEXT:
        raise Invalid(f"The text would be longer than {LONGEST_TEXT:,} characters. Shorten the values.")
    prompt = await _library_template(template, names)
    return prompt.format(**values)


async def _library_template(template: str, names: Sequence[str]) -> "PromptTemplate":
    # Importing the library takes about a second: once, when first needed, and not in the event loop's thread.
    kind = await asyncio.to_thread(_load)
    return kind(template=template, input_variables=list(names), template_format="f-string")


def _load() -> "type[PromptTemplate]":
    from langchain_core.prompts import PromptTemplate

    return PromptTemplate


def _length(template: str, values: Mapping[str, str]) -> int:
    return sum(
        len(literal) + (len(values[name]) if name is not None else 0)
        for literal, name, _, _ in string.Formatter().parse(template)
    )


def _invalid(message: str) -> Invalid:
    return Invalid(message, fields=[("template", "not a template")])
