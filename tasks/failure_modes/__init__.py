"""What goes wrong with students: one file a failure mode, config and test in one. No Prefect in here."""
