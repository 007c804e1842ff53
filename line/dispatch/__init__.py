"""The dispatcher: frames to workers, outcomes to the log. All decisions are the ledger's."""
