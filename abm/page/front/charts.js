// The charts of a run as ECharts options: all days so far, one or two markets, the day marked.

function valueText(unit, value, currency) {
  if (value == null || Number.isNaN(value)) return "–";
  if (unit === "percent") return percent(value, 2);
  if (unit === "money") return `${money(value)} ${currency}`;
  if (unit === "count") return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(5)));
}

// A series over the days of one market: a sum of statistics, added up over the days with `sum`.
function valuesOf(series, stats, rows) {
  let total = 0;
  return rows.map((row) => {
    const now = series.of.reduce((sum, name) => sum + row[stats[name]], 0) * series.sign;
    total += now;
    return series.sum ? total : now;
  });
}

function chartOption({ spec, markets, days, shown, last, stats, look }) {
  const scale = spec.unit === "percent" ? 100 : 1;
  const currency = markets[0].currency;
  const series = [];
  markets.forEach((market, m) => {
    const rows = days.map((day) => day.markets[m].stats);
    const which = markets.length > 1 ? ` ${"AB"[m]}` : "";
    const lines = spec.name === "prices"
      ? m ? [] : market.tokens.filter((_, t) => t < days[0].markets[0].prices.length)
        .map((token, t) => ({ label: token, color: look.series[t % look.series.length], kind: "line",
          values: days.map((day) => 100 * day.markets[0].prices[t] / days[0].markets[0].prices[t]) }))
      : spec.series.map((of) => ({ ...of, values: valuesOf(of, stats, rows) }));
    lines.forEach((line) => {
      const colour = line.color || look.series[markets.length > 1 ? m : line.hue || 0];
      const data = line.values.map((value, day) => [day, value == null ? null : value * scale]);
      const common = { name: line.label + which, data, symbol: "none", color: colour, z: 3 };
      if (line.kind === "bar") {
        series.push({ ...common, type: "bar", barMaxWidth: 7, barGap: "10%",
          stack: `calls${m}`, itemStyle: { opacity: line.sign < 0 ? 0.62 : 1 } });
      } else if (line.kind === "unmet") {
        series.push({ ...common, type: "scatter", symbol: "triangle", symbolSize: 9, z: 4,
          color: look.states.unmet, itemStyle: { borderColor: look.paper, borderWidth: 1 },
          data: data.filter(([, value]) => value > 0) });
      } else {
        series.push({ ...common, type: "line",
          lineStyle: { width: 1.8, type: line.dash || "solid" } });
      }
    });
    if (spec.band && market.trigger != null) {
      const edge = [1 - market.trigger, 1 + market.trigger].map((at) => 100 * at);
      series[series.length - 1].markLine = {
        silent: true, symbol: "none", animation: false, label: { show: false },
        lineStyle: { color: look.series[m], type: [2, 3], width: 1.1 },
        data: edge.map((at) => ({ yAxis: at })),
      };
      series[series.length - 1].markArea = {
        silent: true, animation: false,
        itemStyle: { color: look.series[m], opacity: 0.09 },
        data: [[{ yAxis: edge[0] }, { yAxis: edge[1] }]],
      };
    }
  });
  series.push({
    type: "line", name: "", data: [], z: 8, silent: true,
    markLine: { silent: true, symbol: "none", animation: false, label: { show: false },
      lineStyle: { color: look.ink, width: 1.2, type: "solid" }, data: [{ xAxis: shown }] },
    markArea: { silent: true, animation: false, itemStyle: { color: look.paper, opacity: 0.62 },
      data: shown < days.length - 1 ? [[{ xAxis: shown }, { xAxis: last }]] : [] },
  });
  const all = series.flatMap((one) => one.data.map((point) => point[1])).filter((value) => value != null);
  const reach = Math.max(...all) - Math.min(...all);
  const digits = reach < 0.4 ? 2 : reach < 4 ? 1 : 0;
  // Rounding must not look like a swing: coverage shows half a point either side at least.
  const flat = spec.unit === "percent" && spec.band ? reach < 1 && Math.abs(all[0] - 100) < 0.5 && [99.5, 100.5]
    : reach > 0 ? null : all[0] ? [0.95 * all[0], 1.05 * all[0]].sort((a, b) => a - b) : [0, 1];
  const [min, max] = flat || [null, null];
  const label = { color: look.faint, fontSize: 11 };
  return {
    animation: false,
    grid: { left: 50, right: 10, top: 8, bottom: 20 },
    tooltip: {
      trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: look.paper,
      borderColor: look.line, textStyle: { color: look.ink, fontSize: 12 },
      axisPointer: { type: "line", snap: true, lineStyle: { color: look.faint } },
      formatter: (points) => [`<b>Day ${points[0].axisValue}</b>`].concat(points.map((point) =>
        `${point.marker}${escaped(point.seriesName)} ` +
        `<b>${escaped(valueText(spec.unit, point.value[1] / scale, currency))}</b>`)).join("<br>"),
    },
    xAxis: { type: "value", min: 0, max: Math.max(last, 1), minInterval: 1, axisLabel: label,
      axisLine: { onZero: false, lineStyle: { color: look.line } }, splitLine: { show: false },
      axisPointer: { label: { precision: 0 } } },
    yAxis: { type: "value", min, max, minInterval: spec.unit === "count" ? 1 : 0, scale: spec.unit !== "count", splitNumber: 4,
      axisLabel: { ...label, formatter: (value) => spec.unit === "percent"
        ? value.toFixed(digits) + " %" : spec.unit === "money" ? (value && Math.abs(value) < 1 ? "" : money(value))
        : Number(value.toPrecision(6)).toLocaleString("en") },
      splitLine: { lineStyle: { color: look.line, opacity: 0.6 } } },
    series,
  };
}
