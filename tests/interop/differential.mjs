// What npm yjs makes of lists of updates, for as long as somebody asks.
//
// Reads lines of JSON from standard input: `{ documents: [[update, …], …], details }` (base64). Writes for each line a
// line: a list with `{ text, contents }` for each document, or `{ error }`. `contents` is a digest of all that two equal
// documents have in common, or with `details` all of that.

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import * as Y from 'yjs'

const isText = content => content.constructor.name === 'ContentString'
const isType = content => content.constructor.name === 'ContentType'

/** The live items of a type's sequence. */
const live = function * (type) {
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) yield item
}

const textOf = type => {
  let text = ''
  for (const item of live(type)) if (isText(item.content)) text += item.content.str
  return text
}

const childrenOf = type => {
  const children = []
  for (const item of live(type)) {
    if (isType(item.content) && ['YXmlElement', 'YXmlText'].includes(item.content.type.constructor.name)) children.push(item.content.type)
  }
  return children
}

/** The text as the server shows it: see `derive_text`. */
const shownText = doc => {
  const roots = [...doc.share].filter(([, type]) => type._start !== null || type._map.size > 0).map(([name]) => name)
  const name = roots.includes('content') ? 'content' : roots.length === 1 ? roots[0] : null
  if (name === null) return ''
  const root = doc.share.get(name)
  const plain = textOf(root)
  if (plain !== '') return plain
  let text = ''
  let any = false
  const append = piece => { any = true; text += piece }
  const walk = (type, isLine) => {
    for (const child of childrenOf(type)) {
      if (child.constructor.name === 'YXmlText') {
        append(textOf(child))
        continue
      }
      const children = childrenOf(child)
      const holdsText = children.some(inner => inner.constructor.name === 'YXmlText')
      if (isLine) {
        if (['hardBreak', 'hard_break'].includes(child.nodeName)) append('\n')
      } else if (holdsText || children.length === 0) {
        if (any) text += '\n'
        any = true
      }
      walk(child, isLine || holdsText)
    }
  }
  walk(root, false)
  return text
}

/** What JSON cannot write; and half of a surrogate pair, which yjs spoils when it lets an update wait for others. */
const plain = (_key, value) => {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return value.toWellFormed()
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/** Everything that is visible, whatever kinds its readers take the roots to be. Formats stand by their effect. */
const contentsOf = doc => {
  const seen = type => {
    const sequence = []
    const formats = new Map()
    let last = null
    for (const { content, length } of live(type)) {
      const kind = content.constructor.name
      if (kind === 'ContentFormat') {
        if (content.value === null) formats.delete(content.key)
        else formats.set(content.key, content.value)
        continue
      }
      const attributes = JSON.stringify([...formats].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0), plain)
      if (isText(content)) {
        if (last !== null && last[0] === attributes) last[1] += content.str
        else sequence.push(last = [attributes, content.str])
        continue
      }
      last = null
      sequence.push([attributes, valueOf(content), length])
    }
    const keys = [...type._map].filter(([, item]) => !item.deleted).map(([key, item]) => {
      const values = item.content.getContent()
      return [key, isType(item.content) ? seen(item.content.type) : valueOf(item.content), values.length]
    })
    return { sequence, keys: keys.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0) }
  }
  const valueOf = content => {
    switch (content.constructor.name) {
      case 'ContentType': return { type: content.type.constructor.name, tag: content.type.nodeName, ...seen(content.type) }
      case 'ContentDoc': return { subdocument: content.doc.guid }
      case 'ContentEmbed': return { embed: content.embed }
      case 'ContentBinary': return { bytes: Buffer.from(content.content).toString('hex') }
      default: return { kind: content.constructor.name, values: content.getContent() }
    }
  }
  const roots = [...doc.share].map(([name, type]) => [name, seen(type)]).filter(([, { sequence, keys }]) => sequence.length + keys.length > 0)
  roots.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
  return JSON.stringify({
    roots,
    known: [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b),
    pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  }, plain)
}

const read = (updates, details) => {
  // A document that keeps what is deleted in sight of nobody, as an editor does.
  const doc = new Y.Doc()
  try {
    for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
    const contents = contentsOf(doc)
    return { text: shownText(doc), contents: details ? contents : createHash('sha1').update(contents).digest('hex') }
  } catch (error) {
    return { error: String(error?.stack ?? error) }
  }
}

console.error = console.log = () => {}
for await (const line of createInterface({ input: process.stdin })) {
  const { documents, details } = JSON.parse(line)
  process.stdout.write(JSON.stringify(documents.map(updates => read(updates, details))) + '\n')
}
