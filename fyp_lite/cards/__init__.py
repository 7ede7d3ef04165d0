"""Run cards: what made a video. `card` is the data, `picture` draws it."""
