"""What is wrong with the environment, in words."""

from pydantic import ValidationError

from core.settings import Settings


def explain(error: ValidationError) -> str:
    """One line for each variable that cannot be used. Values are not repeated: they may be secrets."""
    lines = ["Headrace cannot start with this environment:"]
    for item in error.errors(include_input=False, include_url=False):
        field = str(item["loc"][0]) if item["loc"] else ""
        info = Settings.model_fields.get(field)
        alias = info.validation_alias if info else None
        name = alias if isinstance(alias, str) else f"HEADRACE_{field.upper()}" if info else field
        lines.append(f"  {name + ': ' if name else ''}{item['msg']}")
    return "\n".join(lines) + "\n"
