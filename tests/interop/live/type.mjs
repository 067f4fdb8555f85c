// Several editors type into one document at once; prints what they all have in the end.
// Arguments: seconds of typing, keys a second, and kinds of editors ("y", "hocuspocus"), one for each.

import { connect, keysOf, misses, sleep, type, until } from './editor.mjs'

const [seconds, rate, ...kinds] = process.argv.slice(2)
const document = process.env.LANDFALL_DOCUMENT
const editors = kinds.map((kind) => connect(kind, document, process.env.LANDFALL_TOKEN))
await Promise.all(editors.map((editor) => until('an editor is synced', editor.isSynced)))
editors.forEach((editor, at) => editor.awareness.setLocalStateField('user', { name: `editor ${at}` }))
await until('everybody sees everybody', () =>
    editors.every((editor) => {
        const names = [...editor.awareness.getStates().values()].map((state) => state.user?.name)
        return editors.every((_, at) => names.includes(`editor ${at}`))
    })
)
console.log('typing')
const count = Math.ceil(Number(seconds) * Number(rate))
await Promise.all(editors.map((editor, at) => type(editor, keysOf(at, count), 1_000 / Number(rate), at + 1)))
const all = kinds.flatMap((_, at) => keysOf(at, count))
const texts = () => editors.map((editor) => editor.doc.getText('content').toString())
await until('all are saved and equal', () => {
    const [first, ...others] = texts()
    return editors.every((editor) => editor.isSaved()) && others.every((text) => text === first) && misses(first, all).length === 0
}, 60_000).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify({ lengths: texts().map((t) => t.length), wanted: all.length, closes: editors.map((e) => e.closes), saved: editors.map((e) => e.isSaved()) })}`)
})
console.log(JSON.stringify({ text: texts()[0], closes: editors.flatMap((editor) => editor.closes) }))
const left = editors.pop()
left.destroy()
await until('the others see that one has left', () => editors.every((editor) => editor.awareness.getStates().size === editors.length)).catch((error) => {
    const seen = editors.map((editor) => [...editor.awareness.getStates()].map(([client, state]) => [client, state.user?.name, editor.awareness.meta.get(client)?.clock]))
    throw new Error(`${error.message}: ${JSON.stringify({ left: left.doc.clientID, seen })}`)
})
await sleep(10)
process.exit(0)
