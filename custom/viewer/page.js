"use strict";
// What stands between the page and NiiVue, which ipyniivue ships as an anywidget module: its models, as a notebook would
// hold them, the contours of the surfaces, and the controls.

const element = (id) => document.getElementById(id);
const AXES = [0, 1, 2]; // right, anterior, superior

// A model of anywidget: named traits, and who is told of changes.
class Model {
  static all = {};

  constructor(id, traits, told = () => {}) {
    this.traits = { id, ...traits };
    this.told = told; // hears what the viewer sends
    this.listeners = {};
    this.reference = `IPY_MODEL_${id}`;
    this.widget_manager = { get_model: async (name) => Model.all[name] };
    this._comm_live = false; // nobody takes the buffers that the viewer would send back
    Model.all[id] = this;
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.traits[name] = value;
  }

  change(name, value) {
    this.set(name, value);
    this.emit(`change:${name}`);
  }

  message(type, data, buffers = []) {
    this.emit("msg:custom", { type, data }, buffers);
  }

  emit(event, ...values) {
    for (const heard of this.listeners[event] ?? []) heard(...values);
  }

  on(event, heard) {
    (this.listeners[event] ??= []).push(heard);
  }

  off(event) {
    delete this.listeners[event];
  }

  send(message) {
    this.told(message);
  }

  save_changes() {}

  send_sync_message() {
    return "";
  }
}

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

// mL that a closed surface encloses.
function volumeOf({ faces, points }) {
  let sum = 0;
  for (let at = 0; at < faces.length; at += 3) {
    const [a, b, c] = AXES.map((corner) => AXES.map((axis) => points[3 * faces[at + corner] + axis] - points[axis]));
    sum += a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return sum / 6000;
}

// The exact cuts of a surface with the three planes through `place`: ribbons of `width` mm in the planes, four corners a
// segment.
function contoursOf({ faces, points }, place, width) {
  const corners = [];
  for (let at = 0; at < faces.length; at += 3) {
    const face = AXES.map((corner) => 3 * faces[at + corner]);
    for (const axis of AXES) {
      const above = face.map((start) => points[start + axis] >= place[axis]);
      if (above[0] === above[1] && above[1] === above[2]) continue;
      const ends = [];
      for (const corner of AXES) {
        const [from, to] = [face[corner], face[(corner + 1) % 3]];
        if (above[corner] === above[(corner + 1) % 3]) continue;
        const share = (place[axis] - points[from + axis]) / (points[to + axis] - points[from + axis]);
        ends.push(AXES.map((k) => points[from + k] + share * (points[to + k] - points[from + k])));
      }
      corners.push(...ribbonOf(...ends, axis, width));
    }
  }
  return corners.flat();
}

// The corners of a segment's ribbon in the plane square to `axis`, longer than it by its width, wound to face the reader,
// who sees the patient from the feet, from the front and from the left.
function ribbonOf(one, other, axis, width) {
  const [across, up] = AXES.filter((k) => k !== axis);
  const along = [other[across] - one[across], other[up] - one[up]];
  const length = Math.hypot(...along) || 1;
  const [x, y] = along.map((part) => (part * width) / 2 / length);
  const moved = (end, dx, dy) => {
    const corner = [...end];
    corner[across] += dx;
    corner[up] += dy;
    return corner;
  };
  return [moved(one, -x - y, x - y), moved(other, x - y, y + x), moved(other, x + y, y - x), moved(one, y - x, -x - y)];
}

// MZ3 with room for ribbons.
function encodeRibbons(room) {
  const buffer = new ArrayBuffer(16 + 72 * room);
  new Uint16Array(buffer, 0, 2).set([0x5a4d, 3]);
  new Uint32Array(buffer, 4, 3).set([2 * room, 4 * room, 0]);
  const faces = new Uint32Array(buffer, 16, 6 * room);
  for (let at = 0; at < room; at++) {
    faces.set([0, 1, 2, 0, 2, 3].map((corner) => 4 * at + corner), 6 * at);
  }
  return buffer;
}

// A surface and its contours, which follow the planes.
class Chamber {
  static WIDTH = 1.8; // mm

  constructor(name, buffer, rgba) {
    this.surface = surfaceOf(buffer);
    this.room = 0; // for ribbons
    this.models = { [name]: buffer, [`${name}-contours`]: encodeRibbons(1) };
    for (const [id, content] of Object.entries(this.models)) {
      const shader = id === name ? 0 : 9; // of NiiVue: Phong; Toon, whose colours are hardly shaded
      this.models[id] = new Model(id, {
        name: `${id}.mz3`, data: new DataView(content), path: {}, url: null, rgba255: rgba, opacity: 1, visible: true,
        layers: [], colormap_invert: false, colorbar_visible: false, mesh_shader_index: shader,
      });
    }
    this.contours = this.models[`${name}-contours`];
  }

  show(visible) {
    for (const model of Object.values(this.models)) model.change("visible", visible);
  }

  cut(place) {
    const corners = contoursOf(this.surface, place, Chamber.WIDTH);
    const before = this.room;
    this.room = Math.max(before, Math.ceil(corners.length / 12));
    const points = new Float32Array(12 * this.room);
    points.set(corners);
    this.contours.message("buffer_change", { attr: "pts", type: "float32" }, [points]);
    if (this.room > before) {
      const { faces } = surfaceOf(encodeRibbons(this.room));
      this.contours.message("buffer_change", { attr: "tris", type: "uint32" }, [faces.slice()]);
    }
  }
}

// Puts the titles where NiiVue's grid puts its pictures: front, left side, below, surfaces.
function placeTitles([right, front, head], { tileMargin: margin, multiplanarPadPixels: gap }) {
  const { clientWidth: width, clientHeight: height } = element("viewer");
  const room = [width, height].map((size) => size - 2 * margin - gap);
  const scale = Math.min(room[0] / (right + front), room[1] / (head + front));
  const left = (room[0] - scale * (right + front)) / 2;
  const top = (room[1] - scale * (head + front)) / 2;
  document.querySelectorAll(".title").forEach((title, at) => {
    title.style.left = `${(100 * (left + (at % 2) * (scale * right + margin + gap))) / width}%`;
    title.style.top = `${(100 * (top + (at > 1) * (scale * head + margin + gap))) / height}%`;
  });
}

function addWindows(windows, volume) {
  const buttons = Object.entries(windows).map(([name, [low, high]]) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.title = `${low} to ${high} HU`;
    button.addEventListener("click", () => {
      volume.change("cal_min", low);
      volume.change("cal_max", high);
      for (const other of buttons) other.setAttribute("aria-pressed", other === button);
    });
    element("windows").append(button);
    return button;
  });
  buttons[0].click();
}

