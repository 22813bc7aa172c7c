"""The real parts tests stand on: databases, Redis, SMTP, processes, a browser."""
