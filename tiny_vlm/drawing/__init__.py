"""Drawing of facades: a canvas in metres, materials, building parts, street, damage and camera."""
