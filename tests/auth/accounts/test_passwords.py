import pytest

from auth.accounts.passwords import check_password, common_passwords
from core.errors import WeakPassword


def check(password: str, *, email: str = "kim.park@example.com", name: str = "Kim Park") -> str:
    return check_password(password, email=email, name=name)


def test_fourteen_characters_are_refused() -> None:
    with pytest.raises(WeakPassword, match="at least 15"):
        check("kvbnz qwoxt jl")


@pytest.mark.parametrize("length", [15, 64, 128])
def test_long_passwords_are_accepted(length: int) -> None:
    alphabet = "kv bnz-qwox tjlmu fyd gchp"
    password = "".join(alphabet[(i * i * 7 + i * 3) % len(alphabet)] for i in range(length))
    assert check(password) == password


def test_more_than_128_characters_are_refused_and_not_cut() -> None:
    with pytest.raises(WeakPassword, match="at most 128"):
        check("correct horse battery staple " * 5)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "seven quiet turbines by the lake",
        "my dog eats green socks",
        "kvbnzqwoxtjlmufyd",
        "836451827364552901",
        "Ääkköset ovat hyviä",
        "пароль на каждый день",
        "我的狗每天都吃很多绿色的袜子和鞋子",
    ],
)
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    assert check(password) == password


def test_every_common_password_is_refused_and_there_are_3000_of_them() -> None:
    assert len(common_passwords()) >= 3000
    for password in common_passwords():
        with pytest.raises(WeakPassword):
            check(password)
        with pytest.raises(WeakPassword):
            check(password.upper())


def test_every_common_password_made_longer_in_the_usual_ways_is_refused() -> None:
    admitted = []
    for password in common_passwords():
        for ending in ("1234567890", "12345678901234", "!!!!!!!!!!!!!!", "password", "2024", ""):
            longer = password + ending if ending else password * (15 // len(password) + 1)
            if 15 <= len(longer) <= 128:
                try:
                    admitted.append(check(longer))
                except WeakPassword:
                    continue
    assert not admitted


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "p@ssw0rdp@ssw0rd",
        "PASSWORD12345678",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "1234567890123456",
        "qwertyuiopasdfghjkl",
        "1qaz2wsx3edc4rfv",
        "zyxwvutsrqponmlk",
        "iloveyouiloveyou",
        "987654321987654321",
    ],
)
def test_repetitions_runs_and_rows_of_keys_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check(password)


@pytest.mark.parametrize(
    "password",
    [
        "headraceheadrace",
        "Headrace-2026-Headrace",
        "h3adrac3-admin-2026",
        "KimPark-KimPark-1",
        "kimpark15031987",
        "kim.park@example.com",
        "headrace-kim-park-123",
        "example-kim-2026!!",
    ],
)
def test_passwords_made_from_the_product_or_the_person_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        check(password)


def test_a_name_inside_a_good_password_does_no_harm() -> None:
    assert check("park the velvet otter at noon")


def test_the_same_characters_put_together_differently_are_the_same_password() -> None:
    assert check("crème brûlée für alle") == check("cre\u0300me bru\u0302le\u0301e fu\u0308r alle")


@pytest.mark.parametrize("password", ["a1" * 64, "ab" * 64, "x" * 128, "!" * 128, "\u0301" * 64])
def test_odd_texts_are_judged_in_bounded_steps(password: str) -> None:
    with pytest.raises(WeakPassword):
        check(password)
