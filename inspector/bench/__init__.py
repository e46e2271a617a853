"""Timings of the whole program, printed with their spread."""
