// The page: it keeps the days it was sent, shows one of them in all parts, and asks for the next.

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const plain = (value) => JSON.parse(JSON.stringify(value));

module.exports = {
  data() {
    const asked = new URLSearchParams(this.embedded ? "" : location.search);
    const dark = asked.get("dark");
    return {
      run: null, shown: 0, newest: -1, playing: false, speed: 3, error: "", full: 0, scenarios: [],
      controls: [], want: { scenario: "", seed: 1, values: {}, other: null }, drawer: false, help: false,
      dark: dark ? dark === "1" : matchMedia("(prefers-color-scheme: dark)").matches,
      chosen: -1, inspected: null, layout: asked.get("layout") || "", tab: "events", which: 0,
      measure: "margin_calls", sort: 0, stops: [], at: 0, reach: 0.01, flags: [],
      shapes: { circle: "M6 1a5 5 0 1 0 .01 0z", rect: "M1.5 1.5h9v9h-9z", diamond: "M6 0l6 6-6 6-6-6z",
        triangle: "M6 1l5.5 10H.5z", cross: "M1 2l1-1 4 4 4-4 1 1-4 4 4 4-1 1-4-4-4 4-1-1 4-4z" },
    };
  },
  created() {
    // Not reactive on purpose: days are many and never change.
    Object.assign(this, { days: [], boxes: {}, waiting: [], dead: [], runId: -1, playId: 0 });
    const asked = new URLSearchParams(this.embedded ? "" : location.search);
    this.asked = { day: Number(asked.get("day")) || 0, who: asked.get("who") };
    const read = (prefix, skip) => Object.fromEntries([...asked].filter(([name]) =>
      prefix ? name.startsWith(prefix) : !skip.includes(name) && !name.startsWith("b.")).map(([name, text]) =>
      [name.slice(prefix.length), text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text]));
    const ours = ["scenario", "seed", "day", "layout", "dark", "who", "compare", "kernelid"];
    this.want.scenario = asked.get("scenario") || "";
    this.want.seed = asked.has("seed") ? Number(asked.get("seed")) : 1;
    this.want.values = read("", ours);
    this.want.other = asked.has("compare") ? read("b.", []) : null;
  },
  async mounted() {
    document.documentElement.lang = "en";
    const viewport = document.querySelector("meta[name=viewport]");
    if (viewport && !this.embedded) viewport.content = "width=device-width, initial-scale=1";
    this.onKey = (event) => this.key(event);
    if (!this.embedded) document.addEventListener("keydown", this.onKey);
    this.beat = setInterval(() => this.send({ do: "here" }), 30000);
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.$refs.root);
    this.echarts = await this.library();
    this.open(this.asked.day);
  },
  beforeDestroy() {
    document.removeEventListener("keydown", this.onKey);
    clearInterval(this.beat);
    this.pause();
    this.sizes.disconnect();
    Object.values(this.boxes).forEach((box) => box.dispose());
  },
  computed: {
    markets() { return this.run ? this.run.markets : []; },
    live() { return this.run && this.newest >= 0; },
    last() { return this.run ? this.run.dates.length - 1 : 0; },
    day() { return this.live ? this.days[this.shown] : { markets: [] }; },
    changed() { return Object.keys(this.want.values).length + Object.keys(this.want.other || {}).length; },
    stop() { return this.stops[this.at]; },
    chosenName() { return this.chosen < 0 ? "" : this.markets[0].names[this.chosen]; },
    look() {
      const light = (mark) => mark[this.dark ? 3 : 2];
      const of = (marks) => Object.fromEntries(Object.entries(marks).map(([k, mark]) => [k, light(mark)]));
      const m = this.marks;
      return {
        roles: of(m.roles), states: of(m.states),
        symbols: Object.fromEntries(Object.entries(m.roles).map(([k, mark]) => [k, mark[1]])),
        coverage: m.coverage[+this.dark], series: m.series[+this.dark],
        ink: this.dark ? "#eef0f3" : "#1f1f1f", faint: this.dark ? "#a7adb7" : "#5f6368",
        line: this.dark ? "#3c424c" : "#d5d7db", paper: this.dark ? "#15181d" : "#ffffff",
      };
    },
    gradient() { return `linear-gradient(90deg, ${this.look.coverage.join(", ")})`; },
    short() { return `${money(this.most())} ${this.markets[0].currency}`; },
    stats() { return Object.fromEntries(this.run.stats.map((stat, i) => [stat.name, i])); },
    parts() {
      const networks = this.markets.map((market, m) => ({ key: "network" + m,
        title: this.markets.length > 1 ? `Network ${"AB"[m]}` : "Network" }));
      return networks.concat(((this.run || {}).charts || []).map((spec) => ({ key: "chart-" + spec.name, title: spec.title })));
    },
    tabs() {
      const tabs = [["events", "Events"], ["participants", "Participants"], ["loans", "Loans"],
        ["balance", "Balance sheet"], ["measures", "Statistics"]];
      if (this.markets.length > 1) tabs.unshift(["differences", "Differences"]);
      if (this.own.length) tabs.push(["own", "Own"]);
      return tabs;
    },
    countsText() {
      return this.day.markets.map((market, m) => {
        const number = (bit) => market.flags.filter((flags) => flags & bit).length;
        const gone = this.dead[m].filter((day) => day >= 0 && day <= this.shown).length;
        return (this.markets.length > 1 ? `${"AB"[m]}: ` : "") + `deliveries on ${number(FLAG.delivered)} of `
          + `${market.loans.filter((open) => open).length.toLocaleString("en")} pairs with loans, returns on ${number(FLAG.returned)}, unmet calls on `
          + `${number(FLAG.unmet)}, ${gone} defaulted`;
      }).join("; ");
    },
    timeText() {
      const flags = this.flags.filter((flag) => flag.day === this.shown).map((flag) => flag.text);
      return [`Day ${this.shown}`, this.run.dates[this.shown], ...flags].join(", ");
    },
    meaning() { const stat = this.run.stats[this.stats[this.measure]]; return stat ? stat.meaning : ""; },
    table() { return Object.assign({ note: "", right: [], rows: [] }, this.live ? this.tableOf(this.tab) : {}); },
  },
  watch: {
    shown() { this.changedDay(); },
    dark() { this.changedDay(true); },
    chosen() { this.inspect(); this.changedDay(); },
    tab(name, before) {
      if (name === "own" || before === "own") this.send({ do: "own", on: name === "own" });
      this.changedDay(true);
    },
    measure() { this.changedDay(); },
  },
  methods: {
    ...tables,
    library() {
      const url = `${window.solara ? window.solara.cdn : "/_solara/cdn"}/echarts@5.4.0/dist/echarts.min.js`;
      if (window.requirejs) return new Promise((done, fail) => window.requirejs([url], done, fail));
      return new Promise((done, fail) => {
        const script = Object.assign(document.createElement("script"), { src: url, onerror: fail });
        script.onload = () => done(window.echarts);
        document.head.appendChild(script);
      });
    },
    send(message) { this.ask(message); },
    // What the server sends; `buffers` holds files.
    jupyter_receive(message, buffers) {
      const take = this[`take_${message.what}`];
      if (message.what === "run" || message.what === "refused") this.runId = message.run;
      if (take && (message.run === this.runId || !this.run || message.what === "full")) take(message, buffers);
    },
    take_run(message) {
      this.pause();
      Object.assign(this, { days: [], dead: message.markets.map((m) => m.names.map(() => -1)), inspected: null });
      Object.values(this.boxes).forEach((box) => box.dispose());
      this.boxes = {};
      const who = this.asked.who || this.chosenName;
      Object.assign(this, { run: Object.freeze(message), newest: -1, shown: 0, full: 0, flags: [], stops: [], error: this.kept || "",
        controls: message.controls, scenarios: message.scenarios, want: plain(message.settings), layout: message.layout });
      this.kept = "";
      this.asked.day = Math.min(this.asked.day, this.last);
      this.which = Math.min(this.which, message.markets.length - 1);
      if (this.tab === "differences" && message.markets.length < 2) this.tab = "events";
      if (!(this.measure in this.stats)) this.measure = message.stats[0].name;
      this.chosen = message.markets[0].names.indexOf(who);
    },
    take_day(message) {
      this.days[message.day] = Object.freeze(message);
      const told = {};
      message.markets.forEach((market, m) => {
        market.defaults.forEach(([row]) => { this.dead[m][row] = message.day; });
        const unmet = Object.keys(market.unmet).length;
        const tag = this.markets.length > 1 ? `${"AB"[m]}: ` : "";
        if (market.defaults.length) (told.default = told.default || []).push(`${tag}${market.defaults.length} in default`);
        if (unmet) (told.unmet = told.unmet || []).push(`${tag}unmet calls on ${unmet} pairs`);
      });
      for (const kind of Object.keys(told)) this.flags.push({ kind, day: message.day, text: `day ${message.day}: ${told[kind].join("; ")}` });
      this.reach = Math.max(message.day ? this.reach : 0, reachOf([message]));
      this.newest = message.day;
      if (message.day === this.asked.day || this.embedded) { this.shown = message.day; this.asked.day = -1; }
      if (message.day === 0 || this.embedded) this.changedDay();
      this.arrived(true);
    },
    take_refused(message) {
      this.error = this.kept = message.text;
      Object.assign(this, { controls: message.controls, scenarios: message.scenarios });
      if (this.run) { this.want = plain(this.run.settings); this.controls = plain(this.run.controls); this.kept = ""; }
      else { this.want = { scenario: "", seed: 1, values: {}, other: null }; this.open(0, true); }
      this.arrived(false);
    },
    take_error(message) { this.error = message.text; this.arrived(false); },
    take_broken(message) { this.error = message.text; this.arrived(false); },
    take_full(message) { this.full = message.most; },
    take_places(message) {
      this.run = Object.freeze({ ...this.run, places: message.places });
      this.layout = message.layout;
      this.changedDay();
    },
    take_inspected(message) { this.inspected = Object.freeze(message); },
    take_walk(message) { this.stops = message.stops; this.walkTo(0); },
    take_file(message, buffers) { this.save(new Blob(buffers), message.name); },

    open(day = 0, keep = false) {
      if (!keep) this.error = "";
      this.pause();
      this.asked.day = day || -1;
      this.send({ do: "open", settings: plain(this.want), to: day, layout: this.layout });
    },
    arrived(more) { this.waiting.splice(0).forEach((done) => done(more)); },
    // A day on: one that is known, or else one that the server simulates.
    async forward() {
      if (this.shown >= this.last) return false;
      if (this.shown >= this.newest) {
        const here = this.runId, came = new Promise((done) => this.waiting.push(done));
        if (!this.embedded) this.send({ do: "advance", to: this.newest + 1 });
        if (!(await came) || here !== this.runId || this.shown >= this.newest) return false;
      }
      this.shown += 1;
      return true;
    },
    async step() { this.pause(); await this.forward(); },
    async play() {
      if (this.shown >= this.last && this.newest >= this.last) this.shown = 0;
      const id = ++this.playId;
      this.playing = true;
      // A day's turn counts from the last one's, so that what a timer is late by does not add up.
      for (let due = performance.now(); ; ) {
        if (!(await this.forward()) || id !== this.playId) break;
        await this.$nextTick();
        due = Math.max(due + (this.speed < 100 ? 1000 / this.speed : 0), performance.now() - 500);
        await sleep(Math.max(due - performance.now(), 0));
        if (id !== this.playId) return;
      }
      if (id === this.playId) this.pause();
    },
    pause() { this.playing = false; this.playId += 1; this.remember(); },
    go(day) {
      this.pause();
      this.shown = Math.max(0, Math.min(day, this.newest));
      // The thumb may have been drawn where nothing is simulated yet.
      this.$nextTick(() => { const box = this.$el.querySelector(".market-time"); if (box) box.value = this.shown; });
    },
    key(event) {
      if (event.key === "Escape") {
        if (this.drawer) this.toggleDrawer();
        else if (this.$refs.save.open) { this.$refs.save.open = false; this.$refs.save.firstElementChild.focus(); }
        else this.chosen = -1;
      }
      const tag = event.target.tagName;
      if (!this.run || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(tag)) return;
      const does = { ArrowLeft: () => this.go(this.shown - 1), ArrowRight: () => this.step(), Home: () => this.go(0),
        End: () => this.go(this.newest), ...(["BUTTON", "SUMMARY"].includes(tag) ? {} : { " ": () => (this.playing ? this.pause() : this.play()) }) };
      if (does[event.key]) { event.preventDefault(); does[event.key](); }
    },
    // The address says what is shown, so that it can be shared.
    remember() {
      if (this.embedded || !this.run) return;
      clearTimeout(this.soon);
      this.soon = setTimeout(() => {
        const { scenario, seed, values, other } = this.run.settings, to = new URLSearchParams({ scenario });
        if (seed !== 1) to.set("seed", seed);
        Object.entries(values).forEach(([name, value]) => to.set(name, value));
        if (other) { to.set("compare", 1); Object.entries(other).forEach(([name, value]) => to.set("b." + name, value)); }
        const day = this.asked.day > 0 ? this.asked.day : this.shown;
        if (day) to.set("day", day);
        if (this.layout !== this.run.usual) to.set("layout", this.layout);
        if (this.chosen >= 0) to.set("who", this.chosenName);
        if (this.dark) to.set("dark", 1);
        history.replaceState(history.state, "", `?${to}`);
      }, 400);
    },

    chooseScenario(scenario) { this.want = { scenario, seed: this.want.seed, values: {}, other: this.want.other ? {} : null }; this.chosen = -1; this.open(); },
    compare() { this.want.other = this.want.other ? null : { model: 2 }; this.tab = this.want.other ? "differences" : this.tab; this.open(); },
    toggleDrawer() {
      this.drawer = !this.drawer;
      this.$nextTick(() => (this.drawer ? this.$refs.drawer.querySelector(".cm-close") : this.$el.querySelector(".cm-settings")).focus());
    },
    valuesFor(control, m) { return m ? this.want.other : this.want.values; },
    isSet(control, m) { return control.name in this.valuesFor(control, m); },
    set(control, m, value) {
      if (value === undefined) this.$delete(this.valuesFor(control, m), control.name);
      else this.$set(this.valuesFor(control, m), control.name, value);
      if (control.name === "model") this.$delete(this.valuesFor(control, m), "trigger");
      this.open();
    },
    unset(control, m) { this.set(control, m); },
    setNumber(control, m, text) {
      if (text === "") return this.unset(control, m);
      const value = Number(text);
      this.set(control, m, control.kind === "percent" ? Number((value / 100).toPrecision(12)) : value);
    },
    setChoice(control, m, index) { this.set(control, m, index === "" ? undefined : control.choices[index][0]); },
    setSeed(text) { this.want.seed = Number(text); this.open(); },
    chosenIndex(control, m) {
      const value = this.valuesFor(control, m)[control.name];
      return value === undefined ? "" : control.choices.findIndex(([choice]) => choice === value);
    },
    inUnits(control, value) { return value == null ? "" : control.kind === "percent" ? Number((100 * value).toPrecision(10)) : value; },
    ownText(control) { return control.off ? ": loans one by one" : control.own == null ? "" : `: ${control.own}`; },

    chooseName(name) { this.chosen = this.markets[0].names.indexOf(name); this.remember(); },
    chooseLayout(name) { this.send({ do: "layout", name }); },
    inspect() {
      const now = { day: this.shown, row: this.chosen }, had = this.inspected;
      if (this.chosen >= 0 && this.run && !(had && had.day === now.day && had.row === now.row)) this.send({ do: "inspect", ...now });
    },
    startWalk() { this.pause(); this.send({ do: "walk" }); },
    walkTo(at) {
      if (at < 0) return;
      if (at >= this.stops.length) { this.stops = []; return; }
      this.at = at;
      this.go(this.stops[at].day);
    },

    most() { return this.days.length ? Math.max(...this.days[0].markets[0].exposure, 1) : 1; },
    capital(text) { return text.charAt(0).toUpperCase() + text.slice(1); },
    reachText(side) { return percent(1 + side * this.reach, this.reach < 0.01 ? 1 : 0); },
    placeOf(day) { return `calc(8px + (100% - 16px) * ${this.last ? day / this.last : 0})`; },
    figureOf(figure, m, day = this.shown) {
      return valuesOf({ ...figure }, this.stats, this.days.slice(figure.sum ? 0 : day, day + 1).map((d) => d.markets[m].stats)).pop();
    },
    figureText(figure, m) { return this.newest < 0 ? "" : valueText(figure.unit, this.figureOf(figure, m), this.markets[m].currency); },
    measureText(m) {
      const stat = this.run.stats[this.stats[this.measure]];
      return valueText(stat.unit, this.day.markets[m].stats[this.stats[this.measure]], this.markets[m].currency);
    },
    networkLabel(m) { return `Lending network${this.markets.length > 1 ? " " + "AB"[m] : ""}, day ${this.shown}. ${this.day.markets[m].words}`; },
    chartLabel(spec) {
      const now = spec.series.map((series) => `${series.label} ${this.markets.map((_, m) => valueText(spec.unit, this.figureOf(series, m), this.markets[m].currency)).join(" and ")}`);
      return `${spec.title}, day ${this.shown}: ${now.join(", ")}`;
    },
    keyOf(spec) {
      const look = this.look;
      if (spec.name === "prices") return this.markets[0].tokens.slice(0, this.days[0] ? this.days[0].markets[0].prices.length : 0)
        .map((token, t) => ({ text: token, style: { background: look.series[t % look.series.length] } })).slice(0, 6);
      return spec.series.length < 2 ? [] : spec.series.map((series) => ({ text: series.label, kind: series.kind,
        style: series.kind === "unmet" ? { color: look.states.unmet } : series.dash ? { borderTop: `2px dashed ${look.series[0]}`, background: "none", height: 0 }
        : { background: look.series[0], opacity: series.sign < 0 ? 0.62 : 1 } }));
    },
    // Drawing: all parts in one go, after the words and tables, before the browser paints.
    changedDay(resize = false) {
      this.inspect();
      this.remember();
      this.$nextTick(() => { if (resize) this.resized(); else this.draw(); });
    },
    box(ref, first) {
      let element = this.$refs[ref];
      element = Array.isArray(element) ? element[0] : element;
      if (!element || !element.clientWidth || !this.echarts) return null;
      if (!this.boxes[ref]) {
        this.boxes[ref] = this.echarts.init(element);
        this.sizes.observe(element);
        if (first) first(this.boxes[ref]);
      }
      return this.boxes[ref];
    },
    draw() {
      if (!this.run || this.newest < 0 || !this.echarts) return;
      const look = this.look, common = { markets: this.markets, days: this.days, shown: this.shown, last: this.last, stats: this.stats, look };
      this.markets.forEach((still, m) => {
        const box = this.box("network" + m, (made) => this.startNetwork(made, m));
        if (box) box.setOption(networkOption({ still, places: this.run.places, day: this.day.markets[m], number: this.shown, most: this.most(), chosen: this.chosen, reach: this.reach, look, dead: this.dead[m], size: [box.getWidth(), box.getHeight()] }), { replaceMerge: ["series"] });
      });
      const stat = this.run.stats[this.stats[this.measure]];
      const own = { name: "measure", title: stat.label, unit: stat.unit, series: [{ label: stat.label, of: [stat.name], sign: 1, kind: "line" }] };
      for (const [ref, spec] of [...(this.run.charts || []).map((it) => ["chart-" + it.name, it]), ...(this.tab === "measures" ? [["measure", own]] : [])]) {
        const box = this.box(ref, (made) => this.startChart(made));
        if (box) box.setOption(chartOption({ spec, ...common }), { replaceMerge: ["series"] });
      }
    },
    resized() {
      for (const box of Object.values(this.boxes)) {
        const { clientWidth, clientHeight } = box.getDom();
        if (clientWidth && (clientWidth !== box.getWidth() || clientHeight !== box.getHeight())) box.resize();
      }
      this.draw();
    },
    startNetwork(box, m) {
      const narrow = innerWidth < 900, zoom = { type: "inside", filterMode: "none", zoomOnMouseWheel: !narrow, moveOnMouseMove: !narrow, disabled: false };
      box.setOption({ dataZoom: [{ ...zoom, xAxisIndex: 0 }, { ...zoom, yAxisIndex: 0 }],
        tooltip: { confine: true, transitionDuration: 0, formatter: ({ data }) => this.tip(m, data) } });
      const other = () => this.boxes["network" + (1 - m)];
      const same = ({ data, seriesIndex }) => {
        const twin = other().getOption().series[seriesIndex].data;
        return twin.findIndex((item) => (data.row != null ? item.row === data.row : item.edge === data.edge));
      };
      box.on("click", ({ data }) => { if (data && data.row != null) this.chosen = this.chosen === data.row ? -1 : data.row; });
      box.getZr().on("click", (event) => { if (!event.target) this.chosen = -1; });
      box.on("mouseover", (over) => {
        if (!other() || !over.data || this.hovering) return;
        this.hovering = true;
        const at = { seriesIndex: over.seriesIndex, dataIndex: same(over) };
        if (at.dataIndex >= 0) { other().dispatchAction({ type: "highlight", ...at }); other().dispatchAction({ type: "showTip", ...at }); }
        this.hovering = false;
      });
      box.on("mouseout", () => { if (other()) { other().dispatchAction({ type: "downplay" }); other().dispatchAction({ type: "hideTip" }); } });
    },
    startChart(box) {
      box.group = "cm-charts";
      this.echarts.connect("cm-charts");
      box.getZr().on("click", ({ offsetX, offsetY }) => this.go(Math.round(box.convertFromPixel({ xAxisIndex: 0 }, [offsetX, offsetY])[0] ?? 0)));
    },
    unzoom() { this.markets.forEach((_, m) => this.boxes["network" + m].dispatchAction({ type: "dataZoom", batch: [{ dataZoomIndex: 0, start: 0, end: 100 }, { dataZoomIndex: 1, start: 0, end: 100 }] })); },

  },
};
