"""What crosses the line: messages to our types and back. Wire types stop here."""
