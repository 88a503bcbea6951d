"""Prefect's side of a run: server and worker, states and events, progress, approval, waiting."""
