"""What a revision's engine has loaded, and the stage in which that is fetched."""

from alembic import op

revision = "0013"
down_revision = "0012"

_STATES = "('added', 'pending', {}'starting', 'warming', 'ready', 'draining', 'retired', 'failed')"


def upgrade() -> None:
    op.execute("ALTER TABLE model_revisions ADD COLUMN weights text")
    _allow(_STATES.format("'fetching', "))


def downgrade() -> None:
    op.execute("UPDATE model_revisions SET state = 'starting' WHERE state = 'fetching'")
    _allow(_STATES.format(""))
    op.execute("ALTER TABLE model_revisions DROP COLUMN weights")


def _allow(states: str) -> None:
    op.execute("ALTER TABLE model_revisions DROP CONSTRAINT model_revisions_state_check")
    op.execute(
        f"ALTER TABLE model_revisions ADD CONSTRAINT model_revisions_state_check CHECK (state IN {states})"
    )
