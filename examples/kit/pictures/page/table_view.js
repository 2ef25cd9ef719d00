// --- Table: all weights of one query, as text -------------------------------------------------

views.table = {
  title: 'Table',
  draw(root) {
    const {queries} = currentSet(), query = tableQuery(state.token);
    this.body = make('div', {class: 'scroll'});
    this.choice = choice('query', queries.map((token, i) => i + '  ' + shown(token)), query,
                         index => pin({side: 'q', index}));
    root.replaceChildren(make('div', {class: 'controls'}, this.choice), this.body);
  },
  select(token) {
    const query = tableQuery(token);
    this.choice.querySelector('select').value = query;
    this.body.replaceChildren(weightTable(query));
  },
};

// The selected query or, where the first sees nothing but itself, the last.
const tableQuery = token => token && token.side === 'q' ? token.index
  : currentSet().allowed ? currentSet().queries.length - 1 : 0;

function weightTable(i) {
  const {queries, keys} = currentSet(), m = keys.length;
  const number = (head, j) => {
    const {w, exact} = weightsOf(head);
    return (exact(i * m + j) ? '' : '≈ ') + w[i * m + j].toFixed(4);
  };
  const row = (token, j) => {
    const numbers = state.heads.map(head => masked(i, j) ? 'masked' : number(head, j));
    const mean = masked(i, j) ? 'masked' : meanWeight(i, j).toFixed(4);
    return make('tr', {}, make('th', {scope: 'row'}, j + '  ', tokenSpan(keys, j)),
      ...numbers.map(text => make('td', {}, text)),
      state.heads.length > 1 ? make('td', {}, mean) : '');
  };
  const caption =
    'What query ' + i + ", '" + spoken(queries[i]) + "', attends to in layer " + state.layer;
  return make('table', {class: 'list'},
    make('caption', {}, caption),
    make('thead', {}, make('tr', {}, make('th', {scope: 'col'}, 'key'),
      ...state.heads.map(head => make('th', {scope: 'col'}, 'head ' + head)),
      state.heads.length > 1 ? make('th', {scope: 'col'}, 'mean') : '')),
    make('tbody', {}, ...keys.map(row)));
}
