// A structure's surface and its contours, which follow the planes; coloured as a whole or by region, still or in motion.
class Structure {
  static WIDTH = 1.8; // mm, of contours

  constructor(name, surface, { rgba, regions }, regionOf, motion) {
    Object.assign(this, { name, surface, rgba, motion });
    this.model = meshModel(name, surface, rgba, PHONG);
    this.contours = new Ribbons(`${name}-contours`, rgba);
    this.palette = regionOf && Array.from(regionOf, (region) => [...regions[region], 255]); // of each vertex
    this.byRegion = false;
    this.visible = true;
    this.usable = true; // in this phase
    this.outlined = true; // the planes show the CT of this phase
  }

  get models() {
    return [this.model, this.contours.model];
  }

  show(visible) {
    this.visible = visible;
    for (const model of this.models) model.change("visible", visible && this.usable);
  }

  colour(byRegion) {
    this.byRegion = byRegion && Boolean(this.palette);
    this.model.change("rgba255", this.byRegion ? Uint8Array.from(this.palette.flat()) : this.rgba);
  }

  cut(place) {
    const { corners, vertices } = this.outlined
      ? contoursOf(this.surface, place, Structure.WIDTH)
      : { corners: [], vertices: [] };
    this.contours.show(corners, this.byRegion ? vertices.map((vertex) => this.palette[vertex]) : this.rgba);
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
    this.show(this.visible);
  }
}
