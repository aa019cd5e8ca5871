"""Where a run is made: one provider a file, each giving a Cluster for as long as a block lasts."""
