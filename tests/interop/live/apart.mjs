// Two editors whose network is cut type on apart, and find together again. The first is Hocuspocus, the second y-websocket.

import { connect, keysOf, misses, type, until } from './editor.mjs'

const document = process.env.LANDFALL_DOCUMENT
const [ada, bob] = ['hocuspocus', 'y'].map((kind) => connect(kind, document, process.env.LANDFALL_TOKEN))
await until('both are synced', () => ada.isSynced() && bob.isSynced())
await type(ada, keysOf(0, 20), 5, 1)
await until('one has what the other typed', () => misses(bob.doc.getText('content').toString(), keysOf(0, 20)).length === 0)
ada.disconnect()
bob.disconnect()
await until('both are cut off', () => !ada.isSynced() && !bob.isSynced())
await Promise.all([type(ada, keysOf(1, 50), 2, 2), type(bob, keysOf(2, 50), 2, 3)])
ada.connect()
bob.connect()
const all = [0, 1, 2].flatMap((number) => keysOf(number, number === 0 ? 20 : 50))
const text = (editor) => editor.doc.getText('content').toString()
await until('both have all', () => text(ada) === text(bob) && misses(text(ada), all).length === 0 && ada.isSaved())
console.log(JSON.stringify({ text: text(ada) }))
process.exit(0)
