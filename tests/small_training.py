"""Keys of train.json with which a step takes a second: small crops of coarsely painted patients, in one process."""

SMALL_TRAINING = {
    "volume_size": 32,
    "num_workers": 0,
    "generated_volume#0#shape": [36, 36, 36],
    "generated_volume#0#spacing": [6.0, 6.0, 6.0],
}
