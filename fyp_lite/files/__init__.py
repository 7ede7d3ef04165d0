"""Files: `decoding` reads videos, `writing` writes whole files, `hashes` checks them."""
