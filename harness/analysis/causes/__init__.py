"""What was observed -> why each request failed: one table of rules, and what it asks."""
