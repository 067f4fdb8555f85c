// Editors that type into one document without end while the server is killed and started again. When a socket ends, its editor may be
// lost with all that it had, and another one begins with nothing: whatever had been reported as saved has to be there all the same.
// Arguments: how many editors, keys a second, a seed. Prints a line for each key that is known to be saved, until its input ends; then
// waits until everybody has the same, and prints what was typed, what was known to be saved, and the text. A fourth argument,
// `deletion-typing`, has editors delete every third time, whatever is there: then also what was deleted, and which deletions were known to be
// saved.

import { connect, sleep, until } from './editor.mjs'

// Each provider has its own for the end of the process.
process.setMaxListeners(0)
const [count, rate, seed] = process.argv.slice(2, 5).map(Number)
const isDeleting = process.argv[5] === 'deletion-typing'
const document = process.env.LANDFALL_DOCUMENT
// Each key is a character of its own, so that it is known wherever it is put.
const [FIRST_KEY, LAST_KEY] = [0x3400, 0xd7a3]
const typed = new Set()
const saved = new Set()
/** Keys that somebody deleted, and those of which that was known to be saved. */
const deleted = new Set()
const gone = new Set()
const lost = { editors: 0, kills: 0 }
let state = seed % 2_147_483_648
let isTyping = true

function below(limit) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * limit)
}

/** What became of each key, for the words about one that is lost. */
const history = new Map()
const moment = () => Date.now() % 1_000_000
const note = (key, what) => history.set(key, [...(history.get(key) ?? []), `${what} at ${moment()}`])

function noteSaved(keys, how) {
    for (const key of keys) {
        if (saved.has(key)) continue
        saved.add(key)
        note(key, how)
        console.log('saved')
    }
}

// All sockets end at once. Then everybody is lost, or one of each kind of two: the others type on, and send all that they have.
let lastEnd = 0
let isEverybodyLost = false
function isLost(place) {
    if (Date.now() - lastEnd > 500) {
        lost.kills += 1
        isEverybodyLost = below(3) > 0
    }
    lastEnd = Date.now()
    return isEverybodyLost || place % 4 < 2
}

const editors = []
/** Whatever ended sockets besides kills. */
const closes = new Set()

function begin(place) {
    const editor = connect(place % 2 === 0 ? 'hocuspocus' : 'y', document, process.env.LANDFALL_TOKEN)
    const own = []
    const ownDeleted = []
    const text = editor.doc.getText('content')
    const who = `${editor.kind} ${place} (${editor.doc.clientID})`
    // What another one typed is passed on once it is committed.
    text.observe((event, transaction) => {
        if (transaction.local) return
        for (const { insert } of event.delta) if (insert) noteSaved([...insert].filter((key) => !own.includes(key)), `sent to ${who}`)
    })
    // Hocuspocus' provider says itself whether all of its own is saved.
    let before
    editor.provider.on('unsyncedChanges', ({ number }) => {
        if (number === 0) {
            noteSaved(own, `reported to ${who}, which counted ${before} before`)
            for (const key of ownDeleted.splice(0)) {
                gone.add(key)
                note(key, `its deletion was reported to ${who}`)
            }
        }
        before = number
    })
    editor.provider.on(place % 2 === 0 ? 'close' : 'connection-close', (ended) => {
        const { code, reason } = ended?.event ?? ended ?? {}
        if (code >= 4400) closes.add(`${who}: ${code}, ${reason}`)
        if (editors[place] !== editor || !isLost(place)) return
        for (const key of own) note(key, `${who} was lost`)
        lost.editors += 1
        editors[place] = undefined
        setTimeout(() => {
            editor.destroy()
            editor.doc.destroy()
            begin(place)
        })
    })
    editor.type = () => {
        if (isDeleting && text.length > 0 && below(3) === 0) {
            const at = below(text.length)
            const key = text.toString()[at]
            deleted.add(key)
            ownDeleted.push(key)
            note(key, `deleted by ${who}, ${editor.isSynced() ? 'synced' : 'not synced'}`)
            text.delete(at, 1)
            return
        }
        const key = String.fromCharCode(FIRST_KEY + typed.size)
        if (key.charCodeAt(0) > LAST_KEY) return
        typed.add(key)
        own.push(key)
        note(key, `typed by ${who}, ${editor.isSynced() ? 'synced' : 'not synced'}`)
        text.insert(below(text.length + 1), key)
    }
    editor.text = () => text.toString()
    editors[place] = editor
}

for (let place = 0; place < count; place += 1) begin(place)
process.stdin.resume()
process.stdin.on('end', () => (isTyping = false))
while (isTyping) {
    await sleep(1_000 / rate / count)
    editors[below(count)]?.type()
}
const isSettled = () => {
    const all = editors.filter((editor) => editor !== undefined)
    return all.length === count && all.every((editor) => editor.isSaved() && editor.text() === all[0].text())
}
await until('all are saved and equal', isSettled, 240_000).catch((error) => {
    const found = editors.map((editor) => editor && [editor.kind, editor.isSaved(), editor.text().length])
    throw new Error(`${error.message}: ${JSON.stringify(found)}`)
})
const wrong = (key) => console.error(editors[0].text().includes(key) ? 'there again:' : 'lost:', key, history.get(key).join('; '))
for (const key of saved) if (!editors[0].text().includes(key) && !deleted.has(key)) wrong(key)
for (const key of gone) if (editors[0].text().includes(key)) wrong(key)
console.log(JSON.stringify({ typed: [...typed].join(''), saved: [...saved].join(''), deleted: [...deleted].join(''), gone: [...gone].join(''), text: editors[0].text(), closes: [...closes], lost }))
process.exit(0)
