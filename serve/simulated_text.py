"""The simulated engine's language: how it counts tokens, and which word follows which text.

A token is up to five visible ASCII characters with the space before them, or any other single character.
So it holds at most six bytes, and its id is those bytes written as one number: text and ids turn into each
other exactly, without a vocabulary. The next word is a function of the text so far. That is why an answer
that was cut goes on in the same words when its prompt and emitted ids are sent again.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

_TOKEN = re.compile(r" ?[!-~]{1,5}|[\s\S]")
# Every answer is introduced by a digest of its conversation, so that equal questions in different
# conversations get different answers.
_HEADER = re.compile(r"<assistant ([0-9a-f]{8})>\n")
_USER = "<user>\n"
_RAW_MEMORY = 32
_READ_BACK = 200_000
_SHORTEST_ANSWER = 8
_ENDS_ONE_IN = 48
LONG_ANSWER = 400

WORDS = tuple((Path(__file__).parent / "words.txt").read_text("ascii").split())
_SPACED = tuple(" " + word for word in WORDS if len(word) <= 5)


def tokenise(text: str) -> list[str]:
    """The text's tokens; joined they are the text again."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens the text has."""
    return len(_TOKEN.findall(text))


def token_id(token: str) -> int:
    """The token's number, below 2**53, so that every JSON reader keeps it exact."""
    return int.from_bytes(b"\x01" + token.encode("utf-8", "surrogatepass"))


def text_of(ids: Sequence[int]) -> str:
    """The text of these token ids. Raises ValueError for a number that is no token."""
    pieces = []
    for number in ids:
        raw = number.to_bytes((number.bit_length() + 7) // 8 or 1) if number >= 0 else b""
        if not 2 <= len(raw) <= 7 or raw[0] != 1:
            raise ValueError(f"{number} is not a token id")
        pieces.append(raw[1:])
    return b"".join(pieces).decode("utf-8", "surrogatepass")


def render(messages: Sequence[tuple[str, str]]) -> str:
    """The prompt of a conversation: for each message `<role>` and its content on lines; then the header."""
    body = "".join(f"<{role}>\n{content}\n" for role, content in messages)
    digest = hashlib.blake2b(body.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{body}<assistant {digest}>\n"


@dataclass(frozen=True)
class Answer:
    """The tokens, why they end, and whether the engine is told to break instead of ending."""

    tokens: tuple[str, ...]
    finish_reason: str
    fails: bool = False
    token_ms: float | None = None


def compose(
    prompt: str,
    *,
    max_tokens: int,
    seed: int = 0,
    stop: Sequence[str] = (),
    exact_tokens: int | None = None,
    ignore_eos: bool = False,
) -> Answer:
    """The answer that follows `prompt`; at most `max_tokens` long (exactly that with `ignore_eos`).

    `exact_tokens` asks for an answer of that length. Marks in the last user message: `[[echo]]rest`,
    `[[long]]`, `[[slow]]` (100 ms a token), `[[fail]]` (breaks after five tokens).
    """
    said, spoken, question, base = _situation(prompt)
    limit = max_tokens if exact_tokens is None else min(max_tokens, exact_tokens)
    if "[[echo]]" in question:
        rest = question.split("[[echo]]", 1)[1]
        tokens = tokenise(rest.removeprefix(said))
        ended = True
    elif question.startswith("Write a title"):
        tokens = tokenise(_title(question).removeprefix(said))
        ended = True
    else:
        length = LONG_ANSWER - spoken if "[[long]]" in question else None
        endless = ignore_eos or exact_tokens is not None
        tokens, ended = _words(said, spoken, base ^ seed, limit, length, endless)
    if len(tokens) > limit or (len(tokens) == limit and not ended):
        tokens, ended = tokens[:limit], exact_tokens is not None and exact_tokens <= max_tokens
    fails = "[[fail]]" in question
    if fails:
        tokens = tokens[:5]
    tokens, stopped = _cut_at(tokens, stop)
    reason = "stop" if ended or stopped else "length"
    return Answer(tuple(tokens), reason, fails, 100.0 if "[[slow]]" in question else None)


def _situation(prompt: str) -> tuple[str, int, str, int]:
    """The text to go on from, how many tokens it has, the question, and the number the words start from."""
    window = prompt[-_READ_BACK:]
    headers = list(_HEADER.finditer(window))
    if not headers:
        return prompt[-_RAW_MEMORY:], count(prompt), prompt, 0
    header = headers[-1]
    before = window[: header.start()]
    question = before[before.rfind(_USER) + len(_USER) :] if _USER in before else before
    said = window[header.end() :]
    return said, count(said), question.removesuffix("\n"), int(header.group(1), 16)


def _words(
    said: str, spoken: int, base: int, limit: int, length: int | None, endless: bool
) -> tuple[list[str], bool]:
    text = said[-_RAW_MEMORY:]
    tokens: list[str] = []
    while len(tokens) < limit:
        # Where we are and the last few letters: enough not to go round in circles.
        number = crc32(text[-16:].encode("utf-8", "surrogatepass"), (base + spoken * 2654435761) & 0xFFFFFFFF)
        over = spoken >= _SHORTEST_ANSWER and number % _ENDS_ONE_IN == 0
        if not endless and (over if length is None else len(tokens) >= length):
            return tokens, True
        token = _SPACED[(number >> 8) % len(_SPACED)]
        if not said and not tokens:
            token = token[1:].capitalize()
        tokens.append(token)
        text += token
        spoken += 1
    return tokens, length is not None and not endless and len(tokens) >= length


def _title(question: str) -> str:
    digest = hashlib.blake2b(question.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return " ".join(
        WORDS[(digest[i] * 256 + digest[i + 1]) % len(WORDS)] for i in range(0, 8, 2)
    ).capitalize()


def _cut_at(tokens: list[str], stop: Sequence[str]) -> tuple[list[str], bool]:
    if not stop:
        return tokens, False
    text = ""
    for position, token in enumerate(tokens):
        text += token
        found = [at for word in stop if (at := text.find(word)) >= 0]
        if found:
            kept, out = min(found), []
            for earlier in tokens[: position + 1]:
                if kept <= 0:
                    break
                out.append(earlier[:kept])
                kept -= len(earlier)
            return out, True
    return tokens, False
