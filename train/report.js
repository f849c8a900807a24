"use strict";
// Shows the values of the epoch under the pointer in each chart's legend, and loads the page anew while the run lasts.
const shown = value => value === null ? "–" : Number(value.toPrecision(4)).toString();

JSON.parse(document.getElementById("curves").textContent).forEach(({epochs, series}, index) => {
  const chart = document.querySelectorAll(".chart")[index];
  if (!chart) return;
  const svg = chart.querySelector("svg"), cross = chart.querySelector(".cross");
  const title = chart.querySelector("h3"), name = title.textContent, values = chart.querySelectorAll(".legend b");
  const last = epochs.length - 1, from = 48, to = 330;  // the room of the lines, as the picture has it

  function show(i) {
    values.forEach((value, k) => { value.textContent = shown(series[k][i]); });
  }
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const share = last > 0 ? Math.min(Math.max((x - from) / (to - from), 0), 1) : 0.5;
    const at = epochs[0] + share * (epochs[last] - epochs[0]);
    let i = 0;
    epochs.forEach((epoch, k) => { if (Math.abs(epoch - at) < Math.abs(epochs[i] - at)) i = k; });
    const place = last > 0 ? from + (to - from) * (epochs[i] - epochs[0]) / (epochs[last] - epochs[0]) : (from + to) / 2;
    cross.setAttribute("x1", place);
    cross.setAttribute("x2", place);
    cross.setAttribute("visibility", "visible");
    title.textContent = `${name}, epoch ${epochs[i]}`;
    show(i);
  });
  svg.addEventListener("pointerleave", () => {
    cross.setAttribute("visibility", "hidden");
    title.textContent = name;
    show(last);
  });
});

if ("running" in document.documentElement.dataset) setTimeout(() => location.reload(), 10000);
