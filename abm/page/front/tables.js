// What is read rather than drawn: tables, tips, and what is saved. Methods of the page.

const tables = {
  exposures(m) {
    const { lender, borrower, names } = this.markets[m], day = this.day.markets[m];
    const sums = names.map(() => [0, 0, 0, 0]);
    lender.forEach((a, e) => {
      const b = borrower[e];
      sums[a][0] += day.exposure[e]; sums[b][1] += day.exposure[e];
      sums[a][2] += day.value[e]; sums[b][3] += day.value[e];
    });
    return sums;
  },
  state(m, row) { const on = this.dead[m][row]; return on >= 0 && on <= this.shown ? `default, day ${on}` : ""; },
  limited(m, row) { const all = this.day.markets[m].equity; return all.length && all[row] != null ? all[row] : null; },
  // The tables: columns, rows, which columns are numbers, which hold names to choose.
  tableOf(tab) {
    const m = Math.min(this.which, this.markets.length - 1), market = this.markets[m], day = this.day.markets[m];
    const whole = (value) => (value == null ? "not limited" : Math.round(value).toLocaleString("en"));
    const one = this.inspected && this.inspected.day === this.shown && this.inspected.row === this.chosen ? this.inspected.markets[m] : null;
    if (tab === "differences") {
      const rows = this.run.differences.map((figure) => {
        const [a, b] = [0, 1].map((k) => this.figureOf(figure, k));
        const text = (value) => valueText(figure.unit, value, market.currency);
        return [figure.label, text(a), text(b), (b > a ? "+" : "") + text(b - a).replace("%", "points")];
      });
      return { columns: ["", `A: ${market.title && this.markets[0].title}`, `B: ${this.markets[1].title}`, "B less A"], rows, right: [1, 2, 3] };
    }
    if (tab === "events") {
      const events = this.chosen < 0 ? day.events : one && one.events;
      if (!events) return { note: "…" };
      const whom = this.chosen < 0 ? "" : ` of ${this.chosenName}`;
      const cut = events.rows.length < events.number ? `, ${events.rows.length} shown, the rare kinds first of all` : "";
      return { note: `${events.number.toLocaleString("en")} events${whom} on day ${this.shown}${cut}`,
        columns: ["event", "lender", "borrower", "party", "loan", "token", "cause", "quantity", "value"], right: [4, 7, 8], names: [1, 2, 3],
        rows: events.rows.map((row) => [row[0].replace(/_/g, " "), row[1], row[2], row[3], row[4] < 0 ? "" : row[4], row[5], row[6], row[7] ? whole(row[7]) : "", row[8] ? whole(row[8]) : ""]) };
    }
    if (tab === "participants") {
      const sums = this.exposures(m), by = Math.abs(this.sort) - 1, sign = this.sort < 0 ? -1 : 1;
      let rows = market.names.map((name, i) => [name, market.roles[i], sums[i][0], sums[i][1], sums[i][2], sums[i][3], day.wallet[i], this.limited(m, i), day.losses[i] || 0, this.state(m, i)]);
      const key = (row) => (by < 0 ? row[2] + row[3] : row[by]);
      rows.sort((a, b) => sign * (typeof key(a) === "string" ? key(a).localeCompare(key(b), "en", { numeric: true }) : (key(b) ?? Infinity) - (key(a) ?? Infinity)));
      const number = rows.length;
      rows = rows.slice(0, 100).map((row) => row.map((cell, c) => (c > 1 && c < 9 ? whole(cell) : cell)));
      return { note: number > 100 ? `the first 100 of ${number.toLocaleString("en")}` : `in ${market.currency}`, sorted: true, names: [0], rows, right: [2, 3, 4, 5, 6, 7, 8],
        columns: ["participant", "role", "lent", "borrowed", "collateral held", "collateral posted", "wallet", "equity", "losses", "state"] };
    }
    if (tab === "loans") {
      if (this.chosen >= 0) {
        if (!one) return { note: "…" };
        const cut = one.loans.length < one.number ? `, the ${one.loans.length} largest shown` : "";
        return { note: `${one.number} open loans of ${this.chosenName}${cut}`, columns: ["loan", "", "counterparty", "exposure", "coverage", "matures", "state"], right: [0, 3, 4], names: [2],
          rows: one.loans.map((row) => row.map((cell, c) => (c === 3 ? whole(cell) : c === 4 ? percent(cell, 2) : cell))) };
      }
      const order = day.exposure.map((_, e) => e).filter((e) => day.loans[e]).sort((a, b) => day.exposure[b] - day.exposure[a]);
      const states = (flags) => (flags & FLAG.closing ? "close-out" : flags & FLAG.unmet ? "unmet call" : "");
      return { note: `${order.length.toLocaleString("en")} pairs with loans${order.length > 100 ? ", the 100 largest shown" : ""}; choose a participant for single loans`,
        columns: ["lender", "borrower", "loans", "exposure", "collateral", "coverage", "state"], right: [2, 3, 4, 5], names: [0, 1],
        rows: order.slice(0, 100).map((e) => [market.names[market.lender[e]], market.names[market.borrower[e]], day.loans[e], whole(day.exposure[e]), whole(day.value[e]), day.coverage[e] < 0 ? "–" : percent(day.coverage[e] / 1e4, 2), states(day.flags[e])]) };
    }
    if (tab === "balance") {
      if (this.chosen < 0) return { note: "Choose a participant: click it in the network, or name it beside the legend." };
      if (!one) return { note: "…" };
      const i = this.chosen, sums = this.exposures(m)[i];
      const wallet = one.wallet.map(([token, quantity, value]) => [`of it ${token}`, whole(value), "tokens", whole(quantity)]);
      const losses = ["losses so far", whole(day.losses[i] || 0)], held = ["collateral held for it", whole(sums[2]), "collateral posted for it", whole(sums[3])];
      const note = `${this.chosenName}, ${market.roles[i]}${this.state(m, i) && ", " + this.state(m, i)}; in ${market.currency}`;
      const sheet = one.sheet, rows = sheet ? [...this.account(sheet, whole),
          ["leverage", sheet.leverage == null ? "no equity" : sheet.leverage.toLocaleString("en"), ...losses], held]
        : [["lent", whole(sums[0]), "borrowed", whole(sums[1])], held, ["equity", whole(this.limited(m, i)), ...losses]];
      rows.push(["wallet", whole(day.wallet[i]), "", ""], ...wallet);
      return { note, columns: sheet ? ["assets", "value", "liabilities and equity", "value"] : ["", "value", "", "value"], right: [1, 3], rows };
    }
    return {};
  },
  // Both sides of a balance sheet, and what each comes to.
  account(sheet, whole) {
    const right = [...sheet.liabilities, ["equity", sheet.equity]], rows = [];
    for (let k = 0; k < Math.max(sheet.assets.length, right.length); k++) {
      const [a, b] = [sheet.assets[k], right[k]];
      rows.push([a ? a[0] : "", a ? whole(a[1]) : "", b ? b[0] : "", b ? whole(b[1]) : ""]);
    }
    return [...rows, ["in all", whole(sheet.total), "in all", whole(sheet.total)]];
  },
  sortBy(c) { this.sort = this.sort === c + 1 ? -c - 1 : c + 1; },


  tip(m, data) {
    const market = this.markets[m], day = this.day.markets[m], amount = (value) => `${money(value)} ${market.currency}`;
    if (!data) return "";
    if (data.edge != null) {
      const e = data.edge;
      const told = [`<b>${escaped(market.names[market.lender[e]])} → ${escaped(market.names[market.borrower[e]])}</b>`, `${day.loans[e]} loan${day.loans[e] === 1 ? "" : "s"}, exposure ${amount(day.exposure[e])}`, `collateral ${amount(day.value[e])}`];
      if (day.coverage[e] >= 0) told.push(`coverage ${percent(day.coverage[e] / 1e4, 2)}`);
      if (day.flags[e] & FLAG.unmet) told.push(`unmet call: ${amount(day.unmet[e])} missing`);
      if (day.flags[e] & FLAG.closing) told.push("being closed out");
      return told.map((line) => (line.startsWith("<b>") ? line : escaped(line))).join("<br>");
    }
    const i = data.row, sums = this.exposures(m)[i], equity = this.limited(m, i);
    const told = [`wallet ${amount(day.wallet[i])}`];
    if (sums[1]) told.unshift(`borrows ${amount(sums[1])}`);
    if (sums[0]) told.unshift(`lends ${amount(sums[0])}`);
    if (equity != null) told.push(`equity ${amount(equity)}`);
    if (day.losses[i]) told.push(`losses ${amount(day.losses[i])}`);
    if (this.state(m, i)) told.push(this.state(m, i));
    return [`<b>${escaped(data.name)}</b>, ${market.roles[i]}`, ...told.map(escaped)].join("<br>");
  },

  download(form) { this.$refs.save.open = false; this.send({ do: "download", form }); },
  save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
  // A picture of a part, with the words that say which day it shows.
  picture(part, form) {
    this.$refs.save.open = false;
    const shown = this.boxes[part.key];
    const made = this.echarts.init(document.createElement("div"), null, { renderer: "svg", width: shown.getWidth(), height: shown.getHeight() + 26 });
    const option = shown.getOption();
    option.title = { text: `${part.title}, ${this.want.scenario}, day ${this.shown}`, left: 8, top: 4, textStyle: { fontSize: 13, color: this.look.ink } };
    option.grid[0].top += 26;
    option.backgroundColor = this.look.paper;
    made.setOption(option);
    const svg = made.renderToSVGString(), name = `${part.title.toLowerCase().replace(/[^a-z]+/g, "-")}-day-${this.shown}`;
    made.dispose();
    if (form === "SVG") return this.save(new Blob([svg], { type: "image/svg+xml" }), name + ".svg");
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * image.width, height: 2 * image.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => this.save(blob, name + ".png"));
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
  },
};
