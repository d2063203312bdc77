"""Groups, accounts that their owners delete, pictures, and keys with a limit of their own."""

from alembic import op

revision = "0009"
down_revision = "0008"

GROUPS = """
CREATE TABLE groups (
    id text PRIMARY KEY,
    name text NOT NULL,
    -- Names of the models that members may ask; NULL: all of them.
    models text[],
    -- Of all members together; NULL: no bound.
    tokens_per_day bigint CHECK (tokens_per_day >= 0),
    tokens_per_month bigint CHECK (tokens_per_month >= 0),
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX groups_by_name ON groups (lower(name));
ALTER TABLE users ADD COLUMN group_id text REFERENCES groups;
CREATE INDEX users_of_group ON users (group_id) WHERE group_id IS NOT NULL;
-- The group whose budget the request counts in: the one its person was in when it was admitted.
ALTER TABLE ledger_entries ADD COLUMN group_id text;
"""

DELETION = """
-- When the account and all that is its person's is erased; NULL: it stays.
ALTER TABLE users ADD COLUMN delete_at timestamptz;
CREATE INDEX users_to_delete ON users (delete_at) WHERE delete_at IS NOT NULL;
-- What was used stays in the books when its person is gone, without saying whose it was.
ALTER TABLE ledger_entries ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_user_id_fkey;
ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL;
"""

KEYS = """
-- NULL: as many as the person has.
ALTER TABLE api_keys ADD COLUMN requests_per_minute integer CHECK (requests_per_minute > 0);
"""

PICTURES = """
-- Which picture is the person's, so that its address changes with it; NULL: none.
ALTER TABLE users ADD COLUMN picture_tag text;
CREATE TABLE user_pictures (
    user_id text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    image bytea NOT NULL
);
"""


def upgrade() -> None:
    for part in (GROUPS, DELETION, KEYS, PICTURES):
        for statement in part.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM ledger_entries WHERE user_id IS NULL")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_user_id_fkey")
    op.execute(
        "ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_user_id_fkey "
        "FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE"
    )
    op.execute("ALTER TABLE ledger_entries ALTER COLUMN user_id SET NOT NULL, DROP COLUMN group_id")
    op.execute("DROP TABLE user_pictures")
    op.execute("ALTER TABLE api_keys DROP COLUMN requests_per_minute")
    op.execute("ALTER TABLE users DROP COLUMN group_id, DROP COLUMN delete_at, DROP COLUMN picture_tag")
    op.execute("DROP TABLE groups")
