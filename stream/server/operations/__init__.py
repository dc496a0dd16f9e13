"""What those see who run the server: numbers, log, traces."""
