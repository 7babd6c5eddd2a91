import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { askAll, CHANNELS, RETENTION } from './version-6/ask.ts'

/** A store that version 6 wrote, as SQL, and what its engine said of it at the time `now` (milliseconds since the epoch). */
const folder = join(import.meta.dirname, 'version-6')
const sql = await readFile(join(folder, 'store.sql'), 'utf8')
const { now, answers } = JSON.parse(await readFile(join(folder, 'answers.json'), 'utf8'))

const ada = userChannel('ada')

describe('a file of version 6', () => {
  let dir: string
  let path: string
  let engine: Engine

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tabcast-version-6-'))
    path = join(dir, 'tabcast.db')
    vi.useFakeTimers({ toFake: ['Date'], now })
    const old = new DatabaseSync(path)
    old.exec(`PRAGMA journal_mode = WAL; ${sql}`)
    old.close()
    engine = await open()
  })

  afterEach(async () => {
    vi.useRealTimers()
    await engine.close()
    await rm(dir, { recursive: true, force: true })
  })

  const open = () =>
    createEmbeddedEngine({
      path,
      durability: 'process',
      retention: { user: RETENTION, room: RETENTION },
      report,
    })

  test('says through every port what it said before, and after another start as well', async () => {
    const said = await askAll(engine)
    expect(Object.keys(said)).toEqual(Object.keys(answers))
    for (const question of Object.keys(said))
      expect({ [question]: said[question] }).toEqual({ [question]: answers[question] })
    await engine.close()
    engine = await open()
    expect(await askAll(engine)).toEqual(said)
  })

  test('goes on with the next number in every log, in an epoch of the same incarnation', async () => {
    for (const channel of CHANNELS) {
      const { head } = answers[`log ${channel}`]
      const { seq, epoch } = await engine.broker.publish(draftOf(channel))
      expect([seq, epoch.split('.')[0]]).toEqual([head.seq + 1, head.epoch.split('.')[0]])
      expect((await engine.broker.since(channel, head, { entries: 10, bytes: 10_000 })).gap).toBeUndefined()
    }
  })

  test('knows its keys, and what is scheduled and pending', async () => {
    const publisher = new Publisher(engine)
    const again = await publisher.notify(
      'ada',
      { title: 'keyed' },
      { credential: 'test', idempotencyKey: 'k' },
    )
    expect(again.replayed).toBe(true)
    const hours = 3 * 3_600_000
    const due = await engine.schedule.due(now + hours, 10)
    expect(due).toMatchObject([{ draft: { channel: ada, item: { tag: 'later' } } }])
    const [taken] = await engine.webhookQueue.take(now + hours, now + hours, 10)
    expect(taken!.webhook).toMatchObject({ user: 'ada', events: ['read'] })
  })

  test('still answers an acknowledgement to whoever waits for it, and a mark to a webhook', async () => {
    const [webhook] = answers[`inbox ${ada}`].items.filter((item: { content: string }) =>
      item.content.includes('"webhook"'),
    )
    const at = new Date(now).toISOString()
    expect(await engine.inbox.acknowledge(ada, 1000, at)).toEqual([
      { id: webhook.id, waiter: 'process-1', hasWebhook: true },
    ])
    const inboxes = new Inboxes(engine)
    expect(await inboxes.mark('ada', { state: 'read', value: true })).toEqual({ unread: 0, unseen: 0 })
    expect(await inboxes.mark('ada', { state: 'read', value: false })).toMatchObject({ unread: 5 })
  })

  test('ends what was to end, at its time and first what ends first', async () => {
    const recorder = new TopicRecorder()
    await engine.broker.subscribe(ada, recorder.hear)
    const endsOf = ({ expiresAt }: { expiresAt: string }) => Date.parse(expiresAt)
    const items = [...answers[`inbox ${ada}`].items].sort((one, other) => endsOf(one) - endsOf(other))
    expect(items[0].content).toContain('own end')
    for (const [index, item] of items.entries()) {
      vi.setSystemTime(endsOf(item))
      expect(await engine.inbox.find(ada, item.id)).toBeUndefined()
      await recorder.hasHeard(index + 1)
      expect(payloadOf(recorder.heard[index]!).ids).toEqual([item.id])
    }
    expect(payloadOf(recorder.heard.at(-1)!)).toMatchObject({ unread: 0, unseen: 0 })
  })
})
