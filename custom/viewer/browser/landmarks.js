// Landmarks: balls and tubes in 3D, and in the planes dots where these cut a contour or pass by a point.
class Landmarks {
  static RADIUS = { point: 2.5, contour: 1.0 }; // mm
  static NEAR = 2.0; // mm from a plane within which a point is drawn in it
  static DOT = 4.5; // mm across

  constructor(found) {
    Object.assign(this, { name: "landmarks", found });
    const parts = found.flatMap(({ place, contour, rgba }) => [
      { ...ballOf(place, Landmarks.RADIUS.point), rgba },
      ...(contour ? [{ ...tubeOf(contour, Landmarks.RADIUS.contour), rgba }] : []),
    ]);
    const colours = parts.flatMap(({ points, rgba }) => Array.from({ length: points.length / 3 }, () => rgba));
    this.model = meshModel("landmarks", joined(parts), Uint8Array.from(colours.flat()), TOON);
    this.asked = true; // by the reader, to be seen
    this.still = true; // the surfaces are at the phase whose landmarks these are
  }

  show(asked, still = this.still) {
    Object.assign(this, { asked, still });
    this.model.change("visible", asked && still);
  }

  // Their ribbons in the planes through `place`, and their colours.
  cut(place) {
    const [corners, colours] = [[], []];
    if (!(this.asked && this.still)) return { corners, colours };
    for (const { place: point, contour, rgba } of this.found) {
      for (const axis of AXES) {
        const dots = crossingsOf(contour ?? [], axis, place[axis]);
        if (Math.abs(point[axis] - place[axis]) < Landmarks.NEAR) {
          dots.push(AXES.map((k) => (k === axis ? place[k] : point[k])));
        }
        for (const dot of dots) {
          corners.push(...ribbonOf(dot, dot, axis, Landmarks.DOT));
          colours.push(rgba);
        }
      }
    }
    return { corners, colours };
  }
}

// Where a closed line crosses the plane at `level`.
function crossingsOf(contour, axis, level) {
  return contour.flatMap((from, at) => {
    const to = contour[(at + 1) % contour.length];
    if (from[axis] >= level === to[axis] >= level) return [];
    const share = (level - from[axis]) / (to[axis] - from[axis]);
    return [AXES.map((k) => from[k] + share * (to[k] - from[k]))];
  });
}

// An octahedron, each face split into four.
function ballOf(centre, radius) {
  const directions = [];
  const faces = [];
  const vertex = (direction) => directions.push(direction.map((part) => part / Math.hypot(...direction))) - 1;
  const middle = (a, b) => a.map((part, k) => part + b[k]);
  for (const x of [1, -1]) for (const y of [1, -1]) for (const z of [1, -1]) {
    const [a, b, c] = x * y * z > 0 ? [[x, 0, 0], [0, y, 0], [0, 0, z]] : [[x, 0, 0], [0, 0, z], [0, y, 0]];
    const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
    for (const face of [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]) faces.push(...face.map(vertex));
  }
  return { faces, points: directions.flatMap((part) => part.map((value, k) => centre[k] + radius * value)) };
}

// A closed tube of four sides round a closed line.
function tubeOf(contour, radius) {
  const cross = (a, b) => AXES.map((k) => a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3]);
  const unit = (a) => a.map((part) => part / (Math.hypot(...a) || 1));
  const count = contour.length;
  const middle = AXES.map((k) => contour.reduce((sum, point) => sum + point[k], 0) / count);
  const points = contour.flatMap((point, at) => {
    const [before, after] = [contour[(at + count - 1) % count], contour[(at + 1) % count]];
    const along = unit(AXES.map((k) => after[k] - before[k]));
    const beside = unit(cross(along, AXES.map((k) => point[k] - middle[k])));
    const outward = cross(beside, along);
    return [outward, beside, outward.map((part) => -part), beside.map((part) => -part)].flatMap((side) =>
      side.map((part, k) => point[k] + radius * part));
  });
  const faces = [];
  for (let at = 0; at < count; at++) {
    const [here, next] = [4 * at, 4 * ((at + 1) % count)];
    for (let side = 0; side < 4; side++) {
      const [a, b] = [side, (side + 1) % 4];
      faces.push(here + a, next + a, next + b, here + a, next + b, here + b);
    }
  }
  return { faces, points };
}

// Several surfaces as one.
function joined(parts) {
  const [faces, points] = [[], []];
  for (const part of parts) {
    const start = points.length / 3;
    faces.push(...part.faces.map((vertex) => start + vertex));
    points.push(...part.points);
  }
  return { faces: Uint32Array.from(faces), points: Float32Array.from(points) };
}
