"""What really happened in a sandbox, from the kernel: for the accuracy of the judgement alone; no judge reads it."""
