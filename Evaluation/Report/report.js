"use strict";
// Draws the charts of the report from the JSON in #data with uPlot, and draws them anew when the colour scheme changes.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const height = data.charts.length === 1 && !data.trade_offs ? 420 : 260;
  let drawn = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const methodColour = (index) => colour(`--method-${index % 8}`);
  const number = (value) => (value == null ? "–" : Math.abs(value) >= 1000 ? value.toFixed(0) : String(+value.toPrecision(4)));

  const axes = (x, y) => [x, y].map((label, index) => ({
    label,
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    labelSize: 20,
    size: index === 0 ? 36 : 56,
    // A logarithmic axis leaves some ticks without a number.
    values: (plot, splits) => splits.map((split) => (split == null ? "" : number(split))),
  }));

  function figure(container, title, options, table) {
    const holder = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    holder.append(caption);
    container.append(holder);
    const plot = new uPlot({ width: holder.clientWidth, height, ...options }, table, holder);
    const observer = new ResizeObserver(() => {
      if (holder.clientWidth > 0 && holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height });
    });
    observer.observe(holder);
    drawn.push({ plot, holder, observer });
  }

  const forms = {
    line: (stroke, line) => ({ points: { show: line.x.length < 3 } }),
    bars: (stroke) => ({ fill: stroke + "55", width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 60] }) }),
    points: (stroke) => ({ width: 0, points: { show: true, size: 6, width: 1, stroke, fill: stroke }, paths: () => null }),
  };

  // Lines, bars or points; a line may have a band, such as from the smallest to the largest seed.
  function lines(container, chart) {
    const tables = [];
    const series = [{ label: chart.x || "x", value: (plot, value) => number(value) }];
    const bands = [];
    chart.lines.forEach((line, index) => {
      if (line.x.length === 0) return;
      const stroke = methodColour(index);
      const first = series.length;
      series.push({ label: line.name, stroke, width: 2, spanGaps: true, value: (plot, value) => number(value), ...forms[line.form](stroke, line) });
      if (line.low == null) {
        tables.push([line.x, line.y]);
        return;
      }
      const edge = { class: "edge", stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
      series.push({ label: "largest", ...edge }, { label: "smallest", ...edge });
      bands.push({ series: [first + 1, first + 2], fill: stroke + "33" });
      tables.push([line.x, line.y, line.high, line.low]);
    });
    if (tables.length === 0) return;
    const hasBars = chart.lines.some((line) => line.form === "bars");
    const [x, y] = chart.logarithmic.map((is) => (is ? { distr: 3 } : {}));
    if (hasBars) {
      // Half a bar of room at either end, and bars stand on zero.
      x.range = (plot, low, high) => { const room = (high - low) / (2 * (plot.data[0].length - 1)); return [low - room, high + room]; };
      y.range = (plot, low, high) => [0, high * 1.05];
    }
    figure(container, chart.title, { series, bands, axes: axes(chart.x, chart.y), scales: { x: { time: false, ...x }, y }, legend: { live: true, markers: { width: 2 } } }, uPlot.join(tables));
  }

  // Points in order of temperature, joined in that order: the x values need not ascend, so the path is built here.
  function tradeOff(container, chart) {
    const rows = [];
    const series = [{ label: chart.x, value: (plot, value) => number(value) }];
    const lines = [];
    chart.lines.forEach(({ method, name, broken, points }) => {
      if (points.length === 0) return;
      const stroke = methodColour(method);
      const at = series.length;
      lines.push({ points, stroke });
      points.forEach((point) => rows.push({ x: point.x, y: point.y, at }));
      series.push({
        label: name, stroke, width: 2, dash: broken ? [6, 4] : [], points: { show: true, size: 7, fill: broken ? colour("--ground") : stroke }, value: (plot, value) => number(value),
        paths: (plot) => {
          const path = new Path2D();
          points.forEach((point, place) => {
            const x = plot.valToPos(point.x, "x", true);
            const y = plot.valToPos(point.y, "y", true);
            if (place === 0) path.moveTo(x, y); else path.lineTo(x, y);
          });
          return { stroke: path, fill: null, clip: null, band: null, gaps: null, flags: 3 };
        },
      });
    });
    chart.references.forEach((reference, index) => {
      const stroke = index === 0 ? colour("--ink") : colour("--soft");
      rows.push({ x: reference.x, y: reference.y, at: series.length });
      series.push({ label: reference.name, stroke, width: 0, points: { show: true, size: 11, width: 2, fill: index === 0 ? stroke : colour("--ground") }, paths: () => null, value: (plot, value) => number(value) });
    });
    rows.sort((left, right) => left.x - right.x);
    const table = [rows.map((row) => row.x), ...series.slice(1).map((_, index) => rows.map((row) => (row.at === index + 1 ? row.y : null)))];
    const padded = (plot, low, high) => {
      const margin = (high - low || Math.abs(high) || 1) * 0.08;
      return [low - margin, high + margin];
    };
    const labels = (plot) => {
      plot.ctx.save();
      plot.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      lines.forEach(({ points, stroke }) => [points[0], points[points.length - 1]].forEach((point) => {
        plot.ctx.fillStyle = stroke;
        const text = `τ=${number(point.temperature)}`;
        const x = plot.valToPos(point.x, "x", true) + 7 * devicePixelRatio;
        const fits = x + plot.ctx.measureText(text).width < plot.bbox.left + plot.bbox.width;
        plot.ctx.textAlign = fits ? "left" : "right";
        plot.ctx.fillText(text, fits ? x : x - 14 * devicePixelRatio, plot.valToPos(point.y, "y", true) - 6 * devicePixelRatio);
      }));
      plot.ctx.restore();
    };
    figure(container, `${chart.x} against ${chart.y}`, {
      series, axes: axes(chart.x, chart.y), scales: { x: { time: false, range: padded }, y: { range: padded } }, hooks: { draw: [labels] },
    }, table);
  }

  function draw() {
    drawn.forEach(({ plot, holder, observer }) => { observer.disconnect(); plot.destroy(); holder.remove(); });
    drawn = [];
    data.charts.forEach((chart) => lines(document.getElementById(chart.place), chart));
    (data.trade_offs ?? []).forEach((chart) => tradeOff(document.getElementById(chart.place), chart));
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
