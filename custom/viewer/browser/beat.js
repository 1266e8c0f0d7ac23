// The phases of a beat: a slider over them, and what is said of the one that is shown.
class Beat {
  static UNSEEN = 1e-4; // mm of a surface that the planes show beside its outline, where they are not to show any

  constructor({ percents, told, moments, usable, own }, shown) {
    Object.assign(this, { percents, told, moments, usable, own }, shown);
    this.options = this.view.get("opts");
  }

  // Phase `at`; what the planes have no CT of is not outlined in them.
  show(at) {
    const moment = this.moments.indexOf(at);
    for (const structure of this.structures) structure.move(at, this.usable[structure.name][at], moment >= 0);
    if (moment >= 0) {
      this.ct.moment = moment;
      this.volume.change("frame_4d", moment);
    }
    const meshThicknessOn2D = moment >= 0 ? this.options.meshThicknessOn2D : Beat.UNSEEN;
    this.view.change("opts", { ...this.options, meshThicknessOn2D });
    this.landmarks?.show(this.landmarks.shown, at === this.own);
    const percent = this.percents[at];
    element("phase-told").textContent = `${percent} % of the beat: ${this.told[at]}`;
    element("phase-planes").textContent = moment >= 0
      ? "The planes show the CT of this phase."
      : `The planes show the CT at ${this.percents[this.moments[this.ct.moment]]} %, without outlines: the page holds `
        + `the CT at ${this.moments.map((index) => `${this.percents[index]} %`).join(" and ")} only.`;
    element("cursor").setAttribute("transform", `translate(${element(`mark-${at}`).getAttribute("x")} 0)`);
  }
}
