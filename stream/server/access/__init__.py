"""Who is let in: where the server listens, who calls, how many at once."""
