"""What was intervened on, and what stays the same when something is."""
