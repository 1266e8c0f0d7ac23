// What a reader sets beside scrolling: brightness, colours, what is shown; and the titles of the pictures.

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

// Buttons of which one is pressed, the first to begin with; `choices` are [name, explanation, what it does].
function addChoice(place, choices) {
  const buttons = choices.map(([name, explanation, act]) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.title = explanation;
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", other === button);
      act();
    });
    place.append(button);
    return button;
  });
  buttons[0].click();
}

function addWindows(windows, volume) {
  addChoice(element("windows"), Object.entries(windows).map(([name, [low, high]]) => [name, `${low} to ${high} HU`, () => {
    volume.change("cal_min", low);
    volume.change("cal_max", high);
  }]));
}

// `redraw` cuts anew, for contours have the surfaces' colours.
function addColours(structures, redraw) {
  const choice = (by) => () => {
    for (const structure of structures) structure.colour(by);
    document.body.dataset.colours = by;
    redraw();
  };
  const choices = [
    ["structures", "by structure", "a colour a structure"],
    ["regions", "by region", "valves' sides, appendage, outlet and the 17 segments"],
    ["errors", "by expected error", "dark: near to the truth; bright: 2 mm from it or more"],
  ].filter(([by]) => by === "structures" || structures.some(({ palettes }) => palettes[by]));
  if (choices.length > 1) {
    addChoice(element("colours"), choices.map(([by, name, explanation]) => [name, explanation, choice(by)]));
  }
}
