// Replays an editing history with yjs: one of the project's own (tests/histories) or a recorded one.
//
// usage: node make-traces.mjs <trace.json or trace.json.gz>
// Writes JSON to standard output: `text` (the end of the history), `updates` (base64, one for each edit),
// `merged` (all of them by Y.mergeUpdates, every edit a struct of its own) and `state` (a document's whole state).

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'

const ROOT = 'content'

// Positions in recorded histories count code points, those of yjs and of our own histories UTF-16 units.
const utf16Offset = (text, codePoints) => {
  if (!/[\ud800-\udbff]/.test(text)) return codePoints
  return Array.from(text).slice(0, codePoints).join('').length
}

const record = (doc, updates) => doc.on('update', update => updates.push(update))

const apply = (doc, astral, [position, deleted, inserted]) => {
  const text = doc.getText(ROOT)
  let from = position
  let length = deleted
  if (astral) {
    const before = text.toString()
    from = utf16Offset(before, position)
    length = utf16Offset(before.slice(from), deleted)
  }
  doc.transact(() => {
    if (length > 0) text.delete(from, length)
    if (inserted.length > 0) text.insert(from, inserted)
  })
}

const replaySequential = (trace, astral) => {
  const doc = new Y.Doc()
  doc.clientID = 1
  const updates = []
  record(doc, updates)
  for (const { patches } of trace.txns) for (const patch of patches) apply(doc, astral, patch)
  return { doc, updates }
}

// Each author writes in a document of their own, into which their transactions' parents are merged first.
const replayConcurrent = (trace, astral) => {
  const updates = []
  const written = []
  const authors = new Map()
  const author = agent => {
    if (!authors.has(agent)) {
      const doc = new Y.Doc()
      doc.clientID = agent + 1
      const own = []
      record(doc, own)
      authors.set(agent, { doc, own, known: new Set() })
    }
    return authors.get(agent)
  }
  trace.txns.forEach(({ parents, agent, patches }, index) => {
    const { doc, own, known } = author(agent)
    const missing = []
    const open = [...parents]
    while (open.length > 0) {
      const ancestor = open.pop()
      if (known.has(ancestor)) continue
      known.add(ancestor)
      missing.push(ancestor)
      open.push(...trace.txns[ancestor].parents)
    }
    for (const ancestor of missing.sort((a, b) => a - b)) for (const update of written[ancestor]) Y.applyUpdate(doc, update)
    own.length = 0
    for (const patch of patches) apply(doc, astral, patch)
    written[index] = own.slice()
    known.add(index)
    updates.push(...written[index])
  })
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return { doc, updates }
}

// Y.mergeUpdates looks at every input for each struct: merge in groups.
const mergeAll = updates => {
  let level = updates
  while (level.length > 1) {
    const next = []
    for (let at = 0; at < level.length; at += 128) next.push(Y.mergeUpdates(level.slice(at, at + 128)))
    level = next
  }
  return level[0]
}

const base64 = bytes => Buffer.from(bytes).toString('base64')

const file = readFileSync(process.argv[2])
const trace = JSON.parse((process.argv[2].endsWith('.gz') ? gunzipSync(file) : file).toString())
const astral = trace.unit !== 'utf16' && /[\ud800-\udbff]/.test(JSON.stringify(trace))
const { doc, updates } = trace.kind === 'concurrent' ? replayConcurrent(trace, astral) : replaySequential(trace, astral)
const text = doc.getText(ROOT).toString()
if (text !== trace.endContent) throw new Error('the replayed text is not that of the history')
process.stdout.write(JSON.stringify({
  text,
  updates: updates.map(base64),
  merged: base64(mergeAll(updates)),
  state: base64(Y.encodeStateAsUpdate(doc))
}))
