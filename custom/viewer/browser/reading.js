// What the page holds: packed parts, surfaces, the CT.

const element = (id) => document.getElementById(id);
const AXES = [0, 1, 2]; // right, anterior, superior
const TOWARDS = [["right", "left"], ["front", "back"], ["head", "feet"]];

async function unpack(id) {
  const packed = Uint8Array.from(atob(element(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// The faces and the vertices (RAS mm) of an MZ3 file.
function surfaceOf(buffer) {
  const [faceCount, vertexCount] = new Uint32Array(buffer, 4, 2);
  return {
    faces: new Uint32Array(buffer, 16, 3 * faceCount),
    points: new Float32Array(buffer, 16 + 12 * faceCount, 3 * vertexCount),
  };
}

// MZ3 of faces and vertices.
function encodeSurface({ faces, points }) {
  const buffer = new ArrayBuffer(16 + 4 * (faces.length + points.length));
  new Uint16Array(buffer, 0, 2).set([0x5a4d, 3]);
  new Uint32Array(buffer, 4, 3).set([faces.length / 3, points.length / 3, 0]);
  new Uint32Array(buffer, 16, faces.length).set(faces);
  new Float32Array(buffer, 16 + 4 * faces.length, points.length).set(points);
  return buffer;
}

// mL that a closed surface encloses.
function volumeOf({ faces, points }) {
  let sum = 0;
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = AXES.map((corner) => AXES.map((axis) => points[3 * faces[at + corner] + axis] - points[axis]));
    sum += a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return sum / 6000;
}

// The CT of one or of several moments: its grid, and HU at places.
class CT {
  constructor(buffer, { shape, origin, spacing }) {
    [this.offset, this.slope, this.intercept] = new Float32Array(buffer, 108, 3); // of NIfTI-1
    this.values = new Uint8Array(buffer, this.offset);
    Object.assign(this, { shape, origin, spacing, moment: 0 });
  }

  hounsfield(place) {
    const { shape } = this;
    const inside = AXES.map((axis) => {
      const index = Math.round((place[axis] - this.origin[axis]) / this.spacing);
      return Math.min(Math.max(index, 0), shape[axis] - 1);
    });
    const index = inside[0] + shape[0] * (inside[1] + shape[1] * (inside[2] + shape[2] * this.moment));
    return Math.round(this.values[index] * this.slope + this.intercept);
  }

  // Of a place, from 0 to 1 between the outer faces of the first and the last voxel.
  share(place) {
    return AXES.map((axis) => {
      const { origin, spacing, shape } = this;
      return (place[axis] - origin[axis] + spacing / 2) / (spacing * shape[axis]);
    });
  }
}
