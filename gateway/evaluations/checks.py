"""What an answer must be like. Each check says in a sentence what is wrong with an answer."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

import jsonschema
import orjson
import regex
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from models.spec import Name

# A pattern that takes longer on one answer finds nothing.
PATTERN_SECONDS: Final = 1.0
_SHOWN: Final = 80

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class _Check(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contains(_Check):
    """The answer holds a text."""

    kind: Literal["contains"]
    text: Text
    ignore_case: bool = False

    def wrong(self, answer: str) -> str | None:
        """None where the answer passes."""
        found = self.text.casefold() in answer.casefold() if self.ignore_case else self.text in answer
        return None if found else f"It does not contain {self.text[:_SHOWN]!r}."


class Excludes(_Check):
    """The answer does not hold a text, in whatever case."""

    kind: Literal["excludes"]
    text: Text

    def wrong(self, answer: str) -> str | None:
        """None where the answer passes."""
        found = self.text.casefold() in answer.casefold()
        return f"It contains {self.text[:_SHOWN]!r}." if found else None


class Exact(_Check):
    """The answer is a text, but for the space around it."""

    kind: Literal["exact"]
    text: Text

    def wrong(self, answer: str) -> str | None:
        """None where the answer passes."""
        return None if answer.strip() == self.text.strip() else f"It is not {self.text[:_SHOWN]!r}."


class Matches(_Check):
    """A regular expression is found somewhere in the answer."""

    kind: Literal["regex"]
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        try:
            regex.compile(self.pattern)
        except regex.error as error:
            raise PydanticCustomError(
                "pattern", "pattern is not a regular expression: {why}", {"why": str(error)}
            ) from error
        return self

    def wrong(self, answer: str) -> str | None:
        """None where the answer passes."""
        try:
            found = regex.search(self.pattern, answer, timeout=PATTERN_SECONDS)
        except TimeoutError:
            return f"{self.pattern[:_SHOWN]!r} takes too long to look for."
        return None if found else f"{self.pattern[:_SHOWN]!r} is not found in it."


class JsonSchema(_Check):
    """The answer is JSON that a schema allows. A schema may refer to nothing outside of itself."""

    kind: Literal["json_schema"]
    # `schema` is what a BaseModel calls something else.
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        try:
            jsonschema.Draft202012Validator.check_schema(self.json_schema)
        except jsonschema.SchemaError as error:
            raise PydanticCustomError(
                "schema", "schema is not a JSON schema: {why}", {"why": error.message[:200]}
            ) from error
        if not all(reference.startswith("#") for reference in _references(self.json_schema)):
            raise PydanticCustomError("schema", "schema may only refer to itself")
        return self

    def wrong(self, answer: str) -> str | None:
        """None where the answer passes."""
        try:
            value = orjson.loads(answer)
        except orjson.JSONDecodeError as error:
            return f"It is not JSON: {error}."
        worst = jsonschema.exceptions.best_match(
            jsonschema.Draft202012Validator(self.json_schema).iter_errors(value)
        )
        return None if worst is None else f"The schema does not allow it: {worst.message[:200]}"


def _references(schema: object) -> Iterator[str]:
    """Whatever a schema refers to: nothing is fetched, and no file is opened."""
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for name, part in value.items():
                if name in ("$ref", "$dynamicRef"):
                    yield str(part)
                else:
                    pending.append(part)
        elif isinstance(value, list):
            pending.extend(value)


class Judged(_Check):
    """A named model says yes when it is asked about the answer."""

    kind: Literal["judged"]
    model: Name
    question: Text

    def wrong(self, verdict: str) -> str | None:
        """None where the judge's words say yes."""
        said = verdict.strip()
        return None if said.casefold().startswith("yes") else f"{self.model} says: {said[:200] or 'nothing'}"

    def prompt(self, asked: str, answer: str) -> list[dict[str, str]]:
        """What the judge is asked."""
        return [
            {"role": "system", "content": "You judge answers. You begin with yes or no."},
            {
                "role": "user",
                "content": f"A question was: {asked}\n\nThe answer was: {answer}\n\n{self.question}",
            },
        ]


Check = Annotated[Contains | Excludes | Exact | Matches | JsonSchema | Judged, Field(discriminator="kind")]
