import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { ALL, PLENTY, publishMany, seqsOf, someUser, upTo } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'

const PROGRAM = fileURLToPath(new URL('../../support/programs/embedded-process.ts', import.meta.url))

interface Acknowledged {
  id: string
  seq: number
  epoch: string
  number: number
}

const children = new Set<ChildProcess>()
const engines = new Set<Engine>()
let dir: string
let path: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-kill-'))
  path = join(dir, 'tabcast.db')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const engine of engines) await engine.close()
  engines.clear()
  await rm(dir, { recursive: true, force: true })
})

async function open(): Promise<Engine> {
  const retention = { user: { ...PLENTY, count: 1_000_000 }, room: PLENTY }
  const engine = await createEmbeddedEngine({ path, durability: 'process', retention, report })
  engines.add(engine)
  return engine
}

function start(channel: string, what: 'forever' | 'once') {
  const child = spawn(process.execPath, [PROGRAM, path, channel, what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  return { child, lines: createInterface({ input: child.stdout }), ended: once(child, 'exit') }
}

/** Lets a process publish, kills it after so many acknowledgements, and answers everything that was acknowledged. */
async function publishAndDie(channel: string, count: number): Promise<Acknowledged[]> {
  const { child, lines, ended } = start(channel, 'forever')
  const acknowledged: Acknowledged[] = []
  for await (const line of lines) {
    // The line that was cut by the end of the process acknowledges nothing.
    if (line.endsWith('}')) acknowledged.push(JSON.parse(line))
    if (acknowledged.length === count) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  return acknowledged
}

test('what a killed process had acknowledged is there, and the numbers and cursors go on', async () => {
  const channel = someUser()
  const acknowledged = await publishAndDie(channel, 300)
  const { broker } = await open()
  const { publications, head } = await broker.since(channel, { seq: 0 }, ALL)
  const stored = new Map(publications.map(({ id, seq, epoch }) => [id, { seq, epoch }]))
  for (const { id, seq, epoch } of acknowledged) expect(stored.get(id)).toEqual({ seq, epoch })
  expect(publications.map(({ seq }) => seq)).toEqual(upTo(publications.length))
  expect(head).toEqual({ seq: publications.length, epoch: acknowledged[0]!.epoch })

  await publishMany({ broker }, channel, 3)
  for (const cursor of [acknowledged.at(-1)!, head]) {
    const page = await broker.since(channel, { seq: cursor.seq, epoch: cursor.epoch }, ALL)
    expect(page.gap).toBeUndefined()
    expect(seqsOf(page)).toEqual(upTo(head.seq + 3).slice(cursor.seq))
  }
})

test('a publish that is repeated after the kill is stored once', async () => {
  const channel = someUser()
  const acknowledged = await publishAndDie(channel, 100)
  const { broker } = await open()
  for (const { id, seq, epoch, number } of acknowledged.slice(-20)) {
    const idempotency = { key: `k${number}`, fingerprint: 'f' }
    const again = await broker.publish(draftOf(channel, number, { idempotency }))
    expect(again).toEqual({ id, seq, epoch, connections: 0, replayed: true })
  }
})

test('processes that die one after the other leave one log', async () => {
  const channel = someUser()
  const runs = [await publishAndDie(channel, 30), await publishAndDie(channel, 30)]
  const { broker } = await open()
  await publishMany({ broker }, channel, 1)
  const { publications, head } = await broker.since(channel, { seq: 0 }, ALL)
  expect(publications.map(({ seq }) => seq)).toEqual(upTo(head.seq))
  for (const run of runs) {
    const { seq, epoch } = run.at(-1)!
    const page = await broker.since(channel, { seq, epoch }, ALL)
    expect(page.gap).toBeUndefined()
    expect(seqsOf(page)).toEqual(upTo(head.seq).slice(seq))
  }
})

test('a second process on one file is refused at once, until the first is gone', async () => {
  const { child, lines, ended } = start(someUser(), 'forever')
  await once(lines, 'line')
  const asked = performance.now()
  await expect(open()).rejects.toThrow(`${path} is open in another process`)
  expect(performance.now() - asked).toBeLessThan(1000)
  child.kill('SIGKILL')
  await ended
  await (await open()).probe()
})

test('the refused one does not take the lock from the first', async () => {
  const first = await open()
  await expect(open()).rejects.toThrow('open in another process')
  await expect(open()).rejects.toThrow('open in another process')
  await first.probe()
})

test('a process that closes its engine ends by itself', async () => {
  const { ended } = start(someUser(), 'once')
  expect(await ended).toEqual([0, null])
})
