// Cuts with the planes, as meshes that lie in them: ribbons, each two triangles of four corners.

// The exact cuts of a surface with the three planes through `place`: ribbons of `width` mm in the planes, and of each the
// vertex that the cut face begins with.
function contoursOf({ faces, points }, place, width) {
  const corners = [];
  const vertices = [];
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = [3 * faces[at], 3 * faces[at + 1], 3 * faces[at + 2]];
    for (let axis = 0; axis < 3; axis++) {
      const above = points[a + axis] >= place[axis];
      if (above === points[b + axis] >= place[axis] && above === points[c + axis] >= place[axis]) continue;
      corners.push(...ribbonOf(...cutOf([a, b, c], points, axis, place[axis]), axis, width));
      vertices.push(faces[at]);
    }
  }
  return { corners, vertices };
}

// The two ends of a face's cut with the plane at `level`; the face's corners are given by their first coordinates.
function cutOf(face, points, axis, level) {
  const ends = [];
  for (const corner of AXES) {
    const [from, to] = [face[corner], face[(corner + 1) % 3]];
    if (points[from + axis] >= level === points[to + axis] >= level) continue;
    const share = (level - points[from + axis]) / (points[to + axis] - points[from + axis]);
    ends.push(AXES.map((k) => points[from + k] + share * (points[to + k] - points[from + k])));
  }
  return ends;
}

// The corners of a segment's ribbon in the plane square to `axis`, longer than it by its width, wound to face the reader,
// who sees the patient from the feet, from the front and from the left.
function ribbonOf(one, other, axis, width) {
  const [across, up] = AXES.filter((k) => k !== axis);
  const along = [other[across] - one[across], other[up] - one[up]];
  const length = Math.hypot(...along);
  const [x, y] = length > 0 ? along.map((part) => (part * width) / 2 / length) : [width / 2, 0];
  const moved = (end, dx, dy) => {
    const corner = [...end];
    corner[across] += dx;
    corner[up] += dy;
    return corner;
  };
  return [moved(one, -x - y, x - y), moved(other, x - y, y + x), moved(other, x + y, y - x), moved(one, y - x, -x - y)];
}

// All ribbons as one mesh, since each change of a mesh costs NiiVue a picture; with room for more of them as need be.
class Ribbons {
  // Room that is not used lies at `home`, within the CT: NiiVue puts the middle of all that there is in the middle of
  // its 3D picture.
  constructor(home) {
    Object.assign(this, { room: 1, home });
    this.model = meshModel("ribbons", { faces: Ribbons.faces(1), points: this.empty() }, [0, 0, 0, 255], TOON);
  }

  empty() {
    return Float32Array.from({ length: 12 * this.room }, (_, at) => this.home[at % 3]);
  }

  static faces(room) {
    return Uint32Array.from({ length: 6 * room }, (_, at) => 4 * Math.floor(at / 6) + [0, 1, 2, 0, 2, 3][at % 6]);
  }

  // `corners` are (x, y, z), four a ribbon; `colours` RGBA, one a ribbon.
  show(corners, colours) {
    const before = this.room;
    this.room = Math.max(before, colours.length);
    const points = this.empty();
    corners.forEach((corner, at) => points.set(corner, 3 * at));
    const rgba = new Uint8Array(16 * this.room);
    corners.forEach((_, at) => rgba.set(colours[Math.floor(at / 4)], 4 * at));
    this.model.message("buffer_change", { attr: "pts", type: "float32" }, [points]);
    if (this.room > before) {
      this.model.message("buffer_change", { attr: "tris", type: "uint32" }, [Ribbons.faces(this.room)]);
    }
    this.model.change("rgba255", rgba);
  }
}
