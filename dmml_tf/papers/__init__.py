"""The papers' tables: every system trained and scored alike, from one configuration."""
