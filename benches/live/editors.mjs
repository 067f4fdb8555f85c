// Editors connected by the providers that people install, to whichever server.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const { LIVE_PROVIDER: kind, LIVE_URL: url, LIVE_TOKEN: token = 'none' } = process.env

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function until(what, is, patience = 120_000) {
    const end = Date.now() + patience
    while (!is()) {
        if (Date.now() > end) throw new Error(`it took too long until ${what}`)
        await sleep(2)
    }
}

/** An editor of one document, on a socket of its own. */
export function open(document) {
    const doc = new Y.Doc()
    if (kind === 'y-websocket') {
        const [base, room] = ends(document)
        const provider = new WebsocketProvider(base, room, doc, {
            params: { token },
            WebSocketPolyfill: WebSocket,
            disableBc: true,
        })
        return { doc, isSynced: () => provider.synced, close: () => provider.destroy() }
    }
    const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket })
    const provider = new HocuspocusProvider({ websocketProvider: socket, name: document, document: doc, token })
    provider.attach()
    return {
        doc,
        isSynced: () => provider.synced && !provider.hasUnsyncedChanges,
        close: () => (provider.destroy(), socket.destroy()),
    }
}

/** `workspace/document` becomes the two last parts of a path; a server without workspaces takes one. */
function ends(document) {
    const at = document.lastIndexOf('/')
    return at < 0 ? [url, document] : [`${url}/${document.slice(0, at)}`, document.slice(at + 1)]
}

/** Opens so many editors of each document and waits until they have what there is. */
export async function openAll(documents, each = 1) {
    const all = documents.map((document) => Array.from({ length: each }, () => open(document)))
    await until('all editors are synced', () => all.flat().every((editor) => editor.isSynced()))
    return all
}