async function start() {
  const found = JSON.parse(new TextDecoder().decode(await unpack("case")));
  const { shape, origin, spacing } = found;
  const ct = await unpack("ct");
  const [offset, slope, intercept] = new Float32Array(ct, 108, 3); // of NIfTI-1
  const values = new Uint8Array(ct, offset);

  const volume = new Model("ct", {
    name: "ct.nii", data: new DataView(ct), path: {}, url: null, paired_img_path: {}, paired_img_data: null,
    colormap: "gray", opacity: 1, colormap_negative: "", frame_4d: 0, colorbar_visible: false, colormap_type: 0,
    colormap_invert: false, modulation_image: null, modulate_alpha: 0,
  });
  const chambers = [];
  for (const [name, { rgba, volume_ml: expected }] of Object.entries(found.surfaces)) {
    const chamber = new Chamber(name, await unpack(`surface-${name}`), rgba);
    const article = element(`chamber-${name}`);
    article.style.borderColor = `rgb(${rgba.slice(0, 3)})`;
    if (expected !== null) { // a surface that is not to be used has no number anywhere
      article.dataset.computedMl = volumeOf(chamber.surface);
      if (!(Math.abs(article.dataset.computedMl - expected) <= 0.001 * expected)) {
        throw new Error(`the surface ${name} does not have the volume that is told of it: is the file damaged?`);
      }
    }
    element(`show-${name}`).addEventListener("change", (event) => chamber.show(event.target.checked));
    chambers.push(chamber);
  }

  let asked = null; // where the planes go with the next picture
  const view = new Model("view", {
    height: element("viewer").clientHeight, opts: found.options, scene: found.scene, volumes: [volume.reference],
    meshes: chambers.flatMap(({ models }) => Object.values(models)).map((model) => model.reference),
    graph: {}, background_masks_overlays: 0, draw_lut: null, draw_opacity: 1, draw_fill_overwrites: true,
    overlay_outline_width: 0, overlay_alpha_shader: 1,
  }, ({ event, data }) => {
    if (event === "location_change") go(data.mm.slice(0, 3));
  });
  const draw = () => view.message("draw_scene", []);
  const sliders = AXES.map((axis) => element(`slice-${axis}`));
  const tell = (place) => {
    const voxel = AXES.map((axis) => Math.round((place[axis] - origin[axis]) / spacing));
    const inside = voxel.map((index, axis) => Math.min(Math.max(index, 0), shape[axis] - 1));
    const value = values[inside[0] + shape[0] * (inside[1] + shape[1] * inside[2])];
    const [right, front, head] = [...place].map((part) => part.toFixed(1));
    const hounsfield = Math.round(value * slope + intercept);
    element("place").textContent = `at the cross: ${hounsfield} HU (brightness); right ${right}, front ${front}, head ${head} mm`;
  };
  const go = (place) => {
    if (asked === null) {
      requestAnimationFrame(() => {
        const share = AXES.map((axis) => (asked[axis] - origin[axis] + spacing / 2) / (spacing * shape[axis]));
        view.change("scene", { crosshairPos: share });
        sliders.forEach((slider, axis) => { slider.value = asked[axis]; });
        tell(asked);
        for (const chamber of chambers) chamber.cut(asked);
        asked = null;
        draw();
      });
    }
    asked = place;
  };
  sliders.forEach((slider, axis) => {
    slider.min = origin[axis];
    slider.max = origin[axis] + spacing * (shape[axis] - 1);
    slider.addEventListener("input", () => go(sliders.map((other) => Number(other.value))));
  });
  addWindows(found.windows, volume);

  const code = new Blob([await unpack("niivue")], { type: "text/javascript" });
  console.log = () => {}; // it would tell of each step
  const { default: widget } = await import(URL.createObjectURL(code));
  await widget.initialize({ model: view });
  await widget.render({ model: view, el: element("viewer") });
  go(found.centre);

  const picture = new Image(); // a canvas is printed empty
  element("viewer").append(picture);
  placeTitles(shape, found.options);
  window.addEventListener("resize", () => {
    view.change("height", element("viewer").clientHeight);
    placeTitles(shape, found.options);
  });
  window.addEventListener("beforeprint", () => {
    draw();
    picture.src = element("viewer").querySelector("canvas").toDataURL();
  });
  document.body.dataset.ready = true;
}

start().catch((error) => {
  element("fault").textContent = `The pictures cannot be shown: ${error.message}`;
  element("fault").hidden = false;
});
