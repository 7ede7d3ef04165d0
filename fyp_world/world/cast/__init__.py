"""The parts that characters are drawn from; `fyp_world.world.characters` puts them together."""
