// Makes documents by chance: three editors write, delete, format and undo, and exchange their changes now and then.
//
// usage: node make-random-documents.mjs <seed> <count>
// Writes JSON of the form that make-documents.mjs writes.

import * as Y from 'yjs'

const base64 = bytes => Buffer.from(bytes).toString('base64')

// mulberry32: small, and the same everywhere.
const generator = seed => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
}

const alphabet = ['a', 'b', ' ', '\n', 'é', '世', '😀', '👩‍👧', 'word', 'a longer piece of text']

const make = (seed, number) => {
  const random = generator(seed * 1_000_003 + number)
  const below = limit => Math.floor(random() * limit)
  const updates = []
  const editors = [1, 2, 3].map(id => {
    const doc = new Y.Doc({ gc: random() < 0.7 })
    doc.clientID = id * 1000 + number
    doc.on('update', (update, origin) => { if (origin !== 'remote') updates.push(update) })
    return { doc, undo: new Y.UndoManager(doc.getText('content'), { captureTimeout: 0 }) }
  })
  const actions = [
    (text) => text.insert(below(text.length + 1), alphabet[below(alphabet.length)]),
    (text) => text.insert(Math.min(text.length, 3), alphabet[below(alphabet.length)]),
    (text) => text.insert(text.length, alphabet[below(alphabet.length)]),
    (text) => { if (text.length > 0) { const at = below(text.length); text.delete(at, 1 + below(Math.min(6, text.length - at))) } },
    (text) => { if (text.length > 0) { const at = below(text.length); text.format(at, 1 + below(text.length - at), { bold: random() < 0.5 ? true : null }) } },
    (text) => text.insertEmbed(below(text.length + 1), { n: below(9) }),
    (_text, { doc }) => doc.getMap('meta').set('key' + below(3), random() < 0.5 ? below(100) : new Y.Text('inner')),
    (_text, { doc }) => doc.getMap('meta').delete('key' + below(3)),
    (_text, { undo }) => { if (random() < 0.5) undo.undo(); else undo.redo() }
  ]
  const exchange = (from, to) => Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc, Y.encodeStateVector(to.doc)), 'remote')
  const steps = 5 + below(80)
  for (let step = 0; step < steps; step++) {
    const editor = editors[below(3)]
    actions[below(actions.length)](editor.doc.getText('content'), editor)
    if (random() < 0.2) exchange(editors[below(3)], editors[below(3)])
  }
  const all = new Y.Doc()
  for (const update of updates) Y.applyUpdate(all, update)
  return {
    name: `random document ${number} of seed ${seed}`,
    roots: { content: 'text', meta: 'map' },
    text: all.getText('content').toString(),
    updates: updates.map(base64)
  }
}

const [seed, count] = process.argv.slice(2).map(Number)
process.stdout.write(JSON.stringify(Array.from({ length: count }, (_, number) => make(seed, number))))
