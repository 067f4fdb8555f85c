// An offline editor on npm yjs, as small as it can be: a Y.Doc, an outbox of its updates, pushes over HTTP.
import * as Y from 'yjs'

const server = process.env.LANDFALL_URL
const token = process.env.LANDFALL_TOKEN
export const workspace = process.env.LANDFALL_WORKSPACE

export const b64 = (bytes) => Buffer.from(bytes).toString('base64')
export const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))

export async function request (method, path, body) {
  const answer = await fetch(server + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body)
  })
  return { status: answer.status, body: await answer.json() }
}

export async function push (operations, more = {}) {
  const { status, body } = await request('POST', '/api/v1/documents/batch', { workspace_id: workspace, operations, ...more })
  if (status !== 200) throw new Error(`batch answered ${status}: ${JSON.stringify(body)}`)
  return body.results
}

export async function read (id) {
  const { status, body } = await request('GET', `/api/v1/documents/${id}?workspace_id=${workspace}`)
  if (status !== 200) throw new Error(`document answered ${status}: ${JSON.stringify(body)}`)
  return body
}

export class Editor {
  constructor (id, clientID) {
    this.id = id
    this.doc = new Y.Doc({ gc: false })
    if (clientID !== undefined) this.doc.clientID = clientID
    this.outbox = []
    this.doc.on('update', (update, origin) => { if (origin !== 'server') this.outbox.push(update) })
  }

  async create (title, more = {}) {
    this.outbox = []
    const data = { title, yjs_state_b64: b64(Y.encodeStateAsUpdate(this.doc)), ...more }
    return (await push([{ operation: 'create', client_id: 'create', document_id: this.id, data }]))[0]
  }

  /// Sends what is queued and takes what the answer brings.
  async sync (more = {}) {
    const data = {
      yjs_updates_b64: this.outbox.map(b64),
      state_vector_b64: b64(Y.encodeStateVector(this.doc)),
      ...more
    }
    const [result] = await push([{ operation: 'update', client_id: 'update', document_id: this.id, data }])
    if (result.status === 'success') {
      this.outbox = []
      this.take(result.server)
    }
    return result
  }

  async pull () {
    this.take(await read(this.id))
  }

  take (document) {
    if (document?.yjs_state_b64) Y.applyUpdate(this.doc, bytes(document.yjs_state_b64), 'server')
  }
}
