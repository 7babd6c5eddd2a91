import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { userChannel } from '../../../src/core/model/channel.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { PLENTY } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'

const PAGE = 4096

/** The first page has the schema, the second one the identity of the store. */
const WHOLE = 2 * PAGE

test.each([
  ['is no state that passes by itself: it is reported', WHOLE],
  ['is refused by name if it cannot be opened at all', PAGE],
])('a damaged file %s', async (_, whole) => {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-damaged-'))
  const path = join(dir, 'tabcast.db')
  const reported: unknown[] = []
  const start = () =>
    createEmbeddedEngine({
      path,
      durability: 'process',
      retention: { user: PLENTY, room: PLENTY },
      report: (error) => reported.push(error),
    })
  const before = await start()
  for (let index = 0; index < 200; index++) await before.broker.publish(draftOf(userChannel(`user ${index}`)))
  await before.close()
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  await file.write(randomBytes(size - whole), 0, size - whole, whole)
  await file.close()
  if (whole < WHOLE) {
    const refused = `${path} cannot be opened as a database`
    // Whoever was refused keeps nobody out.
    for (const _ of [1, 2]) await expect(start()).rejects.toThrow(refused)
    await rm(dir, { recursive: true, force: true })
    return
  }
  const engine = await start()
  await expect(engine.broker.publish(draftOf(userChannel('ada')))).rejects.toMatchObject({ code: 'internal' })
  expect(String((reported[0] as Error).cause)).toMatch(/malformed|not a database/)
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})
