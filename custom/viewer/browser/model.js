// What ipyniivue, an anywidget module, takes for a notebook: models of the view, the CT and the meshes.

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

const [PHONG, TOON] = [0, 9]; // shaders of NiiVue; the second one's colours are hardly shaded

function meshModel(name, surface, rgba, shader) {
  return new Model(name, {
    name: `${name}.mz3`, data: new DataView(encodeSurface(surface)), path: {}, url: null, rgba255: rgba, opacity: 1,
    visible: true, layers: [], colormap_invert: false, colorbar_visible: false, mesh_shader_index: shader,
  });
}

function volumeModel(name, buffer) {
  return new Model(name, {
    name: `${name}.nii`, data: new DataView(buffer), path: {}, url: null, paired_img_path: {}, paired_img_data: null,
    colormap: "gray", opacity: 1, colormap_negative: "", frame_4d: 0, colorbar_visible: false, colormap_type: 0,
    colormap_invert: false, modulation_image: null, modulate_alpha: 0,
  });
}

function viewModel({ options, scene }, height, volume, meshes, told) {
  return new Model("view", {
    height, opts: options, scene, volumes: [volume.reference], meshes: meshes.map((model) => model.reference),
    graph: {}, background_masks_overlays: 0, draw_lut: null, draw_opacity: 1, draw_fill_overwrites: true,
    overlay_outline_width: 0, overlay_alpha_shader: 1,
  }, told);
}
