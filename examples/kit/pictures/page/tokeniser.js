// Texts to tokens and back, as in examples/kit/tokens/, from what to_text() writes there:
//
//     const tokeniser = readTokeniser(description, names);
//     tokeniser.encode('Once')  ->  {ids: [403, 407], unknown: []}
//     tokeniser.bytes(403)      ->  the bytes that this token adds to a text
const utf8 = new TextEncoder();

function readTokeniser(description, names) {
  const scheme = description.type === 'characters' ? characters
    : description.type === 'llama2.c' ? scoredPieces : mergedBytes;
  const {encode, pieces, blankFirst} = scheme(description);
  const bytes = id => pieces[id] || new Uint8Array();
  const decode = ids => {
    const text = new TextDecoder().decode(new Uint8Array(ids.flatMap(id => [...bytes(id)])));
    return blankFirst ? text.replace(/^ /, '') : text;
  };
  return {encode, bytes, decode, name: id => names[id]};
}

function characters({symbols}) {
  const list = [...symbols], ids = new Map(list.map((symbol, id) => [symbol, id]));
  const encode = text => {
    const all = [...text], known = all.filter(symbol => ids.has(symbol));
    return {ids: known.map(symbol => ids.get(symbol)), unknown: [...new Set(all.filter(s => !ids.has(s)))]};
  };
  return {encode, pieces: list.map(symbol => utf8.encode(symbol))};
}

// Merges neighbours as long as `rank(left, right)` gives a finite rank, the lowest first, of equal ones the first.
function merge(symbols, rank, join) {
  for (;;) {
    let best = Infinity, at = -1;
    for (let i = 0; i + 1 < symbols.length; ++i) {
      const found = rank(symbols[i], symbols[i + 1]);
      if (found < best) best = found, at = i;
    }
    if (at < 0) return symbols;
    symbols.splice(at, 2, join(symbols[at], symbols[at + 1]));
  }
}

// llama2.c: a blank is put before the text, characters merge to the piece of the highest score, and characters
// without a piece become the tokens of their bytes.
function scoredPieces({pieces, scores}) {
  const byteOf = name => /^<0x[0-9A-F]{2}>$/.test(name) ? parseInt(name.slice(3, 5), 16) : -1;
  const ids = new Map(), ofByte = new Map();
  pieces.forEach((name, id) => {
    if (id < 3) return;  // <unk>, BOS, EOS
    if (byteOf(name) >= 0) ofByte.set(byteOf(name), ofByte.get(byteOf(name)) ?? id);
    else if (!ids.has(name)) ids.set(name, id);
  });
  const joined = (a, b) => ofByte.get(byteOf(pieces[a])) === a || ofByte.get(byteOf(pieces[b])) === b
    ? undefined : ids.get(pieces[a] + pieces[b]);
  const rank = (a, b) => joined(a, b) === undefined ? Infinity : -scores[joined(a, b)];
  const encode = text => {
    if (text === '') return {ids: [], unknown: []};
    const symbols = [...' ' + text].flatMap(character => ids.has(character)
      ? [ids.get(character)] : [...utf8.encode(character)].map(byte => ofByte.get(byte)));
    return {ids: merge(symbols, rank, joined), unknown: []};
  };
  return {encode, blankFirst: true, pieces: pieces.map((name, id) => id < 3 ? new Uint8Array()
    : byteOf(name) >= 0 ? Uint8Array.of(byteOf(name)) : utf8.encode(name))};
}

// A tokenizer.json of GPT-2's kind: pieces of a text, their bytes spelt with letters, merged in the list's order.
const gpt2Piece =
  /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

function mergedBytes({model, added_tokens: added = []}) {
  const letters = [], byteOf = new Map();
  for (let byte = 0, next = 0x100; byte < 256; ++byte) {
    const prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.push(String.fromCodePoint(prints ? byte : next++));
    byteOf.set(letters[byte], byte);
  }
  const ranks = new Map(model.merges.map((pair, rank) => [Array.isArray(pair) ? pair.join(' ') : pair, rank]));
  const special = new Set(added.filter(token => token.special).map(token => token.id));
  const pieces = [];
  for (const [spelt, id] of Object.entries(model.vocab))
    pieces[id] = special.has(id) ? new Uint8Array() : Uint8Array.from(spelt, letter => byteOf.get(letter));
  const known = new Map();
  const encodePiece = piece => {
    if (!known.has(piece)) {
      const spelt = [...utf8.encode(piece)].map(byte => letters[byte]);
      const rank = (a, b) => ranks.get(a + ' ' + b) ?? Infinity;
      known.set(piece, merge(spelt, rank, (a, b) => a + b).map(symbol => model.vocab[symbol]));
    }
    return known.get(piece);
  };
  return {encode: text => ({ids: (text.match(gpt2Piece) || []).flatMap(encodePiece), unknown: []}), pieces};
}
