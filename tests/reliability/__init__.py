"""Attacks, faults and load: what the page holds against, on servers started for it, on loopback only."""
