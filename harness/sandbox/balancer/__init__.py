"""Load balancers of layer 4: the kernel passes packets on, and a controller is as late about it as a cloud's is."""
