"""The table of hazards and a case of each -> docs/rules.md and a page for every rule below docs/rules/."""
