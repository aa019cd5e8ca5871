"""What a run is about to do to a cluster -> what stands in its way there, found before anything is changed."""
