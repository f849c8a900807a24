'use strict';

// The arithmetic of a transposed convolution once more, in plain loops. A test holds it equal to the library's.

// One axis: where its output lies within the sum of all tiles. `op` is output_padding, null where none is given.
function placeAxis(input, kernel, stride, dilation, padding, begin, end, op) {
  const span = (kernel - 1) * dilation + 1;
  const natural = (input - 1) * stride + span;
  if (op !== null && (op < 0 || op >= Math.max(stride, dilation))) {
    return {error: `output_padding ${op} must stay below the larger of stride ${stride} and dilation rate ${dilation}`};
  }
  if (padding === 'same' && op !== null) {
    const total = span + span % 2 - 2 + op;
    const left = Math.min(Math.ceil(total / 2), span - 1);
    begin = span - 1 - left;
    end = span - 1 - (total - left);
  } else if (padding === 'same') {
    begin = Math.floor(Math.max(span - stride, 0) / 2);
    end = span - stride - begin;
  } else if (padding === 'valid') {
    begin = 0;
    end = op !== null ? -op : span - Math.max(span, stride);
  } else {
    end -= op === null ? 0 : op;
  }
  const output = natural - begin - end;
  if (output < 1) return {error: `the output would be ${output}: crop at most ${natural - 1} pixels in all`};
  return {span, natural, begin, end, output};
}

// Both axes of a layer: {rows, columns}, or {error}.
function placeLayer(layer) {
  const [top, left, bottom, right] = layer.sides;
  const axis = (i, begin, end) => placeAxis(layer.input[i], layer.kernel[i], layer.strides[i], layer.dilation[i],
      layer.padding, begin, end, layer.outputPadding === null ? null : layer.outputPadding[i]);
  const rows = axis(0, top, bottom);
  const columns = axis(1, left, right);
  if (layer.channels % layer.groups !== 0 || layer.filters % layer.groups !== 0) {
    return {error: `groups ${layer.groups} must divide ${layer.channels} channels and ${layer.filters} filters`};
  }
  return rows.error || columns.error ? {error: rows.error || columns.error} : {rows, columns};
}

function activate(value, activation, slope) {
  const sigmoid = x => 1 / (1 + Math.exp(-x));
  switch (activation) {
    case 'relu': return Math.max(value, 0);
    case 'leaky_relu': return value > 0 ? value : slope * value;
    case 'elu': return value > 0 ? value : slope * Math.expm1(value);
    case 'selu': return 1.0507009873554805 * (value > 0 ? value : 1.6732632423543772 * Math.expm1(value));
    case 'silu': return value * sigmoid(value);
    case 'sigmoid': return sigmoid(value);
    case 'tanh': return Math.tanh(value);
    case 'softplus': return Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
    case 'hard_swish': return value * Math.min(Math.max(value + 3, 0), 6) / 6;
    case 'gelu': return value * normalProbability(value);
    default: return value;
  }
}

// The normal distribution function: its series near zero, a continued fraction in the tails.
function normalProbability(x) {
  const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  const size = Math.abs(x);
  if (size < 4) {
    let term = x, sum = x;
    for (let n = 3; Math.abs(term) > 1e-18; n += 2) sum += term *= x * x / n;
    return 0.5 + density * sum;
  }
  let fraction = size;
  for (let n = 60; n >= 1; --n) fraction = size + n / fraction;
  return x > 0 ? 1 - density / fraction : density / fraction;
}

// What one output pixel (before the crop, at `row`, `column`) gathers: every tap that an input pixel lies under.
function gather(layer, row, column) {
  const taps = [];
  for (let r = 0; r < layer.kernel[0]; ++r) {
    for (let c = 0; c < layer.kernel[1]; ++c) {
      const y = row - r * layer.dilation[0], x = column - c * layer.dilation[1];
      if (y < 0 || x < 0 || y % layer.strides[0] !== 0 || x % layer.strides[1] !== 0) continue;
      const inputRow = y / layer.strides[0], inputColumn = x / layer.strides[1];
      if (inputRow < layer.input[0] && inputColumn < layer.input[1]) taps.push({inputRow, inputColumn, r, c});
    }
  }
  return taps;
}

