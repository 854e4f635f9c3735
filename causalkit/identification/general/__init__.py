"""General identification: ID, IDC, several samples, and what would help where it fails."""
