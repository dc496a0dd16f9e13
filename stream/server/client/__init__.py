"""The other end of the line: pushes a source's frames to a server, or follows one that it keeps open."""
