"""Excerpts: around the match, bounded, nothing lost and nothing made up."""

from gateway.conversations.search.fragments import ELLIPSIS, EXCERPT_CHARACTERS, excerpt


def text_of(text: str, *words: str) -> str:
    return "".join(piece.text for piece in excerpt(text, words))


def test_the_excerpt_is_where_most_of_the_words_are() -> None:
    text = "otter " + "x " * 400 + "otter and beaver " + "y " * 400
    pieces = excerpt(text, ["otter", "beaver"])
    assert [piece.text for piece in pieces if piece.match] == ["otter", "beaver"]
    assert pieces[0].text == pieces[-1].text == ELLIPSIS


def test_it_is_never_much_longer_than_its_bound() -> None:
    for text in ("word " * 10_000, "x" * 50_000, "\n" * 50_000):
        assert len(text_of(text, "word")) <= EXCERPT_CHARACTERS + 2 * len(ELLIPSIS)


def test_a_short_text_is_whole() -> None:
    assert text_of("An otter.\n\n\tTwo  otters.", "otter") == "An otter. Two otters."


def test_parts_of_words_are_not_marked_except_at_the_end_of_the_last() -> None:
    pieces = excerpt("cat catalogue concat category", ["cat", "catal"])
    assert [piece.text for piece in pieces if piece.match] == ["cat", "catalogue"]


def test_without_a_match_it_is_the_beginning() -> None:
    pieces = excerpt("Nothing of it here", ["otter"])
    assert [(piece.text, piece.match) for piece in pieces] == [("Nothing of it here", False)]


def test_no_word_is_read_as_a_pattern() -> None:
    assert text_of("a.b (c) [d] ^$ \\", ".*", "(", "[", "\\", "^") == "a.b (c) [d] ^$ \\"


def test_an_empty_text_has_no_pieces() -> None:
    assert excerpt("", ["x"]) == []
