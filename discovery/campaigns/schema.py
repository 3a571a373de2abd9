"""The tables that campaigns are kept in."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA_VERSION = 1
"""Grows with every change of the tables; a database of a higher one is refused."""

metadata = MetaData()

schema_version = Table("campaign_schema", metadata, Column("version", Integer, primary_key=True, autoincrement=False))
"""One row."""

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("goal", Text, nullable=False),  # JSON
    Column("revision", Integer, nullable=False),  # the number of its newest event
    Column("created_by", Text, nullable=False),
    Column("created_at", String(40), nullable=False),  # ISO 8601 with an offset, which both databases keep alike
)


def _campaign() -> Column[int]:
    return Column("campaign", ForeignKey("campaigns.id"), primary_key=True)


candidates = Table(
    "campaign_candidates",
    metadata,
    _campaign(),
    Column("place", Integer, primary_key=True, autoincrement=False),  # from 0, as they were given
    Column("id", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("composition", Text, nullable=False),  # Formula.canonical
    Column("material", Text, nullable=False),  # JSON; see stored_materials
    UniqueConstraint("campaign", "id"),
    Index("campaign_candidates_by_composition", "campaign", "composition"),
)


def _of_candidate() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["campaign", "candidate"], ["campaign_candidates.campaign", "campaign_candidates.place"]
    )


suggestions = Table(
    "campaign_suggestions",
    metadata,
    _campaign(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("batch", Integer, nullable=False),
    Column("candidate", Integer, nullable=False),  # its place
    Column("status", String(16), nullable=False),  # pending, observed, withdrawn or undone
    Column("model_version", Text, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON
    Column("by", Text, nullable=False),
    Column("at", String(40), nullable=False),
    _of_candidate(),
    # Nobody makes what somebody is making, whatever the program that writes here believes.
    Index(
        "campaign_pending_once",
        "campaign",
        "candidate",
        unique=True,
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
)

observations = Table(
    "campaign_observations",
    metadata,
    _campaign(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("candidate", Integer, nullable=False, index=True),  # its place
    Column("log10_conductivity", Float(53)),
    Column("censored", Boolean, nullable=False),
    Column("temperature_c", Float(53), nullable=False),
    Column("activation_energy", Float(53)),
    Column("kind", String(16)),
    Column("source", Text),
    Column("given", Text, nullable=False),
    Column("note", Text),
    Column("by", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("retracted", Boolean, nullable=False),
    _of_candidate(),
)

events = Table(
    "campaign_events",
    metadata,
    _campaign(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("undone_by", Integer),
)

arrays = Table(
    "campaign_arrays",
    metadata,
    _campaign(),
    Column("key", String(200), primary_key=True),
    Column("kept", Integer, nullable=False),  # grows: the newest is the highest
    Column("content", LargeBinary, nullable=False),  # npz
)
