// What a document holds, in a form that can be compared: every root by its kind, what is known and what is deleted.

import * as Y from 'yjs'

const plain = value => JSON.parse(JSON.stringify(value ?? null, (_key, inner) => {
  if (typeof inner === 'bigint') return { bigint: inner.toString() }
  if (inner instanceof Uint8Array) return { bytes: Buffer.from(inner).toString('hex') }
  if (inner instanceof Y.Doc) return { subdocument: inner.guid, meta: inner.meta ?? null }
  return inner
}))

const sorted = value => {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]))
}

const readers = {
  text: (doc, name) => doc.getText(name).toDelta(),
  array: (doc, name) => doc.getArray(name).toJSON(),
  map: (doc, name) => doc.getMap(name).toJSON(),
  xml: (doc, name) => doc.getXmlFragment(name).toString()
}

/** A document made of updates, applied in order. */
export const documentOf = updates => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

/** Everything that two equal documents have in common. `roots` names each root's kind. */
export const contentsOf = (doc, roots) => {
  const { ds, sv } = Y.snapshot(doc)
  const deletions = [...ds.clients].map(([client, ranges]) => [client, ranges.map(range => [range.clock, range.len])])
  return JSON.stringify(sorted({
    roots: Object.fromEntries(Object.entries(roots).map(([name, kind]) => [name, plain(readers[kind](doc, name))])),
    known: Object.fromEntries(sv),
    deleted: Object.fromEntries(deletions),
    pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  }))
}
