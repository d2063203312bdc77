"""Passkeys."""

from alembic import op

revision = "0007"
down_revision = "0006"

PASSKEYS = """
CREATE TABLE passkeys (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The passkey's own name for itself, and what its signatures are checked with (COSE).
    credential_id bytea NOT NULL UNIQUE,
    public_key bytea NOT NULL,
    -- How often it says that it has signed; one that goes back was copied. 0: it does not count.
    sign_count bigint NOT NULL,
    name text NOT NULL,
    backed_up boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX passkeys_of_user ON passkeys (user_id, created_at);
"""


def upgrade() -> None:
    for statement in PASSKEYS.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE passkeys")
