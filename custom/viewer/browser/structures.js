// A structure's surface, coloured as a whole, by region or by expected error, still or in motion, and its contours in the planes.
class Structure {
  static WIDTH = 1.8; // mm, of contours

  constructor(name, surface, { rgba, regions, errors, opacity }, regionOf, errorOf, motion) {
    Object.assign(this, { name, surface, rgba, motion });
    this.model = meshModel(name, surface, rgba, PHONG);
    this.model.set("opacity", opacity);
    const palette = (colours, values) => values && Array.from(values, (value) => [...colours[value], 255]);
    this.palettes = { regions: palette(regions, regionOf), errors: palette(errors, errorOf) }; // of each vertex
    this.palette = null; // that is shown; without one the structure has its own colour
    this.asked = true; // by the reader, to be seen
    this.usable = true; // in this phase
    this.outlined = true; // the planes show the CT of this phase
  }

  show(asked) {
    this.asked = asked;
    this.model.change("visible", asked && this.usable);
  }

  colour(by) {
    this.palette = this.palettes[by] ?? null;
    this.model.change("rgba255", this.palette ? Uint8Array.from(this.palette.flat()) : this.rgba);
  }

  // Its ribbons in the planes through `place`, and their colours.
  cut(place) {
    if (!(this.asked && this.usable && this.outlined)) return { corners: [], colours: [] };
    const { corners, vertices } = contoursOf(this.surface, place, Structure.WIDTH);
    return { corners, colours: vertices.map((vertex) => this.palette?.[vertex] ?? this.rgba) };
  }

  // To a phase of the beat.
  move(phase, usable, outlined) {
    const { steps, origin, step } = this.motion;
    const count = this.surface.points.length;
    const points = new Float32Array(count);
    for (let at = 0; at < count; at++) points[at] = origin[at % 3] + step * steps[phase * count + at];
    this.surface = { faces: this.surface.faces, points };
    this.model.message("buffer_change", { attr: "pts", type: "float32" }, [points]);
    Object.assign(this, { usable, outlined });
    this.show(this.asked);
  }
}
