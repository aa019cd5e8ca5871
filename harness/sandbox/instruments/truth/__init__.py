"""What really happened in a sandbox, from its kernel: for the accuracy of the judgement alone."""
