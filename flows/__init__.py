"""Prefect flows, and how they are started."""
