"""The parts that characters are drawn from; `fyp_lite.world.characters` puts them together."""
