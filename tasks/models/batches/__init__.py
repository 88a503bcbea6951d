"""Batches: many requests handed to a service at once, answered within a day, for less. Nothing waits meanwhile."""
