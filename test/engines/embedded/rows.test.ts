import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encode } from '../../../src/core/model/encoding.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { Topics } from '../../../src/engines/embedded/topics.ts'
import { ALL, PLENTY, publishMany, seqsOf, someRoom } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'
import { TopicRecorder } from '../../support/listener.ts'

describe('a row that is not a publication', () => {
  test('is passed over by whoever reads, and does not end a page', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tabcast-rows-'))
    const path = join(dir, 'tabcast.db')
    const open = () =>
      createEmbeddedEngine({ path, durability: 'process', retention: { user: PLENTY, room: PLENTY }, report })
    onTestFinished(() => rm(dir, { recursive: true }))
    const { broker, close } = await open()
    const channel = someRoom()
    await publishMany({ broker }, channel, 5)
    await close()
    const database = new DatabaseSync(path)
    database.exec("UPDATE entry SET message = CAST('rubbish' AS BLOB) WHERE seq IN (2, 4)")
    database.close()
    const engine = await open()
    onTestFinished(() => engine.close())
    const { broker: reopened } = engine
    expect(seqsOf(await reopened.since(channel, { seq: 0 }, ALL))).toEqual([1, 3, 5])
    expect(seqsOf(await reopened.latest(channel, undefined, ALL))).toEqual([1, 3, 5])
    const one = { entries: 1, bytes: ALL.bytes }
    expect(seqsOf(await reopened.since(channel, { seq: 0 }, one))).toEqual([1])
    const page = await reopened.latest(channel, 5, one)
    expect([seqsOf(page), page.complete]).toEqual([[3], false])
    expect(await reopened.publish(draftOf(channel))).toMatchObject({ seq: 6 })
  })

  test('is reported when it is heard, and those that follow are heard', () => {
    const reported: unknown[] = []
    const topics = new Topics((error) => reported.push(error))
    const channel = someRoom()
    const recorder = new TopicRecorder()
    topics.add(channel, recorder.hear)
    topics.publish(channel, Buffer.from('rubbish'))
    topics.publish(channel, Buffer.from(encode(draftOf(channel, 'hello'), 1, 'epoch')))
    expect(recorder.data).toEqual(['hello'])
    expect(reported).toMatchObject([{ message: 'not a publication' }])
  })
})
