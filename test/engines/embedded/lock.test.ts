import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { backup, DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { ALL, PLENTY, publishMany, seqsOf, someUser, upTo } from '../../contract/engine/harness.ts'
import { report } from '../../support/engines.ts'

const PROGRAM = fileURLToPath(new URL('../../support/programs/embedded-process.ts', import.meta.url))

let dir: string
let path: string
const engines = new Set<Engine>()
const children = new Set<ChildProcess>()

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-lock-'))
  path = join(dir, 'tabcast.db')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const engine of engines) await engine.close()
  engines.clear()
  await rm(dir, { recursive: true, force: true })
})

async function open(at = path): Promise<Engine> {
  const retention = { user: PLENTY, room: PLENTY }
  const engine = await createEmbeddedEngine({ path: at, durability: 'process', retention, report })
  engines.add(engine)
  return engine
}

/** Starts another process on the file, and resolves when it publishes. */
async function startOther(): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, [PROGRAM, path, someUser(), 'forever'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  await once(createInterface({ input: child.stdout }), 'line')
  return { child, ended: once(child, 'exit') }
}

describe('while one process serves a file', () => {
  const names: [string, (other: string) => Promise<string>][] = [
    ['its path', async () => path],
    ['a relative path', async () => relative(process.cwd(), path)],
    [
      'a symbolic link to it',
      async (other) => {
        await symlink(path, other)
        return other
      },
    ],
    [
      'a symbolic link to its folder',
      async (other) => {
        await symlink(dir, other)
        return join(other, 'tabcast.db')
      },
    ],
  ]

  test.each(names)('another one is refused under %s, until the first was killed', async (_, nameOf) => {
    const { child, ended } = await startOther()
    expect((await readdir(dir)).sort()).toEqual(
      ['', '-shm', '-wal', '.lock'].map((end) => `tabcast.db${end}`),
    )
    const name = await nameOf(join(dir, 'other'))
    await expect(open(name)).rejects.toThrow(`${name} is open in another process, and only one may serve it`)
    child.kill('SIGKILL')
    await ended
    await (await open(name)).probe()
  })

  test('the same process is refused as well, and takes nothing from the first', async () => {
    const first = await open()
    for (const _ of [1, 2]) await expect(open()).rejects.toThrow('open in another process')
    await first.probe()
    await first.close()
    await (await open()).probe()
  })

  test('readers are let in, while it writes, and see what was acknowledged', async () => {
    const { broker } = await open()
    const channel = someUser()
    await publishMany({ broker }, channel, 100)
    const reader = new DatabaseSync(path, { readOnly: true })
    const count = () => reader.prepare('SELECT count(*) AS count FROM entry').get()!.count
    expect(count()).toBe(100)
    reader.exec('BEGIN')
    expect(count()).toBe(100)
    await publishMany({ broker }, channel, 100)
    expect(count()).toBe(100)
    reader.exec('COMMIT')
    expect(count()).toBe(200)
    reader.close()
  })

  test('a backup of it is a store', async () => {
    const { broker } = await open()
    const channel = someUser()
    await publishMany({ broker }, channel, 100)
    const copy = join(dir, 'copy', 'tabcast.db')
    await mkdir(join(dir, 'copy'))
    const source = new DatabaseSync(path, { readOnly: true })
    await backup(source, copy)
    source.close()
    await publishMany({ broker }, channel, 1)
    const other = await open(copy)
    expect(seqsOf(await other.broker.since(channel, { seq: 0 }, ALL))).toEqual(upTo(100))
  })
})

test('the lock of an older version is respected: it holds the database itself', async () => {
  await (await open()).close()
  const old = new DatabaseSync(path, { timeout: 0 })
  old.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
  await expect(open()).rejects.toThrow('open in another process')
  old.close()
  const engine = await open()
  // And the other way round.
  const again = new DatabaseSync(path, { timeout: 0 })
  expect(() => again.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')).toThrow('locked')
  again.close()
  await engine.probe()
})

test('a file with two names is refused, since a lock beside one of them would not be seen by the other', async () => {
  await (await open()).close()
  await link(path, join(dir, 'second.db'))
  await expect(open()).rejects.toThrow('has a second name (a hard link)')
})

test('a refused file that is not ours gets no lock beside it', async () => {
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE letters (text)')
  other.close()
  await expect(open()).rejects.toThrow('is a database of another program')
  expect(await readdir(dir)).toEqual(['tabcast.db'])
})
