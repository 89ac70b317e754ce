"""REST, WebSocket and the browser client's files."""
