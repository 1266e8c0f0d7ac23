// The page comes alive.

async function structureOf(name, description, motion) {
  const surface = surfaceOf(await unpack(`surface-${name}`));
  const regionOf = description.regions && new Uint8Array(await unpack(`regions-${name}`));
  const errorOf = description.errors && new Uint8Array(await unpack(`errors-${name}`));
  const steps = motion && { ...motion, steps: new Uint16Array(await unpack(`motion-${name}`)) };
  const structure = new Structure(name, surface, description, regionOf, errorOf, steps);
  const article = element(`chamber-${name}`);
  article.style.borderColor = `rgb(${description.rgba.slice(0, 3)})`;
  const expected = description.volume_ml;
  if (expected !== null) { // a surface that is not to be used has no number anywhere
    article.dataset.computedMl = volumeOf(surface);
    if (!(Math.abs(article.dataset.computedMl - expected) <= 0.001 * expected)) {
      throw new Error(`the surface ${name} does not have the volume that is told of it: is the file damaged?`);
    }
  }
  return structure;
}

async function start() {
  const found = JSON.parse(new TextDecoder().decode(await unpack("case")));
  const buffer = await unpack("ct");
  const ct = new CT(buffer, found);
  const volume = volumeModel("ct", buffer);
  const structures = [];
  for (const [name, description] of Object.entries(found.surfaces)) {
    structures.push(await structureOf(name, description, found.beat?.motion));
  }
  const landmarks = found.landmarks.length > 0 ? new Landmarks(found.landmarks) : null;
  const drawn = [...structures, ...(landmarks ? [landmarks] : [])];
  const ribbons = new Ribbons(found.centre);

  let place = found.centre; // where the planes are
  let asked = true; // for the next picture; before NiiVue is there, for none
  const go = (where) => {
    place = where;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      view.change("scene", { crosshairPos: ct.share(place) });
      sliders.forEach((slider, axis) => { slider.value = place[axis]; });
      const told = AXES.map((axis) => `${Math.abs(place[axis]).toFixed(1)} mm ${TOWARDS[axis][Number(place[axis] < 0)]}`);
      element("place").textContent =
        `at the cross: ${ct.hounsfield(place)} HU (brightness); ${told.join(", ")} of the scanner's zero`;
      const cuts = drawn.map((each) => each.cut(place));
      ribbons.show(cuts.flatMap(({ corners }) => corners), cuts.flatMap(({ colours }) => colours));
      draw();
    });
  };
  const meshes = [...drawn, ribbons].map(({ model }) => model);
  const view = viewModel(found, element("viewer").clientHeight, volume, meshes, ({ event, data }) => {
    if (event === "location_change") go(data.mm.slice(0, 3));
  });
  const draw = () => view.message("draw_scene", []);
  const sliders = AXES.map((axis) => element(`slice-${axis}`));
  sliders.forEach((slider, axis) => {
    slider.min = ct.origin[axis];
    slider.max = ct.origin[axis] + ct.spacing * (ct.shape[axis] - 1);
    slider.addEventListener("input", () => go(sliders.map((other) => Number(other.value))));
  });

  addWindows(found.windows, volume);
  addColours(structures, () => go(place));
  for (const each of drawn) {
    element(`show-${each.name}`).addEventListener("change", ({ target }) => {
      each.show(target.checked);
      go(place);
    });
  }
  if (landmarks) {
    for (const { name, place: there } of found.landmarks) {
      element(`landmark-${name}`).addEventListener("click", () => go(there));
    }
  }

  const code = new Blob([await unpack("niivue")], { type: "text/javascript" });
  console.log = () => {}; // it would tell of each step
  const { default: widget } = await import(URL.createObjectURL(code));
  await widget.initialize({ model: view });
  await widget.render({ model: view, el: element("viewer") });
  asked = false;
  go(place);
  if (found.beat) {
    const beat = new Beat(found.beat, { structures, landmarks, ct, volume, view });
    const slider = element("phase");
    const show = () => {
      beat.show(Number(slider.value));
      go(place);
    };
    slider.addEventListener("input", show);
    show();
  }

  const picture = new Image(); // a canvas is printed empty
  element("viewer").append(picture);
  placeTitles(ct.shape, found.options);
  window.addEventListener("resize", () => {
    view.change("height", element("viewer").clientHeight);
    placeTitles(ct.shape, found.options);
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
