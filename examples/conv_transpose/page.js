// What is shown: the layer, its numbers, how many stamps are laid, which output pixel is picked.
const state = {};
const element = id => document.getElementById(id);

// ---- parameters

// [label, property, place in it or null, least, most]
const sliders = [
  ['input height', 'input', 0, 1, 8], ['input width', 'input', 1, 1, 8],
  ['input channels', 'channels', null, 1, 6], ['filters', 'filters', null, 1, 6],
  ['kernel_size height', 'kernel', 0, 1, 9], ['kernel_size width', 'kernel', 1, 1, 9],
  ['strides height', 'strides', 0, 1, 5], ['strides width', 'strides', 1, 1, 5],
  ['padding top', 'sides', 0, 0, 8], ['padding left', 'sides', 1, 0, 8],
  ['padding bottom', 'sides', 2, 0, 8], ['padding right', 'sides', 3, 0, 8],
  ['output_padding height', 'outputPadding', 0, -1, 4], ['output_padding width', 'outputPadding', 1, -1, 4],
  ['dilation_rate height', 'dilation', 0, 1, 3], ['dilation_rate width', 'dilation', 1, 1, 3],
  ['groups', 'groups', null, 1, 6],
];
const choices = [
  ['padding', ['same', 'valid', 'sides']],
  ['activation', ['linear', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'sigmoid', 'tanh', 'softplus',
    'hard_swish']],
  ['values', ['ramp', 'ones']],
];

function valueOf(property, place) {
  if (state.layer[property] === null) return -1;  // output_padding "none"
  return place === null ? state.layer[property] : state.layer[property][place];
}

function setValue(property, place, value) {
  const layer = state.layer;
  if (property === 'outputPadding') {
    // None is not 0, and both axes are none or neither is.
    if (value < 0) layer.outputPadding = null;
    else (layer.outputPadding = layer.outputPadding || [0, 0])[place] = value;
  } else if (place === null) {
    layer[property] = value;
  } else {
    layer[property][place] = value;
  }
  if (property === 'sides') layer.padding = 'sides';
  if (['input', 'channels', 'filters', 'kernel', 'groups', 'values'].includes(property)) makeValues();
}

// Numbers from a file fit only the shapes they came in; the first change of a shape replaces them.
function makeValues() {
  const layer = state.layer;
  if (layer.values === 'given') {
    layer.values = 'ramp';
    element('note').textContent = 'The given numbers do not fit the new shape: they count up from 1 now.';
  }
  if (placeLayer(layer).error) return;
  state.data = {...madeValues(layer), bias: new Array(layer.filters).fill(0)};
}

function makeControl(text, id) {
  const label = document.createElement('label');
  label.htmlFor = id;
  label.append(text);
  element('parameters').append(label);
  return label;
}

function makeControls() {
  for (const [name, options] of choices) {
    const select = document.createElement('select');
    select.id = name;
    if (name === 'values' && state.layer.values === 'given') options.push('given');
    for (const option of options) select.add(new Option(option === 'sides' ? 'pixels on each side' : option, option));
    select.addEventListener('change', () => {
      setValue(name, null, select.value);
      update();
    });
    makeControl(name, name).append(select);
  }
  for (const [name, property, place, least, most] of sliders) {
    const slider = document.createElement('input');
    slider.type = 'range';
    slider.id = name.replace(' ', '-');
    slider.min = least;
    slider.max = Math.max(most, valueOf(property, place));
    const text = document.createElement('output');
    slider.addEventListener('input', () => {
      setValue(property, place, Number(slider.value));
      update();
    });
    makeControl(name, slider.id).append(slider, text);
  }
}

function showControls() {
  for (const [name] of choices) element(name).value = state.layer[name];
  for (const [name, property, place] of sliders) {
    const slider = element(name.replace(' ', '-')), value = valueOf(property, place);
    slider.value = value;
    slider.nextSibling.textContent = value < 0 ? 'none' : value;
  }
}

// ---- matrices

function numberText(value) {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential(2) : value.toFixed(size < 10 ? 3 : 1);
}

// Makes a table of cells; one of them is in the Tab order, arrow keys move on.
function makeTable(id, rows, columns) {
  const table = element(id);
  table.replaceChildren();
  for (let row = 0; row < rows; ++row) {
    const line = table.insertRow();
    for (let column = 0; column < columns; ++column) {
      const cell = line.insertCell();
      cell.tabIndex = row + column === 0 ? 0 : -1;
      cell.dataset.row = row;
      cell.dataset.column = column;
    }
  }
}

