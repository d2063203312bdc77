"""Identities elsewhere that open accounts here."""

from alembic import op

revision = "0008"
down_revision = "0007"

IDENTITIES = """
CREATE TABLE oauth_identities (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The name of the provider in the settings, for display: what counts is the issuer.
    provider text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    email text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    UNIQUE (issuer, subject)
);
CREATE INDEX oauth_identities_of_user ON oauth_identities (user_id, created_at);
"""


def upgrade() -> None:
    for statement in IDENTITIES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE oauth_identities")
