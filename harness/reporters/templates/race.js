"use strict";
// Draws the races of a report: zoom, pan, what a lost request was, whose failures a cause has. Text goes into the page
// as text alone.
(() => {
  const SMALLEST_S = 0.02;

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(whole).text());
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const tip = document.body.appendChild(element("div", "", { class: "tip", "aria-hidden": "true" }));
  const showTip = (_, event, __, value) => {
    tip.textContent = value || "";
    tip.style.display = value ? "block" : "none";
    if (value) {
      tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
    }
  };

  class Picture {
    constructor(place, view, data) {
      this.place = place;
      this.view = view;
      this.data = data;
      this.find = (name) => place.querySelector(`.${name}`);
      this.canvas = this.find("canvas");
      this.panel = this.find("panel");
      this.lit = "";
      this.chosen = -1;
      this.controls();
      this.mouse();
      this.keys();
      view.addEventListener("click", (_, item) => {
        if (item && item.datum && item.datum.id !== undefined) this.choose(item.datum.id);
      });
    }

    controls() {
      const select = this.find("which");
      this.data.races.forEach((race, at) => select.append(element("option", race.name, { value: at })));
      select.addEventListener("change", () => this.show(Number(select.value)));
      for (const button of this.place.querySelectorAll("[data-do]")) {
        button.addEventListener("click", () => this.act(button.dataset.do));
      }
      for (const hidden of this.place.querySelectorAll("[data-live]")) hidden.hidden = false;
      const listed = this.find("listed");
      listed.addEventListener("toggle", () => listed.open && this.list());
    }

    act(what) {
      const [from, to] = this.span;
      const length = to - from;
      const acts = {
        in: () => this.zoom(0.5, from + length / 2),
        out: () => this.zoom(2, from + length / 2),
        left: () => this.pan(-length / 5),
        right: () => this.pan(length / 5),
        all: () => this.look(...this.race.view),
        next: () => this.choose(this.step(1)),
        previous: () => this.choose(this.step(-1)),
        close: () => this.choose(-1),
      };
      if (acts[what]) acts[what]();
      return what in acts;
    }

    keys() {
      const keys = {
        "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", Home: "all", 0: "all",
        n: "next", p: "previous", Escape: "close",
      };
      this.canvas.addEventListener("keydown", (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.altKey && this.act(keys[event.key])) event.preventDefault();
      });
    }

    mouse() {
      const box = () => this.canvas.querySelector("svg .mark-group.role-scope .background").getBoundingClientRect();
      const seconds = (pixels) => (pixels / box().width) * (this.span[1] - this.span[0]);
      this.canvas.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && document.activeElement !== this.canvas) return;
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.span[0] + seconds(event.clientX - box().left));
      }, { passive: false });
      let last = null;
      this.canvas.addEventListener("pointerdown", (event) => { last = event.clientX; });
      addEventListener("pointermove", (event) => {
        if (last === null || !event.buttons) return;
        this.pan(-seconds(event.clientX - last));
        last = event.clientX;
      });
      addEventListener("pointerup", () => { last = null; });
    }

    zoom(factor, around) {
      const [from, to] = this.span;
      if ((to - from) * factor < SMALLEST_S) return;
      this.look(around - (around - from) * factor, around + (to - around) * factor);
    }

    pan(by) {
      const [least, most] = this.race.view;
      const [from, to] = this.span;
      const moved = Math.max(least - from, Math.min(most - to, by));
      this.look(from + moved, to + moved);
    }

    look(from, to) {
      const [least, most] = this.race.view;
      this.span = [Math.max(least, from), Math.min(most, to)];
      this.view.signal("view", this.span).runAsync();
      this.place.dataset.view = this.span.map((t) => t.toFixed(3)).join(" ");
    }

    step(by) {
      const shown = this.race.lost.map((_, at) => at).filter((at) => !this.lit || this.race.lost[at].cause === this.lit);
      if (!shown.length) return -1;
      const place = shown.indexOf(this.chosen);
      if (place < 0) return shown[by > 0 ? 0 : shown.length - 1];
      return shown[(place + by + shown.length) % shown.length];
    }

    choose(at) {
      this.chosen = at;
      this.panel.replaceChildren();
      const lost = this.race.lost[at];
      this.panel.hidden = !lost;
      this.view.signal("chosen", lost ? at : -1).runAsync();
      if (!lost) return;
      const facts = element("dl", undefined, { class: "story" });
      for (const [label, words] of lost.facts) facts.append(element("dt", label), element("dd", words));
      const heading = element("h4", `${lost.title} (${at + 1} of ${this.race.lost.length})`);
      this.panel.append(heading, facts);
      const t = this.race.rows.lost[at].t;
      if (t < this.span[0] || t > this.span[1]) this.pan(t - (this.span[0] + this.span[1]) / 2);
    }

    light(cause) {
      this.lit = this.lit === cause ? "" : cause;
      for (const button of this.find("causes").querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.dataset.cause === this.lit));
      }
      this.view.signal("lit", this.lit).runAsync();
    }

    async show(number) {
      this.race = this.data.races[number];
      this.span = this.race.view;
      this.lit = "";
      for (const [name, rows] of Object.entries(this.race.rows)) this.view.data(name, rows);
      this.view.signal("view", this.span).signal("lit", "").signal("chosen", -1).resize();
      this.find("says").textContent = this.race.note;
      this.causes();
      this.choose(-1);
      this.fill("pods", this.race.pods.map((cells) => cells.map((cell) => [cell])));
      if (this.find("listed").open) this.list();
      await this.view.runAsync();
      this.place.dataset.drawn = this.race.name;
    }

    causes() {
      const place = this.find("causes");
      place.replaceChildren(element("span", this.race.causes.length ? "Light up the failures by" : "No request was lost"));
      for (const [cause, number] of this.race.causes) {
        const button = element("button", `${cause} (${number})`, { type: "button", "aria-pressed": "false" });
        button.dataset.cause = cause;
        button.addEventListener("click", () => this.light(cause));
        place.append(button);
      }
    }

    list() {
      this.fill("requests", this.race.lost.map((lost, at) => {
        const open = element("button", lost.title, { type: "button" });
        open.addEventListener("click", () => { this.choose(at); this.panel.scrollIntoView({ block: "nearest" }); });
        return [[open], [lost.cause], [lost.facts[0][1]], [lost.evidence]];
      }));
    }

    fill(name, rows) {
      const body = this.find(name).tBodies[0];
      body.replaceChildren(...rows.map((cells) => {
        const row = element("tr");
        cells.forEach(([cell], at) => {
          const made = element(at ? "td" : "th", undefined, at ? {} : { scope: "row" });
          made.append(cell);
          row.append(made);
        });
        return row;
      }));
    }
  }

  const embed = (place, document_, rows) => {
    const filled = structuredClone(document_);
    for (const one of filled.data) one.values = rows[one.name] || one.values;
    const options = {
      ast: true, logLevel: 1, renderer: "svg", actions: false, mode: "vega", defaultStyle: false, tooltip: showTip,
    };
    return window.vegaEmbed(place, filled, options).then((drawn) => {
      place.querySelector("svg").setAttribute("aria-hidden", "true");
      return drawn.view;
    });
  };

  const draw = async (place, documents) => {
    if (place.dataset.figure) {
      await embed(place, documents[place.dataset.figure], await unpack(place.dataset.rows));
      place.dataset.drawn = place.dataset.figure;
      return;
    }
    const data = await unpack(place.dataset.races);
    const view = await embed(place.querySelector(".canvas"), documents.race, data.races[0].rows);
    await new Picture(place, view, data).show(0);
  };

  const whenIdle = (work) => (window.requestIdleCallback || ((later) => setTimeout(later, 50)))(work);

  const start = async () => {
    const documents = await unpack(document.getElementById("picture").dataset.picture);
    const places = new Set(document.querySelectorAll(".race, .figure"));
    const drawOnce = async (place) => {
      if (!places.delete(place)) return;
      await draw(place, documents).catch((error) => { (place.querySelector(".says") || place).textContent = `Not drawn: ${error}`; });
    };
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        drawOnce(target);
      }
    }, { rootMargin: "400px" });
    places.forEach((place) => seen.observe(place));
    // What nobody has scrolled to is drawn when there is time, so that it is there when the page is printed.
    const drawNext = async () => {
      const [next] = places;
      if (!next) return;
      await drawOnce(next);
      whenIdle(drawNext);
    };
    whenIdle(drawNext);
    addEventListener("beforeprint", () => places.forEach(drawOnce));
  };
  start();
})();
