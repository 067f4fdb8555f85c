// Makes documents of every kind that editors make, with yjs.
//
// Writes JSON to standard output: for each document its `name`, its `updates` in order (base64), the kind of each of
// its `roots`, and the `text` that a server should show for it.

import * as Y from 'yjs'

const base64 = bytes => Buffer.from(bytes).toString('base64')

/** An editor: a document whose every change is recorded. */
const editor = (clientID, updates, options = {}) => {
  const doc = new Y.Doc(options)
  doc.clientID = clientID
  doc.on('update', (update, origin) => { if (origin !== 'remote') updates.push(update) })
  return doc
}

const exchange = (...docs) => {
  for (const from of docs) for (const to of docs) {
    if (from !== to) Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), 'remote')
  }
}

const element = (name, children = [], attributes = {}) => {
  const made = new Y.XmlElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.insert(0, children)
  return made
}
const words = (text, format) => {
  const made = new Y.XmlText()
  made.insert(0, text, format)
  return made
}

const documents = []
const document = (name, roots, make) => {
  const updates = []
  const text = make(updates)
  documents.push({ name, roots, text, updates: updates.map(base64) })
}

document('text with emoji', { content: 'text' }, updates => {
  const text = editor(11, updates).getText('content')
  for (const letter of 'Grüße, 世界! ') text.insert(text.length, letter)
  text.insert(3, '😀👩‍👩‍👧')
  text.delete(0, 1)
  text.insert(0, '🎉')
  text.delete(5, 4)
  return text.toString()
})

document('half an emoji', { content: 'text' }, updates => {
  const text = editor(12, updates).getText('content')
  text.insert(0, 'a😀b')
  text.delete(1, 1)
  return 'a\ufffdb'
})

document('an emoji split by an insertion', { content: 'text' }, updates => {
  const text = editor(13, updates).getText('content')
  text.insert(0, 'a😀b')
  text.insert(2, '-')
  return 'a\ufffd-\ufffdb'
})

document('rich text', { quill: 'text' }, updates => {
  const text = editor(14, updates).getText('quill')
  text.applyDelta([
    { insert: 'Title' }, { insert: '\n', attributes: { header: 1 } },
    { insert: 'bold', attributes: { bold: true } }, { insert: ' and ' },
    { insert: 'link', attributes: { link: { href: 'https://example.org/?q="[{"' } } },
    { insert: { image: 'x.png', lone: '\ud83d' } }, { insert: '\n' }
  ])
  text.format(0, 3, { italic: true })
  text.format(2, 6, { bold: null, color: '#fff' })
  text.delete(6, 2)
  text.insertEmbed(3, new Y.Map([['nested', 1]]))
  return 'Title\nld and link\n'
})

document('a map and a list', { settings: 'map', todo: 'array' }, updates => {
  const doc = editor(15, updates)
  const settings = doc.getMap('settings')
  settings.set('theme', 'dark')
  settings.set('theme', 'light')
  settings.set('size', 1.5)
  settings.set('bytes', new Uint8Array([1, 2, 255]))
  settings.set('count', 12345678901234567n)
  settings.delete('size')
  const todo = doc.getArray('todo')
  todo.insert(0, [1, 'two', null, { u: undefined }, true, false, 3.25, -7, 2 ** 40, [1, [2]], { a: { b: [] } }, { big: [9007199254740993n, -1n, 3n] }])
  todo.insert(3, ['in', 'between'])
  todo.delete(1, 2)
  todo.push([new Y.Map([['done', false]]), new Y.Text('inner')])
  return ''
})

document('only a list', { items: 'array' }, updates => {
  editor(16, updates).getArray('items').insert(0, ['a', 'b'])
  return ''
})

document('content beside others', { content: 'text', meta: 'map', notes: 'text' }, updates => {
  const doc = editor(17, updates)
  doc.getText('notes').insert(0, 'not this')
  doc.getMap('meta').set('title', 'nor this')
  doc.getText('content').insert(0, 'this')
  return 'this'
})

document('two roots, none of them content', { one: 'text', two: 'text' }, updates => {
  const doc = editor(18, updates)
  doc.getText('one').insert(0, 'one')
  doc.getText('two').insert(0, 'two')
  return ''
})

