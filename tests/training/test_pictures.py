import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from monai.data import MetaTensor
from monai.engines import Evaluator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from custom.training import TensorBoardPictures, draw_chambers, draw_fields


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def one_hot(*boxes):
    masks = torch.zeros(len(boxes) + 1, 32, 32, 32)
    for mask, (start, end) in zip(masks[1:], boxes, strict=True):
        mask[start:end, start:end, start:end] = 1
    masks[0] = 1 - masks[1:].amax(0)
    return masks


def coloured(figure, colour):
    return int((abs(pixels(figure) - np.array(colour)).sum(-1) < 40).sum())


def test_chambers_show_label_and_mesh():
    image = MetaTensor(torch.zeros(1, 32, 32, 32))
    label = one_hot((6, 16), (12, 26))
    nothing = one_hot((0, 0), (0, 0))
    blue, red = (63, 182, 255), (255, 107, 87)
    both = draw_chambers({"image": image, "pred": label, "label": label})
    label_only = draw_chambers({"image": image, "pred": nothing, "label": label})
    for colour in (blue, red):
        assert coloured(both, colour) > coloured(label_only, colour) > 50  # a solid line over a dashed one
    empty = draw_chambers({"image": image, "pred": nothing, "label": nothing})
    assert coloured(empty, blue) == coloured(empty, red) == 0


def test_fields_stand_beside_each_other():
    axis = torch.linspace(-1, 1, 32)
    exact = (axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis**2).sqrt()[None] - 0.5
    good = pixels(draw_fields({"label": exact, "pred": exact}))
    bad = pixels(draw_fields({"label": exact, "pred": exact + 0.3}))
    half = len(good) // 2
    assert (good[:half] == bad[:half]).all() and (good[half:] != bad[half:]).any()


def test_the_first_case_of_every_validation_is_drawn(tmp_path):
    field = torch.rand(1, 8, 8, 8) - 0.5
    validator = Evaluator(
        device="cpu",
        val_data_loader=[0, 1, 2],
        iteration_update=lambda engine, value: [{"label": field, "pred": field + value}],
        decollate=False,
        val_handlers=[TensorBoardPictures(str(tmp_path), draw_fields)],
    )
    for epoch in (5, 10):
        validator.run(epoch)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    # a file each, read in the order of their names, in which the tenth of a process comes before its ninth
    assert sorted(picture.step for picture in events.Images("validation")) == [5, 10]
