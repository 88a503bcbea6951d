"""The registry's tables. Columns that may be null are those that an older registry did not have."""

import sqlalchemy as sa

METADATA = sa.MetaData()

VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("student", sa.String(64), nullable=False),
    sa.Column("rival", sa.String(64)),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("entered_at", sa.Float, nullable=False),
    sa.Column("holdout", sa.String(64)),
    sa.Column("holdout_rows", sa.Integer),
    sa.UniqueConstraint("project", "student"),
)
"""One row a student that was judged; the rival is whom it was compared with, the holdout what it was judged on."""

MOVES = sa.Table(
    "moves",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("champion", sa.String(64)),
    sa.Column("before", sa.String(64)),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("moved_at", sa.Float, nullable=False),
    sa.Column("who", sa.String),
    sa.Column("reason", sa.String),
)
"""One row a change of champion, and none is ever changed: the last of a project's is its pointer."""

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("student", sa.String(64), nullable=False),
    sa.Column("rival", sa.String(64)),
    sa.Column("holdout", sa.String(64)),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("decision", sa.String),
    sa.Column("who", sa.String),
    sa.Column("note", sa.String),
    sa.Column("decided_at", sa.Float),
)
"""One row a question to people whether a student goes on stage; no decision while it is open."""

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("student", sa.String(64), nullable=False),
    sa.Column("holdout", sa.String(64), nullable=False),
    sa.Column("holdout_rows", sa.Integer, nullable=False),
    sa.Column("judged_by", sa.String(64), nullable=False),
    sa.UniqueConstraint("project", "student", "holdout", "judged_by"),
)
"""One row a decision of a holdout on a student, by a digest of what it was judged by and against whom."""

HELD_OUT = sa.Table(
    "held_out",
    METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("split", sa.String(64), primary_key=True),
    sa.Column("dataset", sa.String(64), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer),
)
"""What each split of a project held out, numbered in the order of entry; in a file, where older ones lack
it, the rowid says the same."""
