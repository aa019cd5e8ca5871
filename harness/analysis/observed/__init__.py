"""A run -> what was observed: requests, windows, pods, endpoints, answers, and who ended each pod."""
