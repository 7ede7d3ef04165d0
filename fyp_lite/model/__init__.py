"""The network of Follow Your Pose: attention, blocks, UNet, pose encoder, autoencoder."""
