"""What training leaves: the folder of a run, its trials, its report and its pictures."""
