// How often an editor is told "saved": once for each change that Hocuspocus' provider counts. The first argument says what is tried; the
// frames are the provider's own.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { connect, sleep, until, workspace } from './editor.mjs'

const [what] = process.argv.slice(2)
const [token, document] = [process.env.LANDFALL_TOKEN, process.env.LANDFALL_DOCUMENT]
const url = `${process.env.LANDFALL_URL.replace(/^http/, 'ws')}/api/v1/live/hocuspocus`
const name = `${workspace}/${document}`
const say = (value) => console.log(JSON.stringify(value))
const [SYNC, AUTH, SYNC_STATUS] = [0, 2, 8]
const [STEP_1, STEP_2, UPDATE] = [0, 1, 2]

/** A document, and the updates by which each of `keys` was typed. */
function typed(keys) {
    const doc = new Y.Doc()
    const updates = []
    doc.on('update', (update) => updates.push(update))
    for (const key of keys) doc.getText('content').insert(doc.getText('content').length, key)
    return { doc, updates, vector: Y.encodeStateVector(doc) }
}

/** A socket that sends what it is told to, and counts what it hears. */
async function open() {
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    const heard = { saved: 0, questions: 0, pongs: 0 }
    socket.on('message', (data) => {
        const frame = new Uint8Array(data)
        if (frame.length === 1) return (heard.pongs += 1)
        const decoder = decoding.createDecoder(frame)
        decoding.readVarString(decoder)
        const kind = decoding.readVarUint(decoder)
        if (kind === SYNC && decoding.readVarUint(decoder) === STEP_1) heard.questions += 1
        if (kind === SYNC_STATUS) heard.saved += decoding.readVarInt(decoder)
    })
    await new Promise((resolve) => socket.on('open', resolve))
    const send = (kind, step, write) =>
        socket.send(
            encoding.encode((encoder) => {
                encoding.writeVarString(encoder, name)
                encoding.writeVarUint(encoder, kind)
                encoding.writeVarUint(encoder, step)
                write(encoder)
            })
        )
    send(AUTH, 0, (encoder) => encoding.writeVarString(encoder, token))
    const sync = (step, bytes) => send(SYNC, step, (encoder) => encoding.writeVarUint8Array(encoder, bytes))
    /** Waits for so many, and that there are no more. */
    const saved = async (count) => {
        await until(`${count} are saved`, () => heard.saved >= count)
        const { pongs } = heard
        socket.send(Uint8Array.of(9))
        await until('what came before was answered', () => heard.pongs > pongs)
        await sleep(50)
        if (heard.saved !== count) throw new Error(`"saved" was said ${heard.saved} times instead of ${count}`)
    }
    return { heard, sync, saved }
}

const reader = connect('y', document, token)
await until('the reader is synced', reader.isSynced)
const text = () => reader.doc.getText('content').toString()
const sees = (keys) => until(`the reader has ${keys}`, () => text() === keys)

if (what === 'queued') {
    // Three keys were typed while there was no socket. The provider begins to count anew when it says what it has, and sends them then.
    const { doc, updates, vector } = typed('abc')
    const { heard, sync, saved } = await open()
    sync(STEP_1, vector)
    for (const update of updates) sync(UPDATE, update)
    await sees('abc')
    await until('it is asked in return', () => heard.questions === 1)
    await saved(0)
    doc.getText('content').insert(3, 'd')
    sync(UPDATE, updates[3])
    await sees('abcd')
    await saved(1)
    sync(STEP_2, Y.encodeStateAsUpdate(doc))
    await saved(2)
    doc.getText('content').insert(4, 'e')
    sync(UPDATE, updates[4])
    await saved(3)
    await sees('abcde')
} else if (what === 'again') {
    // The first key never arrives. What leans on it is counted once it is stored, the answer to the second question is not.
    const { doc, updates } = typed('abc')
    const { heard, sync, saved } = await open()
    sync(STEP_1, Uint8Array.of(0))
    await until('it is asked in return', () => heard.questions === 1)
    sync(STEP_2, Uint8Array.of(0, 0))
    await saved(1)
    sync(UPDATE, updates[1])
    await until('it is asked again', () => heard.questions === 2)
    sync(UPDATE, updates[2])
    await saved(1)
    sync(STEP_2, Y.encodeStateAsUpdate(doc))
    await saved(3)
    await sees('abc')
    doc.getText('content').insert(3, 'd')
    sync(UPDATE, updates[3])
    await saved(4)
    await sees('abcd')
} else if (what === 'twice') {
    // Two providers of one document on one socket, told apart by their sessions. One goes, and comes back while its key is on its way.
    const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket, delay: 50, minDelay: 50 })
    const begin = (doc = new Y.Doc(), sessionAwareness = true) => {
        const provider = new HocuspocusProvider({ websocketProvider, name, document: doc, token, sessionAwareness })
        provider.attach()
        return provider
    }
    const [one, two] = [begin(), begin()]
    await until('both are synced', () => one.synced && two.synced)
    for (const [provider, key] of [[one, 'a'], [two, 'b']]) {
        provider.document.getText('content').insert(0, key)
        await until('all have it', () => [one, two, reader].every(({ document, doc = document }) => doc.getText('content').toString().startsWith(key)))
    }
    two.destroy()
    one.document.getText('content').insert(0, 'c')
    await sees('cba')
    await until('it is saved', () => !one.hasUnsyncedChanges)
}
say({ text: text() })
process.exit(0)
