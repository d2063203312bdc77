"""Wire types of pictures."""

from typing import Annotated

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field


class PictureBody(BaseModel):
    """PUT /api/auth/me/picture. `image`: a PNG, JPEG, WebP or GIF file, as base64."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[Base64Bytes, Field(max_length=5 * 1024 * 1024)]
