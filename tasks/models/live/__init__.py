"""Services that are asked over the network and paid for: one dispatcher, and what it goes by. No provider in here."""
