"""The ledger's tables: answers, trainings at services, and what was tried, claimed, used and spent, in nanodollars."""

import sqlalchemy as sa

METADATA = sa.MetaData()

ANSWERS = sa.Table(
    "answers",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Float, nullable=False),
    sa.Column("project", sa.String),
    sa.Column("run", sa.String),
    sa.Column("stage", sa.String),
    sa.Column("model", sa.String),
    sa.Column("input_tokens", sa.BigInteger),
    sa.Column("cached_tokens", sa.BigInteger),
    sa.Column("output_tokens", sa.BigInteger),
    sa.Column("nanodollars", sa.BigInteger),
    sa.Column("saved_nanodollars", sa.BigInteger),
)
"""One row an answer, under the key of its request; the project and run are those that bought it."""

ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), nullable=False, index=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("nanodollars", sa.BigInteger, nullable=False),
    sa.Column("tried_at", sa.Float, nullable=False),
)
"""One row a try that gave no answer; its amount is the most that the provider may have billed for it."""

CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(32), nullable=False, index=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("nanodollars", sa.BigInteger, nullable=False),
)
"""One row a request that somebody is asking now; its amount is reserved."""

BATCHES = sa.Table(
    "batches",
    METADATA,
    sa.Column("batch", sa.String(32), primary_key=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("service", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("remote", sa.String, nullable=False),
    sa.Column("said", sa.String, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    sa.Column("began_at", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
)
"""One row a batch, which holds the claims whose owner it is, whatever becomes of the process that made it."""

BATCHED = sa.Table(
    "batched",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("batch", sa.String(32), nullable=False, index=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("run", sa.String, nullable=False),
)
"""One row a request that came back from a batch, with its error or none; the run that it was handed to, if any.

A stage that waits for more than one batch is begun anew, and finds here what it was told before.
"""

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("project", sa.String, nullable=False, index=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("trainer", sa.String, nullable=False),
    sa.Column("base", sa.String, nullable=False),
    sa.Column("file", sa.String, nullable=False),
    sa.Column("validation", sa.String, nullable=False),
    sa.Column("job", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("spent", sa.BigInteger),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    sa.Column("held_until", sa.Float, nullable=False),
)
"""One row a training at a service, under the fingerprint of all that decides it; an id is empty until it is known.

What a job cost is null where nobody says; host and process are those that are at work on it until the time given.
"""

OWNERS = sa.Table(
    "owners",
    METADATA,
    sa.Column("owner", sa.String(32), primary_key=True),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
)
"""Who holds claims; the beat moves while the owner lives."""

SPENT = sa.Table(
    "spent",
    METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("spent", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
)
"""One row a project and run, and one a project with an empty run: its sum."""

USES = sa.Table(
    "uses",
    METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("row", sa.String, primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True, index=True),
)
"""Which answers a project's rows led to, so that a row can be forgotten."""
