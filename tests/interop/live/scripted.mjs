// People type into one document on npm yjs while a script changes the same text by edits and as a whole. Prints what everybody has in
// the end. Fails if a character is lost, doubled or back from the dead, or if anybody has another text.
// Arguments: a seed, how many actions, and `turns` (offline editors and the script act one after the other, so that the seed repeats
// everything) or `live` (editors on sockets, one that pushes batches, and the script act at the same time).

import * as Y from 'yjs'
import { connect, sleep, until } from './editor.mjs'
import { Editor, bytes, push, read } from '../http/editor.mjs'

const [seed, actions] = process.argv.slice(2, 4).map(Number)
const isLive = process.argv[4] === 'live'
const document = `00000000-0000-4000-8000-${seed.toString(16).padStart(12, '0')}`
const kinds = isLive ? ['y', 'hocuspocus', 'batches'] : ['batches', 'batches', 'batches']

process.on('uncaughtExceptionMonitor', () => console.error(`seed ${seed}, ${actions} actions, ${isLive ? 'live' : 'turns'}:`))

/** Small random numbers of one actor. */
function random(number) {
    let state = (seed * 977 + number * 7_919 + 1) >>> 0
    return (limit) => {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        state >>>= 0
        return state % limit
    }
}

// Each character that is not ASCII is typed once, so that it is known wherever it is put. Every second one has two UTF-16 units.
const typed = new Set()
const removed = new Set()
const refused = new Set()
const runs = []
const made = {}

function keysOf(number) {
    let count = 0
    return () => String.fromCodePoint((count % 2 ? 0x20000 : 0x4e00) + number * 2_000 + count++)
}

class Person {
    constructor(kind, number) {
        this.below = random(number)
        this.key = keysOf(number)
        if (kind === 'batches') this.editor = new Editor(document, 1 + this.below(2 ** 31))
        else this.live = connect(kind, document, process.env.LANDFALL_TOKEN)
        this.doc = (this.live ?? this.editor).doc
        this.text = this.doc.getText('content')
    }

    type() {
        const points = [...this.text.toString()]
        let at = this.below(points.length + 1)
        const offset = points.slice(0, at).join('').length
        if (this.below(4) === 0) {
            const gone = points.slice(at, at + 1 + this.below(3))
            this.text.delete(offset, gone.join('').length)
            gone.forEach((key) => removed.add(key))
            return
        }
        const run = Array.from({ length: 1 + this.below(4) }, this.key)
        run.forEach((key) => typed.add(key))
        runs.push(run)
        at = offset
        for (const key of [...run, ['\n', ' ', '', ''][this.below(4)]]) {
            this.text.insert(at, key)
            at += key.length
        }
    }

    async sync() {
        if (this.live) return
        if (this.editor.outbox.length === 0) return this.editor.pull()
        const sent = await this.editor.sync()
        if (sent.status !== 'success') throw new Error(`what was typed is refused: ${JSON.stringify(sent)}`)
    }
}

class Script {
    below = random(kinds.length)
    key = keysOf(kinds.length)
    count = 0
    seen = { content: '', version: 1 }

    async act() {
        if (this.below(3) > 0) this.seen = await read(document)
        const choice = this.below(6)
        const data = choice < 3 ? this.edits() : choice === 3 ? { edits: [this.everywhere()] } : this.whole(choice === 4)
        const operation = { operation: 'update', client_id: `edit_${this.count++}`, document_id: document, data }
        if (data.content !== undefined) operation.base_version = this.seen.version
        const isRehearsed = this.below(6) === 0
        const result = await this.send(operation, isRehearsed)
        const name = isRehearsed ? 'dry_run' : (result.error?.code ?? 'success')
        made[name] = (made[name] ?? 0) + 1
        const isMade = name === 'success'
        this.added.forEach((key) => (isMade ? typed : refused).add(key))
        if (isMade) this.cut.forEach((key) => removed.add(key))
        if (isMade && this.below(4) === 0) {
            const again = await this.send(operation, false)
            if (!again.replayed || again.version !== result.version) throw new Error(`made twice: ${JSON.stringify(again)}`)
        }
    }

    async send(operation, dry_run) {
        for (let tries = 0; ; tries += 1) {
            const [result] = await push([operation], { device_id: 'script', dry_run })
            const code = result.error?.code
            if (code !== 'transient' || tries === 50) {
                if (result.status === 'success' || result.status === 'conflict') return result
                throw new Error(`the script is refused: ${JSON.stringify(result)}`)
            }
            made.transient = (made.transient ?? 0) + 1
        }
    }

