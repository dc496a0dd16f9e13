"""Over HTTP: /metrics and health, the page of all sources, the page that runs the model on a phone."""
