// Makes documents by chance: three editors write, delete, format and undo, and exchange their changes now and then.
// Every third one is a tree of XML, as ProseMirror makes it, and nothing else.
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

/** The lines of a tree: every element that holds text, and every empty one, is one. */
const linesOf = (parent, lines) => {
  for (const child of parent.toArray()) {
    const children = child.toArray()
    if (children.length === 0) lines.push('')
    else if (children[0] instanceof Y.XmlText) lines.push(children.map(text => text.toDelta().map(({ insert }) => insert).join('')).join(''))
    else linesOf(child, lines)
  }
  return lines
}

const treeActions = (random, below) => {
  const blocks = (parent, found = []) => {
    for (const child of parent.toArray()) {
      if (child instanceof Y.XmlElement) {
        found.push(child)
        blocks(child, found)
      }
    }
    return found
  }
  const pick = list => list[below(list.length)]
  const isLine = block => block.nodeName === 'paragraph'
  const insertInto = parent => {
    const made = new Y.XmlElement(random() < 0.6 ? 'paragraph' : 'list')
    parent.insert(below(parent.length + 1), [made])
    if (isLine(made) && random() < 0.8) made.insert(0, [new Y.XmlText(pick(alphabet))])
  }
  return [
    root => insertInto(root),
    root => insertInto(pick([root, ...blocks(root).filter(block => !isLine(block))])),
    root => { const parent = pick([root, ...blocks(root)]); if (parent.length > 0) parent.delete(below(parent.length), 1) },
    root => pick(blocks(root))?.setAttribute('level', String(below(4))),
    ...Array(4).fill(root => {
      const text = pick(blocks(root).filter(block => isLine(block) && block.length > 0))?.get(0)
      if (!text) return
      if (random() < 0.7 || text.length === 0) text.insert(below(text.length + 1), pick(alphabet), random() < 0.2 ? { bold: {} } : {})
      else text.delete(below(text.length), 1)
    })
  ]
}

const make = (seed, number) => {
  const isTree = number % 3 === 2
  const random = generator(seed * 1_000_003 + number)
  const below = limit => Math.floor(random() * limit)
  const updates = []
  const editors = [1, 2, 3].map(id => {
    const doc = new Y.Doc({ gc: random() < 0.7 })
    doc.clientID = id * 1000 + number
    doc.on('update', (update, origin) => { if (origin !== 'remote') updates.push(update) })
    return { doc, undo: isTree ? null : new Y.UndoManager(doc.getText('content'), { captureTimeout: 0 }) }
  })
  const actions = isTree ? treeActions(random, below) : [
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
    const root = isTree ? editor.doc.getXmlFragment('prosemirror') : editor.doc.getText('content')
    actions[below(actions.length)](root, editor)
    if (random() < 0.2) exchange(editors[below(3)], editors[below(3)])
  }
  const all = new Y.Doc()
  for (const update of updates) Y.applyUpdate(all, update)
  return {
    name: `random document ${number} of seed ${seed}`,
    roots: isTree ? { prosemirror: 'xml' } : { content: 'text', meta: 'map' },
    text: isTree ? linesOf(all.getXmlFragment('prosemirror'), []).join('\n') : all.getText('content').toString(),
    updates: updates.map(base64)
  }
}

const [seed, count] = process.argv.slice(2).map(Number)
process.stdout.write(JSON.stringify(Array.from({ length: count }, (_, number) => make(seed, number))))
