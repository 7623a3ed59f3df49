"""The commands of lfr-fleet, one file for each thing that is done."""
