// The model that a page holds: `stored` is the JSON that model_page.cpp writes.

// {shape, data: f32, little-endian} or {shape, scales, data: i8}: element (i, j) is scales[i] · data[i, j].
function readTensor({shape, scales, data}) {
  if (!scales) return floatsOf(data);
  const rows = floatsOf(scales), columns = shape[1], bytes = new Int8Array(bytesOf(data).buffer);
  const values = new Float32Array(bytes.length);
  for (let i = 0, at = 0; i < rows.length; ++i)
    for (let j = 0; j < columns; ++j, ++at) values[at] = rows[i] * bytes[at];
  return values;
}

function readModel({sizes, tensors}) {
  const weight = {};
  for (const [name, tensor] of Object.entries(tensors)) weight[name] = readTensor(tensor);
  return {...sizes, weight};
}
