// Two people type into one document, eight keys a second each; prints how long each key took to the other one, in milliseconds.
//
// Arguments: seconds, and the document's name. The environment is as for `drive.mjs`. Prints `typing` when both have the document.

import * as Y from 'yjs'

import { openAll, sleep, until } from './editors.mjs'

const [seconds, document] = process.argv.slice(2)
const [people] = await openAll([document], 2)
const taken = []
const sent = new Map()
people.forEach(({ doc }) => {
    doc.getText('content').observe((event, transaction) => {
        if (transaction.local) return
        for (const { insert = '' } of event.delta) {
            for (const key of insert) if (sent.has(key)) taken.push(performance.now() - sent.get(key))
        }
    })
})
console.log('typing')
const count = Math.ceil(Number(seconds) * 8)
await Promise.all(
    people.map(async ({ doc }, person) => {
        const text = doc.getText('content')
        await sleep(person * 60)
        // Where the caret is, whatever the other one types before it.
        let caret = Y.createRelativePositionFromTypeIndex(text, Math.floor((text.length * (person + 1)) / 3), -1)
        for (let typed = 0; typed < count; typed += 1) {
            const key = String.fromCodePoint(0x4e00 + person * 8_000 + typed)
            sent.set(key, performance.now())
            const { index } = Y.createAbsolutePositionFromRelativePosition(caret, doc)
            text.insert(index, key)
            caret = Y.createRelativePositionFromTypeIndex(text, index + 1, -1)
            await sleep(125)
        }
    })
)
await until('all keys have arrived', () => taken.length === 2 * count).catch((error) => {
    throw new Error(`${error.message}: ${taken.length} of ${2 * count} have`)
})
console.log(JSON.stringify(taken))
process.exit(0)