document('as ProseMirror makes it', { prosemirror: 'xml' }, updates => {
  const doc = editor(19, updates)
  const root = doc.getXmlFragment('prosemirror')
  root.insert(0, [element('heading', [words('A title')], { level: 2 })])
  root.insert(1, [element('paragraph', [words('Some '), element('mention', [], { id: 'u1' }), words('bold', { strong: {} })])])
  root.insert(2, [element('paragraph'), element('paragraph', [words('')])])
  root.insert(4, [element('bullet_list', [
    element('list_item', [element('paragraph', [words('one')]), element('paragraph', [words('more')])]),
    element('list_item', [element('paragraph', [words('two'), element('hard_break'), words('lines')])])
  ])])
  root.insert(5, [element('horizontal_rule'), element('paragraph', [words('end & <end>')])])
  root.get(0).get(0).insert(7, '!')
  root.get(0).get(0).delete(0, 2)
  root.get(0).setAttribute('level', 3)
  root.insert(1, [element('paragraph', [words('to be deleted')])])
  root.delete(1, 1)
  return 'title!\nSome bold\n\n\none\nmore\ntwo\nlines\n\nend & <end>'
})

document('as Tiptap makes it', { default: 'xml' }, updates => {
  const doc = editor(20, updates)
  const root = doc.getXmlFragment('default')
  doc.transact(() => {
    root.insert(0, [element('paragraph', [words('Hello')]), element('paragraph', [words('wörld 😀')])])
  })
  const text = root.get(0).get(0)
  text.insert(5, ', there', { bold: {} })
  text.format(0, 5, { italic: {} })
  return 'Hello, there\nwörld 😀'
})

document('subdocuments', { folder: 'map' }, updates => {
  const folder = editor(21, updates).getMap('folder')
  folder.set('a', new Y.Doc({ guid: 'first', meta: { kind: 'note' }, autoLoad: false }))
  folder.set('b', new Y.Doc({ guid: 'second', gc: false }))
  folder.set('a', new Y.Doc({ guid: 'third' }))
  return ''
})

document('nothing', {}, updates => {
  updates.push(Y.encodeStateAsUpdate(new Y.Doc()))
  return ''
})

document('everything deleted', { content: 'text' }, updates => {
  const text = editor(22, updates).getText('content')
  text.insert(0, 'gone')
  text.delete(0, 4)
  return ''
})

document('a deleted subtree, collected', { prosemirror: 'xml' }, updates => {
  const doc = editor(23, updates)
  const root = doc.getXmlFragment('prosemirror')
  root.insert(0, [element('quote', [element('paragraph', [words('deep')])]), element('paragraph', [words('stays')])])
  root.delete(0, 1)
  updates.push(Y.encodeStateAsUpdate(doc))
  return 'stays'
})

document('concurrent typing', { content: 'text' }, updates => {
  const ada = editor(31, updates)
  const bob = editor(32, updates)
  const eve = editor(33, updates)
  ada.getText('content').insert(0, 'The quick fox')
  exchange(ada, bob, eve)
  for (const letter of 'brown ') ada.getText('content').insert(ada.getText('content').toString().indexOf('fox'), letter)
  for (const letter of 'red ') bob.getText('content').insert(bob.getText('content').toString().indexOf('fox'), letter)
  eve.getText('content').delete(4, 6)
  exchange(ada, bob)
  bob.getText('content').insert(0, '> ')
  ada.getText('content').format(0, 3, { bold: true })
  exchange(ada, bob, eve)
  return eve.getText('content').toString()
})

document('concurrent trees and keys', { prosemirror: 'xml', meta: 'map' }, updates => {
  const ada = editor(41, updates)
  const bob = editor(42, updates)
  ada.getXmlFragment('prosemirror').insert(0, [element('paragraph', [words('shared')])])
  exchange(ada, bob)
  ada.getMap('meta').set('k', 'ada')
  bob.getMap('meta').set('k', 'bob')
  bob.getMap('meta').set('k', new Y.Map([['x', 1]]))
  bob.getXmlFragment('prosemirror').get(0).get(0).insert(6, ' text')
  ada.getXmlFragment('prosemirror').delete(0, 1)
  exchange(ada, bob)
  ada.getMap('meta').set('k', 'after')
  exchange(ada, bob)
  return ''
})

document('undone and redone', { content: 'text' }, updates => {
  const doc = editor(51, updates)
  const text = doc.getText('content')
  const undo = new Y.UndoManager(text, { captureTimeout: 0 })
  text.insert(0, 'one ')
  text.insert(4, 'two ')
  text.delete(0, 4)
  undo.undo()
  undo.undo()
  undo.redo()
  return text.toString()
})

document('not collected', { content: 'text' }, updates => {
  const doc = editor(52, updates, { gc: false })
  const text = doc.getText('content')
  text.insert(0, 'version one')
  text.delete(8, 3)
  text.insert(8, 'two')
  updates.push(Y.encodeStateAsUpdate(doc))
  return 'version two'
})

document('a client id of 53 bits', { content: 'text' }, updates => {
  const text = editor(2 ** 53 - 1, updates).getText('content')
  text.insert(0, 'far')
  text.insert(1, '-')
  return 'f-ar'
})

process.stdout.write(JSON.stringify(documents))
