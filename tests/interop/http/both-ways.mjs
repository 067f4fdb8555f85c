// What npm yjs makes reaches the server whole, and what the server answers is the same document in npm yjs.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import * as Y from 'yjs'
import { Editor, b64, push, read } from './editor.mjs'

const same = (one, two, root, kind) => {
  const json = (editor) => kind === 'text' ? editor.doc.getText(root).toDelta() : editor.doc.get(root, kind).toJSON()
  assert.deepEqual(json(one), json(two))
}

async function textWithEmojiAndFormats () {
  const ada = new Editor(randomUUID())
  const text = ada.doc.getText('content')
  text.insert(0, 'Hello 👩‍🚀 wörld 😀!')
  text.format(0, 5, { bold: true })
  text.insertEmbed(5, { image: 'x.png' })
  assert.equal((await ada.create('Emoji')).status, 'success')
  const bob = new Editor(ada.id)
  await bob.pull()
  same(ada, bob, 'content', 'text')
  // Both edit offline, one inside a run that the other formats, one right behind an emoji.
  text.insert(text.length, ' from Ada 🚢')
  text.format(8, 4, { italic: true })
  const other = bob.doc.getText('content')
  other.insert(0, '😀 Bob: ')
  other.delete(10, 3)
  assert.equal((await ada.sync()).status, 'success')
  const merged = await bob.sync()
  assert.equal(merged.merged, true)
  await ada.pull()
  same(ada, bob, 'content', 'text')
  assert.equal(merged.server.content, other.toString())
  assert.equal((await read(ada.id)).content, other.toString())
  assert.equal((await bob.sync({ yjs_updates_b64: [b64(Y.encodeStateAsUpdate(bob.doc))] })).unchanged, true)
}

async function mapsArraysAndXml () {
  const ada = new Editor(randomUUID())
  ada.doc.getMap('meta').set('tags', ['a', 'b', { deep: [1, 2.5, null, true, 'ü', 1234567890123n] }])
  const list = new Y.Array()
  ada.doc.getMap('meta').set('list', list)
  list.push([1, 'two', new Y.Map([['three', 3]])])
  const fragment = ada.doc.getXmlFragment('content')
  const paragraph = (words) => {
    const element = new Y.XmlElement('paragraph')
    element.insert(0, [new Y.XmlText(words)])
    return element
  }
  fragment.insert(0, [paragraph('First 😀'), paragraph('Second')])
  assert.equal((await ada.create('Rich')).status, 'success')
  assert.equal((await read(ada.id)).content, 'First 😀\nSecond')
  const bob = new Editor(ada.id)
  await bob.pull()
  assert.deepEqual(bob.doc.getMap('meta').toJSON(), ada.doc.getMap('meta').toJSON())
  bob.doc.getXmlFragment('content').insert(1, [paragraph('Between')])
  bob.doc.getMap('meta').get('list').push(['bob'])
  fragment.insert(2, [paragraph('Last')])
  ada.doc.getMap('meta').get('list').delete(0, 1)
  await ada.sync()
  await bob.sync()
  await ada.pull()
  assert.equal(ada.doc.getXmlFragment('content').toString(), bob.doc.getXmlFragment('content').toString())
  assert.deepEqual(ada.doc.getMap('meta').toJSON(), bob.doc.getMap('meta').toJSON())
  assert.equal((await read(ada.id)).content, 'First 😀\nBetween\nSecond\nLast')
}

async function deletionsAlone () {
  const ada = new Editor(randomUUID())
  ada.doc.getText('content').insert(0, 'abcdef')
  await ada.create('Deletions')
  const bob = new Editor(ada.id)
  await bob.pull()
  bob.doc.getText('content').delete(1, 2)
  const told = await bob.sync()
  assert.equal(told.version, 2)
  assert.equal((await read(ada.id)).content, 'adef')
  assert.equal((await bob.sync({ yjs_updates_b64: [b64(Y.encodeStateAsUpdate(bob.doc))] })).unchanged, true)
  await ada.pull()
  same(ada, bob, 'content', 'text')
}

async function unrelatedHistories () {
  const ada = new Editor(randomUUID())
  ada.doc.getText('content').insert(0, 'seeded twice')
  await ada.create('Twice')
  const bob = new Editor(ada.id)
  bob.doc.getText('content').insert(0, 'seeded twice')
  const told = await bob.sync()
  assert.equal(told.error.code, 'divergent_history')
  assert.equal(told.server.content, 'seeded twice')
  assert.equal((await read(ada.id)).content, 'seeded twice')
}

async function missingDependencies () {
  const ada = new Editor(randomUUID())
  ada.doc.getText('content').insert(0, 'one')
  await ada.create('Gap')
  ada.doc.getText('content').insert(3, ' two')
  const kept = ada.outbox.pop()
  ada.doc.getText('content').insert(7, ' three')
  const refused = await ada.sync()
  assert.equal(refused.error.code, 'yjs_missing_dependencies')
  assert.equal(refused.error.retryable, true)
  const known = Buffer.from(refused.server.state_vector_b64, 'base64')
  ada.outbox = [Y.encodeStateAsUpdate(ada.doc, known)]
  assert.equal((await ada.sync()).status, 'success', 'a larger update from the state vector settles it')
  assert.ok(kept.length > 0)
  assert.equal((await read(ada.id)).content, 'one two three')
}

async function manyEditorsAtOnce () {
  const first = new Editor(randomUUID())
  first.doc.getText('content').insert(0, '|')
  await first.create('Crowd')
  const crowd = await Promise.all([...'abcdefgh'].map(async (name) => {
    const editor = new Editor(first.id)
    await editor.pull()
    for (let n = 0; n < 20; n++) {
      const text = editor.doc.getText('content')
      text.insert(Math.floor((n * 7919) % (text.length + 1)), `${name}${n} `)
      assert.equal((await editor.sync()).status, 'success')
    }
    return editor
  }))
  await Promise.all(crowd.map((editor) => editor.pull()))
  for (const editor of crowd) same(crowd[0], editor, 'content', 'text')
  const { content } = await read(first.id)
  assert.equal(content, crowd[0].doc.getText('content').toString())
  const typed = [...'abcdefgh'].flatMap((name) => Array.from({ length: 20 }, (_, n) => `${name}${n} `.length))
  assert.equal(content.length, typed.reduce((sum, length) => sum + length, 1), 'nothing is lost, nothing is there twice')
}

async function diffsCostLittle () {
  const ada = new Editor(randomUUID())
  ada.doc.getText('content').insert(0, 'word '.repeat(20_000))
  await ada.create('Large')
  const bob = new Editor(ada.id)
  await bob.pull()
  ada.doc.getText('content').insert(50_000, 'Ada')
  await ada.sync()
  bob.doc.getText('content').insert(10, 'Bob')
  const [told] = await push([{
    operation: 'update', client_id: 'small', document_id: ada.id,
    data: { yjs_updates_b64: bob.outbox.map(b64), state_vector_b64: b64(Y.encodeStateVector(bob.doc)) }
  }])
  assert.ok(told.server.yjs_state_b64.length < 200, `a diff of ${told.server.yjs_state_b64.length} characters`)
  bob.take(told.server)
  await ada.pull()
  same(ada, bob, 'content', 'text')
}

for (const check of [
  textWithEmojiAndFormats, mapsArraysAndXml, deletionsAlone, unrelatedHistories, missingDependencies,
  manyEditorsAtOnce, diffsCostLittle
]) {
  await check()
  console.log('ok', check.name)
}
