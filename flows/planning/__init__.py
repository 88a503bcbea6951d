"""What is worth knowing before a run: inputs looked at, what is cached, what it would cost."""
