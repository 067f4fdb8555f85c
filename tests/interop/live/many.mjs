// Editors of many documents of one workspace, which type at the same moment. The first argument is a list in JSON: for each editor its
// `kind`, `document`, `token`, and how many `keys` it types (without: any number, until it is refused); with `paste`, that many characters come
// in between. Typing goes on until each has typed its keys and the input has ended. Prints `typing`, then what each has in the end, whether all of it is saved, and why its sockets were closed.

import { connect, keysOf, sleep, until } from './editor.mjs'

process.setMaxListeners(0)
const wanted = JSON.parse(process.argv[2])
const editors = wanted.map(({ kind, document, token }) => connect(kind, document, token))
// y-websocket is not told what is saved: somebody else is, who is sent what was committed.
const readers = wanted.map(({ kind, document, token }) => (kind === 'y' ? connect(kind, document, token) : undefined))
await until('everybody is synced', () => editors.every((editor) => editor.isSynced()))
console.log('typing')
let isTyping = true
process.stdin.resume()
process.stdin.on('end', () => (isTyping = false))
const text = (editor) => editor.doc.getText('content')
const isRefused = (editor) => editor.closes.some(([code]) => code >= 4400) || (editor.denied ?? []).length > 0
const keys = wanted.map(({ keys = 0 }, at) => keysOf(at % 10, keys))
const isEndless = (at) => wanted[at].keys === undefined && !isRefused(editors[at])
// All at once, so that they wait for each other's commits.
for (let key = 0; isTyping || editors.some((_, at) => key < keys[at].length || isEndless(at)); key += 1) {
    editors.forEach((editor, at) => {
        if (key < keys[at].length || isEndless(at)) text(editor).insert(0, keys[at][key] ?? 'z')
        if (key === 5 && wanted[at].paste) text(editor).insert(0, 'x'.repeat(wanted[at].paste))
    })
    await sleep(5)
}
const isSaved = (editor, at) => editor.isSaved() && (!readers[at] || text(readers[at]).toString() === text(editor).toString())
await until('all is saved or refused', () => editors.every((editor, at) => isRefused(editor) || isSaved(editor, at)))
editors.forEach((editor) => {
    console.log(JSON.stringify({ text: text(editor).toString(), isSaved: editor.isSaved() && !isRefused(editor), closes: editor.closes, denied: editor.denied ?? [] }))
})
process.exit(0)