// Places in the flat arrays: input [H, W, C], kernel [kh, kw, filters / groups, C].
function inputAt(layer, row, column, channel) {
  return (row * layer.input[1] + column) * layer.channels + channel;
}
function kernelAt(layer, r, c, filter, channel) {
  const groupFilters = layer.filters / layer.groups;
  return ((r * layer.kernel[1] + c) * groupFilters + filter % groupFilters) * layer.channels + channel;
}
// The input channels that a filter reads: [first, after the last].
function channelsOf(layer, filter) {
  const each = layer.channels / layer.groups;
  const first = Math.floor(filter / (layer.filters / layer.groups)) * each;
  return [first, first + each];
}

// The sums of one filter before the crop, [natural rows][natural columns], after the first `stamps` input pixels.
function stamp(layer, place, data, filter, stamps) {
  const sums = Array.from({length: place.rows.natural}, () => new Array(place.columns.natural).fill(0));
  const [first, last] = channelsOf(layer, filter);
  for (let pixel = 0; pixel < stamps; ++pixel) {
    const row = Math.floor(pixel / layer.input[1]), column = pixel % layer.input[1];
    for (let r = 0; r < layer.kernel[0]; ++r) {
      for (let c = 0; c < layer.kernel[1]; ++c) {
        for (let channel = first; channel < last; ++channel) {
          sums[row * layer.strides[0] + r * layer.dilation[0]][column * layer.strides[1] + c * layer.dilation[1]] +=
              data.input[inputAt(layer, row, column, channel)] * data.kernel[kernelAt(layer, r, c, filter, channel)];
        }
      }
    }
  }
  return sums;
}

// One output pixel from the sums of its filter: zero where appended, then bias and activation.
function finish(layer, place, data, sums, filter, row, column) {
  const y = row + place.rows.begin, x = column + place.columns.begin;
  const sum = y < place.rows.natural && x < place.columns.natural ? sums[y][x] : 0;
  return activate(sum + (data.bias ? data.bias[filter] : 0), layer.activation, layer.slope);
}

// The whole output, flat as [rows, columns, filters].
function outputOf(layer, data) {
  const place = placeLayer(layer);
  const pixels = layer.input[0] * layer.input[1];
  const sums = Array.from({length: layer.filters}, (_, filter) => stamp(layer, place, data, filter, pixels));
  const output = [];
  for (let row = 0; row < place.rows.output; ++row) {
    for (let column = 0; column < place.columns.output; ++column) {
      for (let filter = 0; filter < layer.filters; ++filter) {
        output.push(finish(layer, place, data, sums[filter], filter, row, column));
      }
    }
  }
  return output;
}

// The program's --values ones and ramp: 1, 2, 3, ... row by row through each channel, and through each plane of a kernel.
function madeValues(layer) {
  const [height, width] = layer.input, [kernelHeight, kernelWidth] = layer.kernel;
  const groupFilters = layer.filters / layer.groups;
  const input = new Array(height * width * layer.channels).fill(1);
  const kernel = new Array(kernelHeight * kernelWidth * groupFilters * layer.channels).fill(1);
  if (layer.values !== 'ones') {
    for (let i = 0; i < input.length; ++i) {
      input[i] = 1 + i % layer.channels * height * width + Math.floor(i / layer.channels);
    }
    for (let i = 0; i < kernel.length; ++i) {
      const channel = i % layer.channels, filter = Math.floor(i / layer.channels) % groupFilters;
      const tap = Math.floor(i / layer.channels / groupFilters);
      kernel[i] = 1 + (filter * layer.channels + channel) * kernelHeight * kernelWidth + tap;
    }
  }
  return {input, kernel};
}
