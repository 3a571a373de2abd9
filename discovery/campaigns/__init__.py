"""Campaigns in a database: candidates, suggestions, observations, and the audit of every step."""
