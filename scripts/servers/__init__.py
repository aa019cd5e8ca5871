"""Real HTTP servers, rolled and stopped -> docs/servers.md: what each does at its stop signal, what a rollout costs."""
