"""The SQL of pictures."""

from core.postgres import Postgres


class PictureRepository:
    """Reads and writes pictures; `users.picture_tag` names the one that there is."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def put(self, user_id: str, image: bytes, tag: str) -> None:
        """Store a picture in place of the former one."""
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "INSERT INTO user_pictures (user_id, image) VALUES ($1, $2) "
                "ON CONFLICT (user_id) DO UPDATE SET image = excluded.image",
                user_id,
                image,
            )
            await connection.execute(
                "UPDATE users SET picture_tag = $2, updated_at = now() WHERE id = $1", user_id, tag
            )

    async def remove(self, user_id: str) -> None:
        """Forget the picture, if there is one."""
        async with self._postgres.transaction() as connection:
            await connection.execute("DELETE FROM user_pictures WHERE user_id = $1", user_id)
            await connection.execute(
                "UPDATE users SET picture_tag = NULL, updated_at = now() WHERE id = $1", user_id
            )

    async def get(self, user_id: str) -> bytes | None:
        """The picture as WebP."""
        image: bytes | None = await self._postgres.fetchval(
            "SELECT image FROM user_pictures WHERE user_id = $1", user_id
        )
        return image
