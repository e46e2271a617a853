"""Algebra on what was recorded, and scores against masks."""
