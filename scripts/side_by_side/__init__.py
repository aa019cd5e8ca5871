"""An experiment's variants, in sandboxes side by side -> one table and one picture of what each cost."""
