"""The published model: where its files come from, how they are converted, how it fits a GPU."""
