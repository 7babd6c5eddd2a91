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

test('a damaged file is no state that passes by itself: it is reported', async () => {
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
  // The first page has the schema; without it, nothing would be opened at all.
  await file.write(randomBytes(size - PAGE), 0, size - PAGE, PAGE)
  await file.close()
  const engine = await start()
  await expect(engine.broker.publish(draftOf(userChannel('ada')))).rejects.toMatchObject({ code: 'internal' })
  expect(String((reported[0] as Error).cause)).toMatch(/malformed|not a database/)
  await engine.close()
  await rm(dir, { recursive: true, force: true })
})