function cellAt(id, row, column) {
  const line = element(id).rows[row];
  return line && line.cells[column];
}

function eachCell(id, visit) {
  for (const line of element(id).rows) {
    for (const cell of line.cells) visit(cell, Number(cell.dataset.row), Number(cell.dataset.column));
  }
}

function listen(id, pick, describe) {
  const table = element(id);
  const at = event => event.target.closest('td');
  const place = cell => [Number(cell.dataset.row), Number(cell.dataset.column)];
  const show = event => {
    if (at(event)) element('info').textContent = describe(...place(at(event)));
  };
  table.addEventListener('pointerover', show);
  table.addEventListener('focusin', show);
  table.addEventListener('click', event => {
    if (!at(event)) return;
    pick(...place(at(event)));
    show(event);
  });
  table.addEventListener('keydown', event => {
    const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      at(event).click();
    }
    if (!moves[event.key]) return;
    event.preventDefault();
    const [row, column] = place(at(event));
    const next = cellAt(id, row + moves[event.key][0], column + moves[event.key][1]);
    if (!next) return;
    at(event).tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

// ---- what the numbers say

function axisRule(name, i, axis) {
  const layer = state.layer, signed = value => value < 0 ? `+ ${-value}` : `- ${value}`;
  return `${name}  (${layer.input[i]} - 1) * ${layer.strides[i]} + ${axis.span} ${signed(axis.begin)} ` +
      `${signed(axis.end)} = ${axis.output}`;
}

function describeSum(row, column) {
  const layer = state.layer, data = state.data;
  const [first, last] = channelsOf(layer, state.filter);
  const terms = [];
  let sum = 0;
  for (const {inputRow, inputColumn, r, c} of gather(layer, row, column)) {
    for (let channel = first; channel < last; ++channel) {
      const pixel = data.input[inputAt(layer, inputRow, inputColumn, channel)];
      const weight = data.kernel[kernelAt(layer, r, c, state.filter, channel)];
      terms.push(`${numberText(pixel)} \u00d7 ${numberText(weight)}`);
      sum += pixel * weight;
    }
  }
  const shown = terms.length > 24 ? [...terms.slice(0, 24), `${terms.length - 24} more`] : terms;
  return `${shown.length ? shown.join(' + ') : 'no tile reaches it'} = ${numberText(sum)}`;
}

const describe = {
  input: (row, column) => `input (${row}, ${column}) lays its tile at row ${row * state.layer.strides[0]}, column ` +
      `${column * state.layer.strides[1]} of the sum: stamp ${row * state.layer.input[1] + column + 1}`,
  kernel: (row, column) => `tap (${row}, ${column}) adds ${row * state.layer.dilation[0]} rows below and ` +
      `${column * state.layer.dilation[1]} columns right of the tile's corner`,
  canvas: (row, column) => `sum (${row}, ${column}): ${describeSum(row, column)}` +
      (isCropped(row, column) ? '; cropped away' : ''),
  output: (row, column) => `output (${row}, ${column}): ` +
      describeSum(row + state.place.rows.begin, column + state.place.columns.begin) +
      (state.data.bias ? `, bias ${numberText(state.data.bias[state.filter])}` : '') +
      (state.layer.activation === 'linear' ? '' : `, then ${state.layer.activation}`),
};

function isCropped(row, column) {
  const {rows, columns} = state.place;
  return row < rows.begin || column < columns.begin || row >= rows.begin + rows.output ||
      column >= columns.begin + columns.output;
}

// ---- drawing

function paint() {
  const {layer, place, data} = state;
  const sums = stamp(layer, place, data, state.filter, state.step);
  const last = state.step - 1;
  const lastRow = Math.floor(last / layer.input[1]), lastColumn = last % layer.input[1];
  const picked = state.picked && gather(layer, state.picked[0], state.picked[1]);
  const gathers = (row, column) => picked && picked.some(tap => tap.inputRow === row && tap.inputColumn === column);
  const lies = (row, column) => !picked && last >= 0 && gather(layer, row, column)
      .some(tap => tap.inputRow === lastRow && tap.inputColumn === lastColumn);

  const [first] = channelsOf(layer, state.filter);
  const channel = first + Math.min(state.channel, layer.channels / layer.groups - 1);
  eachCell('input', (cell, row, column) => {
    cell.textContent = numberText(data.input[inputAt(layer, row, column, channel)]);
    cell.className = gathers(row, column) ? 'tap' : !picked && row === lastRow && column === lastColumn ? 'lit' : '';
  });
  eachCell('kernel', (cell, row, column) => {
    cell.textContent = numberText(data.kernel[kernelAt(layer, row, column, state.filter, channel)]);
    cell.className = picked && picked.some(tap => tap.r === row && tap.c === column) ? 'tap' : '';
  });
  eachCell('canvas', (cell, row, column) => {
    cell.textContent = numberText(sums[row][column]);
    const mark = picked ? (row === state.picked[0] && column === state.picked[1] ? 'tap' : '') :
        lies(row, column) ? 'lit' : '';
    cell.className = `${isCropped(row, column) ? 'cropped' : ''} ${mark}`;
  });
  eachCell('output', (cell, row, column) => {
    const y = row + place.rows.begin, x = column + place.columns.begin;
    const value = finish(layer, place, data, sums, state.filter, row, column);
    cell.textContent = numberText(value);
    cell.dataset.value = value;
    const mark = picked ? (y === state.picked[0] && x === state.picked[1] ? 'tap' : '') : lies(y, x) ? 'lit' : '';
    cell.className = `${y >= place.rows.natural || x >= place.columns.natural ? 'appended' : ''} ${mark}`;
  });
  element('step').value = state.step;
  element('step-text').textContent = `${state.step} of ${element('step').max}`;
}

function fill(id, count, chosen) {
  element(id).replaceChildren(...Array.from({length: count}, (_, i) => new Option(i, i)));
  element(id).value = chosen;
}

// After a parameter changed: new sizes, new tables, all stamps laid.
function update() {
  showControls();
  const {layer} = state;
  const place = placeLayer(layer);
  element('error').textContent = place.error || '';
  if (place.error) return;
  if (state.data.input.length !== layer.input[0] * layer.input[1] * layer.channels) makeValues();
  state.place = place;
  state.picked = null;
  state.filter = Math.min(state.filter, layer.filters - 1);
  state.channel = Math.min(state.channel, layer.channels / layer.groups - 1);
  element('rule').textContent = `size    (input - 1) * stride + kernel span - begin - end = output\n` +
      `${axisRule('height', 0, place.rows)}\n${axisRule('width ', 1, place.columns)}`;
  makeTable('input', ...layer.input);
  makeTable('kernel', ...layer.kernel);
  makeTable('canvas', place.rows.natural, place.columns.natural);
  makeTable('output', place.rows.output, place.columns.output);
  fill('channel', layer.channels / layer.groups, state.channel);
  fill('filter', layer.filters, state.filter);
  element('step').max = layer.input[0] * layer.input[1];
  state.step = Number(element('step').max);
  paint();
}

// ---- steps

function goTo(step) {
  state.picked = null;
  state.step = Math.max(0, Math.min(step, Number(element('step').max)));
  paint();
}

function pause() {
  clearInterval(state.timer);
  state.timer = null;
  element('play').textContent = 'Play';
}

function play() {
  if (state.timer) return pause();
  if (state.step >= Number(element('step').max)) goTo(0);
  element('play').textContent = 'Pause';
  state.timer = setInterval(() => {
    goTo(state.step + 1);
    if (state.step >= Number(element('step').max)) pause();
  }, 700);
}

function start() {
  const given = JSON.parse(element('case').textContent);
  Object.assign(state, {layer: given, data: given.data, filter: 0, channel: 0});
  if (given.images > 1) element('note').textContent = `The first of ${given.images} images.`;
  makeControls();
  listen('input', (row, column) => goTo(row * state.layer.input[1] + column + 1), describe.input);
  listen('kernel', () => {}, describe.kernel);
  listen('canvas', (row, column) => { state.picked = [row, column]; paint(); }, describe.canvas);
  listen('output', (row, column) => {
    state.picked = [row + state.place.rows.begin, column + state.place.columns.begin];
    paint();
  }, describe.output);
  element('play').addEventListener('click', play);
  element('back').addEventListener('click', () => { pause(); goTo(state.step - 1); });
  element('forward').addEventListener('click', () => { pause(); goTo(state.step + 1); });
  element('step').addEventListener('input', event => { pause(); goTo(Number(event.target.value)); });
  for (const id of ['channel', 'filter']) {
    element(id).addEventListener('change', event => {
      state[id] = Number(event.target.value);
      paint();
    });
  }
  update();
}

start();
