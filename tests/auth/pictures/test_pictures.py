"""Pictures: what is taken, what is left of it, and whose it is."""

import base64
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from auth.pictures.drawing import MOST_PIXELS, SIDE, draw
from core.errors import Invalid
from tests.auth.process import MakePerson, Person, Process

SECRET = b"51.4779 N, 0.0015 W"


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **more: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    drawn = Image.new("RGB", size, "red")
    drawn.paste("blue", (size[0] // 2, 0, *size))
    out = BytesIO()
    drawn.save(out, kind, **more)
    return out.getvalue()


def colour(content: bytes, x: int) -> tuple[int, int, int]:
    with Image.open(BytesIO(content)) as drawn:
        assert (drawn.size, drawn.format) == ((SIDE, SIDE), "WEBP")
        red, green, blue = drawn.convert("RGB").getpixel((x, SIDE // 2))  # type: ignore[misc]
    return red, green, blue


async def put(process: Process, person: Person, content: bytes | str) -> httpx.Response:
    image = content if isinstance(content, str) else base64.b64encode(content).decode()
    async with process.client() as http:
        return await http.put("/api/auth/me/picture", json={"image": image}, headers=person.bearer)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_picture_becomes_a_small_square_and_has_an_address_of_its_own(
    process: Process, person: MakePerson, kind: str
) -> None:
    kim = await person(process)
    said = await put(process, kim, picture(kind))
    assert said.status_code == 200, said.text
    address = said.json()["picture"]
    async with process.client() as http:
        shown = await http.get(address, headers=kim.bearer)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
        assert shown.headers["cache-control"] == "private, max-age=86400"
        red, _, blue = colour(shown.content, 20)
        assert red > 200 > 60 > blue
        red, _, blue = colour(shown.content, SIDE - 20)
        assert blue > 200 > 60 > red
        # Another one has another address; without one there is none.
        other = (await put(process, kim, picture(size=(64, 65)))).json()["picture"]
        assert other != address
        removed = await http.request("DELETE", "/api/auth/me/picture", headers=kim.bearer)
        assert removed.json()["picture"] is None
        assert (await http.get(address, headers=kim.bearer)).status_code == 404
        assert (await http.request("DELETE", "/api/auth/me/picture", headers=kim.bearer)).status_code == 200


async def test_it_is_shown_to_its_person_only(process: Process, person: MakePerson) -> None:
    kim, mia = await person(process), await person(process)
    address = (await put(process, kim, picture())).json()["picture"]
    async with process.client() as http:
        assert (await http.get(address)).status_code == 401
        assert (await http.get(address, headers=mia.bearer)).status_code == 404


def test_nothing_but_the_pixels_is_left() -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    content = picture("JPEG", exif=exif, comment=SECRET)
    assert SECRET in content
    drawn = draw(content)
    assert SECRET not in drawn
    with Image.open(BytesIO(drawn)) as shown:
        assert not shown.getexif()


def test_it_is_turned_as_the_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    red, _, blue = colour(draw(picture("JPEG", size=(256, 256), exif=exif)), 20)
    assert blue > 200 > 60 > red


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        picture()[:60],
        picture("JPEG")[:200],
        b"GIF89a" + bytes(40),
        picture("BMP"),
        picture("TIFF"),
    ],
    ids=["nothing", "text", "svg", "html", "half a PNG", "half a JPEG", "no GIF", "BMP", "TIFF"],
)
async def test_what_is_no_picture_is_refused(process: Process, person: MakePerson, content: bytes) -> None:
    kim = await person(process)
    refused = await put(process, kim, content)
    assert (refused.status_code, refused.json()["errors"][0][0]) == (422, "image")
    async with process.client() as http:
        assert (await http.get("/api/auth/me", headers=kim.bearer)).json()["picture"] is None


async def test_what_is_no_base64_or_too_long_is_refused(process: Process, person: MakePerson) -> None:
    kim = await person(process)
    for content in ("***", "=", base64.b64encode(bytes(5 * 1024 * 1024 + 1)).decode()):
        assert (await put(process, kim, content)).status_code == 422


def test_a_small_file_that_claims_to_be_a_wall_is_refused_without_being_drawn() -> None:
    side = int(MOST_PIXELS**0.5) + 10
    out = BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(Invalid, match="million pixels"):
        draw(out.getvalue())