    /** Some characters become others: one more between them, or one less. */
    changed(points) {
        const at = this.below(points.length + 1)
        if (this.below(2) === 0 && at < points.length) {
            this.cut.push(points[at])
            return [...points.slice(0, at), ...points.slice(at + 1)]
        }
        const key = this.key()
        this.added.push(key)
        return [...points.slice(0, at), key, ...points.slice(at)]
    }

    edits() {
        this.cut = []
        this.added = []
        const points = [...this.seen.content]
        const edits = Array.from({ length: 1 + this.below(2) }, () => {
            const at = this.below(Math.max(points.length - 3, 1))
            const found = points.slice(at, at + 1 + this.below(3))
            return { find: found.join('') || 'nothing', replace: this.changed(found).join('') }
        })
        return { edits }
    }

    everywhere() {
        this.cut = []
        this.added = []
        const [find, replace] = this.below(2) ? ['o', '0'] : ['0', 'o']
        return { find, replace, all: true }
    }

    whole(isAppended) {
        this.cut = []
        this.added = []
        if (isAppended) {
            this.added.push(this.key())
            return { content: `${this.seen.content}${this.added[0]}\n` }
        }
        let points = [...this.seen.content]
        for (let times = this.below(3); times >= 0; times -= 1) points = this.changed(points)
        return { content: points.join('') }
    }
}

const first = new Editor(document, 7)
first.doc.getText('content').insert(0, 'The quick brown fox\njumps over\nthe lazy dog\n')
await first.create('Shared')
const people = kinds.map((kind, number) => new Person(kind, number))
const script = new Script()
await Promise.all(people.map((person) => (person.live ? until('an editor is synced', person.live.isSynced) : person.editor.pull())))

if (isLive) {
    const goOn = async (actor, act) => {
        for (let at = 0; at < actions; at += 1) {
            await act(at)
            await sleep(actor.below(25))
        }
    }
    const typists = people.map((person) => goOn(person, async (at) => (at % 3 === 2 ? person.sync() : person.type())))
    await Promise.all([...typists, goOn(script, () => script.act())])
} else {
    const below = random(kinds.length + 1)
    for (let at = 0; at < actions; at += 1) {
        const actor = [...people, script][below(kinds.length + 1)]
        if (actor === script) await script.act()
        else if (below(3) === 0) await actor.sync()
        else actor.type()
    }
}

const texts = () => people.map((person) => person.text.toString())
let stored
for (const end = Date.now() + 60_000; ; await sleep(20)) {
    for (const person of people) await person.sync()
    for (const person of people) await person.sync()
    stored = await read(document)
    const isSaved = people.every((person) => person.live?.isSaved() ?? true)
    if (isSaved && texts().every((text) => text === stored.content)) break
    if (!isLive || Date.now() > end) throw new Error(`not all have the same: ${JSON.stringify({ texts: texts(), stored: stored.content })}`)
}

const text = stored.content
const wrong = []
const places = new Map()
;[...text].forEach((key, at) => places.set(key, [...(places.get(key) ?? []), at]))
for (const key of typed) {
    const times = places.get(key)?.length ?? 0
    if (times !== (removed.has(key) ? 0 : 1)) wrong.push(`${key} is there ${times} times${removed.has(key) ? ', removed' : ''}`)
}
for (const key of refused) if (places.has(key)) wrong.push(`${key} was refused, or rehearsed`)
for (const run of runs) {
    const kept = run.filter((key) => places.has(key)).map((key) => places.get(key)[0])
    if (kept.some((place, at) => at > 0 && place < kept[at - 1])) wrong.push(`${run.join('')} is in another order`)
}
const fresh = new Y.Doc()
Y.applyUpdate(fresh, bytes(stored.yjs_state_b64))
if (fresh.getText('content').toString() !== text) wrong.push('the stored state has another text')
// Who typed, who made the document, and the server once.
const clients = [...Y.decodeStateVector(bytes(stored.state_vector_b64)).keys()]
const servers = clients.filter((client) => client >= 2 ** 52)
const strangers = clients.filter((client) => client < 2 ** 52 && client !== 7 && !people.some((person) => person.doc.clientID === client))
if (servers.length > 1 || strangers.length > 0) wrong.push(`unknown clients: ${servers} ${strangers}`)
if (wrong.length > 0) throw new Error(`${wrong.join('; ')} in ${JSON.stringify(text)}`)
console.log(JSON.stringify({ text, made, typed: typed.size, removed: removed.size, versions: stored.version, servers: servers.length }))
process.exit(0)
