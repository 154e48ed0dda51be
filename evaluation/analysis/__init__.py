"""What checkpoints look at: overlays and heat maps of sampled tiles under several prompt sets."""
