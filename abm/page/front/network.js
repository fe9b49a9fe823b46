// The network of a day as an ECharts option: lines are pairs, symbols participants.

const CROSS = "path://M0,1L1,0L5,4L9,0L10,1L6,5L10,9L9,10L5,6L1,10L0,9L4,5Z";
const FLAG = { delivered: 1, returned: 2, unmet: 4, closing: 8 };

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function short(text, most) {
  const letters = Array.from(text);
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
}

function money(value) {
  const size = Math.abs(value);
  for (const [limit, letter] of [[1e12, "T"], [1e9, "bn"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= 0.9995 * limit) return Number((value / limit).toPrecision(3)) + letter;
  }
  return String(Math.round(value));
}

function percent(value, digits = 1) {
  return value == null ? "–" : (100 * value).toFixed(digits) + " %";
}

// A colour between the five of a scale; `at` from -1 to 1.
function between(colours, at) {
  const place = (Math.max(-1, Math.min(1, at)) + 1) * ((colours.length - 1) / 2);
  const low = Math.min(Math.floor(place), colours.length - 2);
  const mix = (k) => {
    const [a, b] = [colours[low], colours[low + 1]].map((c) =>
      parseInt(c.slice(1 + 2 * k, 3 + 2 * k), 16)
    );
    return Math.round(a + (b - a) * (place - low));
  };
  return `rgb(${mix(0)},${mix(1)},${mix(2)})`;
}

// How far coverage strays from 1 on the days so far, rounded up: the scale of colours.
function reachOf(days) {
  let reach = 0.002;
  for (const day of days) {
    for (const market of day.markets) {
      const far = market.coverage.filter((c) => c >= 0).map((c) => Math.abs(c / 1e4 - 1));
      far.sort((a, b) => a - b);
      if (far.length) reach = Math.max(reach, far[Math.floor(0.98 * (far.length - 1))]);
    }
  }
  const power = 10 ** Math.floor(Math.log10(reach));
  return power * [1, 1.5, 2, 3, 5, 7, 10].find((step) => step * power >= reach * 0.9999);
}

function nodeScale(number, [width, height]) {
  const room = Math.min(1, Math.min(width, height) / 420);
  return room * (number <= 12 ? 26 : number <= 40 ? 18 : number <= 150 ? 12 : number <= 400 ? 8 : 5.5);
}

function widthOf(exposure, most, many) {
  return (many > 1500 ? 0.4 : 0.7) + (many > 1500 ? 1.5 : many > 400 ? 2.5 : 5) * Math.sqrt(exposure / (most || 1));
}

/* Arguments: `still` the market's opening, `places`, `day` the market's day, `number` of the day,
   `chosen` a row or -1, `reach`, `look` the colours, `dead` the days of default by row. */
function networkOption({ still, places, day, number, most, chosen, reach, look, dead, size }) {
  const { lender, borrower, names, roles } = still;
  const edges = lender.length;
  const near = new Set([chosen]);
  const base = nodeScale(names.length, size);
  const mean = still.sizes.reduce((a, b) => a + b, 0) / still.sizes.length;
  const sizeOf = (i) => base * Math.min(3, Math.max(0.55, Math.sqrt(still.sizes[i] / mean)));
  const both = new Set(lender.map((a, e) => a * names.length + borrower[e]));
  const lines = [], calls = [], backs = [], unmet = [];
  const spot = (e, part) => {
    const [a, b] = [places[lender[e]], places[borrower[e]]];
    return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
  };
  for (let e = 0; e < edges; e++) {
    const flags = day.flags[e], coverage = day.coverage[e], closing = flags & FLAG.closing;
    const mine = lender[e] === chosen || borrower[e] === chosen;
    if (mine) near.add(lender[e]).add(borrower[e]);
    if (coverage < 0 && !closing && !(flags & FLAG.unmet)) continue;
    const faded = chosen >= 0 && !mine;
    const arrow = mine || edges <= 300;
    const mutual = both.has(borrower[e] * names.length + lender[e]);
    lines.push({
      edge: e,
      coords: arrow ? shortened(places[lender[e]], places[borrower[e]], sizeOf(borrower[e]), size)
        : [places[lender[e]], places[borrower[e]]],
      symbol: ["none", arrow ? "arrow" : "none"],
      symbolSize: Math.min(9, 4 + widthOf(day.exposure[e], most, edges)),
      lineStyle: {
        color: flags & FLAG.unmet ? look.states.unmet
          : closing ? look.states["close-out"]
          : between(look.coverage, (coverage / 1e4 - 1) / reach),
        width: widthOf(day.exposure[e], most, edges),
        type: flags & FLAG.unmet ? [6, 4] : closing ? [1.5, 4] : "solid",
        opacity: faded ? 0.06 : flags & (FLAG.unmet | FLAG.closing) ? 1 : edges <= 400 || mine ? 0.9
          // Of very many pairs those that are fully covered stand back.
          : 0.2 + 0.6 * Math.min(1, Math.abs(coverage / 1e4 - 1) / reach),
        curveness: mutual ? 0.16 : 0,
      },
    });
    if (faded) continue;
    if (flags & FLAG.delivered) calls.push({ value: spot(e, 0.8) });
    if (flags & FLAG.returned) backs.push({ value: spot(e, 0.2) });
    if (flags & FLAG.unmet) unmet.push({ value: spot(e, 0.62), edge: e });
  }
  const dot = edges > 1500 ? 2.5 : edges > 400 ? 3.5 : 6;
  const labelled = names.length <= 70;
  const nodes = Object.keys(look.roles).map((role) => ({
    type: "scatter", name: role, symbol: look.symbols[role], z: 4,
    itemStyle: { color: look.roles[role], borderColor: look.paper, borderWidth: 1 },
    emphasis: { scale: 1.4, itemStyle: { borderColor: look.ink, borderWidth: 2 } },
    labelLayout: { hideOverlap: true },
    data: names.flatMap((name, i) => roles[i] !== role ? [] : [{
      row: i, name, value: places[i], symbolSize: sizeOf(i),
      itemStyle: { opacity: chosen >= 0 && !near.has(i) ? 0.15 : dead[i] >= 0 && dead[i] <= number ? 0.4 : 1,
        ...(i === chosen ? { borderColor: look.ink, borderWidth: 2.5 } : {}) },
      label: {
        show: chosen >= 0 ? near.has(i) : labelled || dead[i] === number,
        formatter: () => short(name, 14), color: look.ink, fontSize: 10.5, distance: 3,
        textBorderColor: look.paper, textBorderWidth: 2.5,
        position: Math.abs(places[i][0]) < 0.1 ? "top" : places[i][0] < 0 ? "left" : "right",
      },
    }]),
  }));
  const gone = names.map((_, i) => i).filter((i) => dead[i] >= 0 && dead[i] <= number);
  const marks = (name, data, symbol, symbolSize, itemStyle, z) => ({
    type: "scatter", name, data, symbol, symbolSize, itemStyle, z, silent: true,
  });
  const axis = { show: false, type: "value", min: -1.14, max: 1.14 };
  return {
    animation: false,
    grid: { left: labelled ? 26 : 4, right: labelled ? 26 : 4, top: 6, bottom: 6 },
    xAxis: axis, yAxis: axis,
    series: [
      { type: "lines", name: "pairs", day: number, coordinateSystem: "cartesian2d", z: 2, progressive: 0,
        emphasis: { lineStyle: { opacity: 1, width: 5 } }, data: lines },
      marks("deliveries", calls, "circle", dot, { color: look.states.delivery }, 3),
      marks("returns", backs, "circle", dot,
        { color: look.paper, borderColor: look.states.return, borderWidth: dot > 3 ? 1.4 : 0.8 }, 3),
      ...nodes,
      marks("unmet calls", unmet, "triangle", edges > 1500 ? 8 : 11,
        { color: look.states.unmet, borderColor: look.paper, borderWidth: 1 }, 5),
      marks("defaults", gone.map((i) => ({ value: places[i], symbolSize: Math.max(names.length > 400 ? 8 : 13, sizeOf(i)) })),
        CROSS, 10, { color: look.states.default, borderColor: look.paper, borderWidth: 0.7 }, 6),
      marks("defaults today", gone.filter((i) => dead[i] === number)
        .map((i) => ({ value: places[i], symbolSize: sizeOf(i) + 12 })), "circle", 10,
        { color: "transparent", borderColor: look.states.default, borderWidth: 2.5 }, 6),
    ],
  };
}

// A line that ends where the borrower's symbol begins, so that its arrow is seen.
function shortened(from, to, symbol, [width, height]) {
  const [x, y] = [(to[0] - from[0]) * width, (to[1] - from[1]) * height];
  const length = Math.hypot(x, y) / 2.28 || 1;
  const part = Math.max(0.5, 1 - (symbol / 2 + 2) / length);
  return [from, [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]];
}
