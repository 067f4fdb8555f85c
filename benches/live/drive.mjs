// Measures one server under live editors; prints one line of JSON.
//
// Arguments: seconds for each scenario. The environment names the server: LIVE_PROVIDER (`y-websocket` or `hocuspocus`),
// LIVE_URL, LIVE_TOKEN, LIVE_PREFIX (what document names begin with) and LIVE_PID.

import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { open, openAll, sleep, until } from './editors.mjs'

const seconds = Number(process.argv[2])
const { LIVE_PREFIX: prefix = '', LIVE_PID: pid } = process.env
const names = (count) => Array.from({ length: count }, () => `${prefix}${randomUUID()}`)

const kib = (field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
/** Processor time of the server so far, in milliseconds; a tick of /proc is 10 ms. */
const cpu = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
}
const percentile = (times, percent) => times[Math.max(Math.ceil((times.length * percent) / 100) - 1, 0)]
const close = (editors) => editors.flat().forEach((editor) => editor.close())

/** Waits for the next update that comes from elsewhere. */
const nextUpdate = (doc) =>
    new Promise((resolve) => {
        const seen = (_update, origin) => {
            if (origin === null) return
            doc.off('update', seen)
            resolve()
        }
        doc.on('update', seen)
    })

/** One key after the other, with a pause: how long until the other editor has it. */
async function keys() {
    const [[one, other]] = await openAll(names(1), 2)
    const times = []
    const end = performance.now() + seconds * 1_000
    while (performance.now() < end) {
        const arrived = nextUpdate(other.doc)
        const started = performance.now()
        one.doc.getText('content').insert(times.length, 'k')
        await arrived
        times.push(performance.now() - started)
        await sleep(20)
    }
    close([one, other])
    times.sort((a, b) => a - b)
    return { keys: times.length, p50: percentile(times, 50), p95: percentile(times, 95), p99: percentile(times, 99), max: times.at(-1) }
}

/** Sixteen pairs, each typing the next key as soon as the other editor has the last. */
async function rate() {
    const pairs = await openAll(names(16), 2)
    let updates = 0
    const before = cpu()
    const started = performance.now()
    const end = started + seconds * 1_000
    await Promise.all(
        pairs.map(async ([one, other]) => {
            for (let at = 0; performance.now() < end; at += 1) {
                const arrived = nextUpdate(other.doc)
                one.doc.getText('content').insert(at, 'k')
                await arrived
                updates += 1
            }
        })
    )
    const elapsed = performance.now() - started
    const used = cpu() - before
    close(pairs)
    return { updates_per_second: (updates / elapsed) * 1_000, cpu_us: (used / updates) * 1_000 }
}

/** 150 editors open a document of 400 KB at the same moment. */
async function join() {
    const [name] = names(1)
    const [[author]] = await openAll([name])
    for (let part = 0; part < 400; part += 1) author.doc.getText('content').insert(0, `${'a line of text\n'.repeat(68)}....`)
    await until('the document is saved', author.isSynced)
    await sleep(3_000)
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const before = kib('VmHWM')
    const started = performance.now()
    const editors = Array.from({ length: 150 }, () => open(name))
    const wanted = author.doc.getText('content').length
    await until('all have the document', () => editors.every((editor) => editor.isSynced() && editor.doc.getText('content').length === wanted))
    const result = { join_ms: performance.now() - started, join_mib: (kib('VmHWM') - before) / 1_024 }
    close([author, ...editors])
    return result
}

/** 1,000 sockets on 100 documents; in each document one editor types a key a second. */
async function many() {
    const before = kib('VmRSS')
    const documents = []
    const ids = names(100)
    for (let at = 0; at < ids.length; at += 10) documents.push(...(await openAll(ids.slice(at, at + 10), 10)))
    await sleep(2_000)
    const socket_kib = (kib('VmRSS') - before) / 1_000
    let received = 0
    for (const [, ...others] of documents) for (const { doc } of others) doc.on('update', () => (received += 1))
    const cpuBefore = cpu()
    const started = performance.now()
    await Promise.all(
        documents.map(async ([editor], at) => {
            await sleep(at * 10)
            for (let key = 0; key < seconds; key += 1) {
                editor.doc.getText('content').insert(key, 'k')
                await sleep(1_000)
            }
        })
    )
    const wanted = documents.length * seconds * 9
    await until('all keys have arrived', () => received >= wanted, 20_000).catch(() => undefined)
    const cores = (cpu() - cpuBefore) / (performance.now() - started)
    close(documents)
    return { socket_kib, cores, dropped: wanted - received }
}

const result = { ...(await keys()), ...(await rate()), ...(await join()), ...(await many()) }
console.log(JSON.stringify(result))
process.exit(0)
