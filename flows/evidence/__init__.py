"""What a run leaves behind: evidence, report, the page of one that stopped."""
