"""Recording: the seam that every boundary goes through, and the Recorder behind it."""
