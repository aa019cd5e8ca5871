"""What people give: files, standard input, YAML and words, as text and values, or one line that says why not."""
