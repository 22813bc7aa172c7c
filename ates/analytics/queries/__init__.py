"""What the pages and the API of analytics show, as plain rows of one snapshot of one generation."""
