// Draws the figures of a page from the numbers in #charts: [{x, y, log, scatter, views: [{name,
// lines: [{name, points: [[x, y, low, high, label], …]}]}]}], one for each .chart, in percent.
(() => {
  const source = document.getElementById("charts");
  if (!source || typeof Chart === "undefined") return;
  const charts = JSON.parse(source.textContent);
  const colours = ["#1f77b4", "#d9731c", "#2a9d5c", "#c43a4b", "#7f63b8", "#8c6d4f", "#d65fa8",
                   "#6b7785", "#a7a52a", "#1aa5b8"];
  const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  // A colour of the page's theme as a canvas takes it.
  const probe = document.body.appendChild(document.createElement("i"));
  const ink = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  // Intervals, as whiskers.
  const whiskers = {
    id: "whiskers",
    beforeDatasetDraw(chart, {index, meta}) {
      if (!chart.isDatasetVisible(index)) return;
      const {ctx, scales: {y}} = chart;
      ctx.save();
      ctx.strokeStyle = chart.data.datasets[index].borderColor;
      ctx.globalAlpha = .45;
      meta.data.forEach((point, i) => {
        const {low, high} = chart.data.datasets[index].data[i];
        if (!(high > low)) return;
        ctx.beginPath();
        ctx.moveTo(point.x, y.getPixelForValue(low));
        ctx.lineTo(point.x, y.getPixelForValue(high));
        ctx.stroke();
      });
      ctx.restore();
    },
  };
  const datasets_of = (spec, view) => view.lines.map((line, i) => ({
    label: line.name,
    data: line.points.map(([x, y, low, high, label]) => ({x, y, low, high, label})),
    borderColor: colours[i % colours.length],
    backgroundColor: colours[i % colours.length],
    borderDash: dashes[Math.floor(i / colours.length) % dashes.length],
    borderWidth: 1.8,
    pointStyle: line.points.map((point) => point[4]?.includes("⚑") ? "triangle" : "circle"),
    pointRadius: line.points.map((point) => (spec.scatter ? 4 : 2.5) + (point[4]?.includes("⚑") ? 2 : 0)),
    showLine: !spec.scatter,
  }));
  const axis = (title, more) => ({
    title: {display: true, text: title, color: ink("--soft")},
    ticks: {color: ink("--soft")},
    grid: {color: ink("--line"), borderColor: ink("--line")},
    ...more,
  });
  const options_of = (spec) => ({
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: {mode: "nearest", intersect: false},
    scales: {
      x: axis(spec.x, {type: spec.log ? "logarithmic" : "linear"}),
      y: axis(spec.y, {min: 0, max: 100}),
    },
    plugins: {
      legend: {position: "bottom", maxHeight: 110,
               labels: {color: ink("--ink"), boxWidth: 18, boxHeight: 1, font: {size: 11.5}}},
      tooltip: {callbacks: {
        title: () => "",
        label: ({dataset, raw}) => dataset.label + (raw.label ? ", " + raw.label : ""),
        afterLabel: ({raw}) => `${spec.x} ${+raw.x.toPrecision(6)}: ${raw.y.toFixed(1)} %` +
          (raw.high > raw.low ? ` (${raw.low.toFixed(1)} to ${raw.high.toFixed(1)})` : ""),
      }},
    },
  });
  const drawn = [];
  document.querySelectorAll(".chart").forEach((figure, i) => {
    const spec = charts[i];
    const choice = figure.querySelector("select");
    const chart = new Chart(figure.querySelector("canvas"), {
      type: spec.scatter ? "scatter" : "line",
      data: {datasets: datasets_of(spec, spec.views[0])},
      options: options_of(spec),
      plugins: [whiskers],
    });
    choice?.addEventListener("change", () => {
      chart.data = {datasets: datasets_of(spec, spec.views[choice.selectedIndex])};
      chart.update();
    });
    drawn.push([chart, spec]);
  });
  addEventListener("themechange", () => {
    for (const [chart, spec] of drawn) {
      chart.options = options_of(spec);
      chart.update();
    }
  });
  addEventListener("beforeprint", () => { for (const [chart] of drawn) chart.resize(); });
})();
