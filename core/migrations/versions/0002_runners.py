"""Runners have one lease each, and a turn counts who has run it."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # A process that runs turns. One row is renewed, however many turns it runs.
    """
    CREATE TABLE runners (
        id text PRIMARY KEY,
        lease_until timestamptz NOT NULL
    )
    """,
    # Rises when another process takes the turn over: an earlier one may no longer end it.
    "ALTER TABLE turns ADD COLUMN attempt integer NOT NULL DEFAULT 1",
    # Prompt tokens that engines read again so that the answer could go on; nobody is charged for them.
    "ALTER TABLE turns ADD COLUMN repeated_tokens integer NOT NULL DEFAULT 0",
    # The person's wish, for whoever runs the turn when nobody heard it.
    "ALTER TABLE turns ADD COLUMN stop_asked boolean NOT NULL DEFAULT false",
    "DROP INDEX turns_leases",
    "ALTER TABLE turns DROP COLUMN lease_until",
    "CREATE INDEX turns_running ON turns (runner) WHERE status = 'running'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX turns_running")
    op.execute("ALTER TABLE turns ADD COLUMN lease_until timestamptz NOT NULL DEFAULT now()")
    op.execute("CREATE INDEX turns_leases ON turns (lease_until) WHERE status = 'running'")
    op.execute("ALTER TABLE turns DROP COLUMN repeated_tokens, DROP COLUMN attempt, DROP COLUMN stop_asked")
    op.execute("DROP TABLE runners")
