"""The playground as a web page for visitors: `fyp-lite serve`."""
