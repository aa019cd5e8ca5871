"""What bench/load_engine.py is made of: the server, the generators, and what each takes of the processor."""
